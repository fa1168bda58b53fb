"""`demo`: the whole product on synthetic children, on this machine."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TaskID

from screener.cli.output import ERR, OUT, SYNTHETIC, print_json, print_table, progress
from screener.cli.peers import find_peer, listen_address
from screener.config import Settings
from screener.demo.outcome import Outcome, Row
from screener.demo.run import Demo, run_demo
from screener.domain.errors import ConfigurationError
from screener.network.archive_scp import SmallArchive
from screener.network.entity import configure_pynetdicom
from screener.supervisor import stop_on_signals, stop_with_supervisor
from screener.telemetry.logging import configure_logging

_SYNTHETIC = (
    "Demo: every child and film is SYNTHETIC, and so is the predictor. Research use only; not a "
    "medical device."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=SYNTHETIC)(demo)
    app.command(name="demo-archive", hidden=True)(demo_archive)


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for films, reports and the page; made anew.")
    ] = Path("demo-out"),
    archive: Annotated[
        str | None,
        typer.Option(
            metavar="AET@HOST:PORT",
            help="Send reports to this archive instead of our own small one. It must know the AE "
            "title BMDSCREEN at the address of --listen, for storage commitment.",
        ),
    ] = None,
    test_archive: Annotated[
        bool,
        typer.Option(
            "--this-is-a-test-archive", help="Needed with --archive: it gets synthetic reports."
        ),
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the node listens; default: a free port of 127.0.0.1, with --archive "
            "127.0.0.1:11112.",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the node running until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the whole node on synthetic children: films in by C-STORE, committed reports out.

    Starts a node and a small archive, sends 24 children and films that must not be scored, and
    compares what comes out with the truth. Exits with 1 where fewer than 9 of the 12 low children
    are found, more than 2 others are flagged, a report is not committed, or one was written for
    anyone else.
    """
    if archive is not None and not test_archive:
        raise ConfigurationError(
            "--archive sends synthetic reports to that archive: add --this-is-a-test-archive if "
            "it is one"
        )
    peer = find_peer(Settings(), archive) if archive else None
    address = listen_address(listen) if listen else (("127.0.0.1", 11112) if archive else None)
    configure_logging(role="demo")
    ERR.print(f"[bold yellow]{_SYNTHETIC}[/]", highlight=False)
    with _Steps() as steps:
        done = run_demo(out, archive=peer, listen=address, keep=keep, on_step=steps)
    _print(done, as_json=as_json)
    if keep:
        _keep_running(done)
    if done.outcome.problems:
        raise typer.Exit(1)


def demo_archive(
    folder: Annotated[Path, typer.Argument()],
    own: Annotated[str, typer.Argument(metavar="AET@HOST:PORT")],
    report_to: Annotated[str, typer.Argument(metavar="AET@HOST:PORT")],
) -> None:
    """Run a small archive that stores, is queried and commits."""
    configure_logging(role="archive")
    configure_pynetdicom()
    us, node = find_peer(Settings(), own), find_peer(Settings(), report_to)
    stop = threading.Event()
    stop_on_signals(stop)
    stop_with_supervisor(stop)
    archive = SmallArchive(folder, ae_title=us.ae_title, host=us.host, port=us.port, report_to=node)
    with archive:
        stop.wait()


class _Steps:
    """Shows the demo's steps: a bar each on a terminal, a line each elsewhere."""

    def __init__(self) -> None:
        self._bar = progress("")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Steps:
        self._bar.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            for task in self._tasks.values():
                self._bar.stop_task(task)
            self._tasks[what] = self._bar.add_task(what, total=total)
            if not ERR.is_terminal:
                ERR.print(f"{what} …", highlight=False)
        self._bar.update(self._tasks[what], completed=done, total=total)


def _print(done: Demo, *, as_json: bool) -> None:
    outcome = done.outcome
    if as_json:
        print_json(
            {
                "ok": not outcome.problems,
                "films": [asdict(row) for row in outcome.rows],
                "objects_in_archive": len(outcome.written),
                "seconds": round(done.seconds, 1),
            }
        )
        return
    print_table(
        ("film", "what it is", "true Z>", "aBMD>", "Z>", "interval", "verdict or reason", "report"),
        [_cells(row) for row in outcome.rows],
    )
    OUT.print("aBMD in g/cm2; interval of Z; the report's state is its slowest object's.")
    for problem in outcome.problems:
        ERR.print(f"[bold red]not as it must be:[/] {problem}", highlight=False)
    restarts = f", {done.node.restarts} restarts" if done.node.restarts else ""
    OUT.print(
        f"{done.headline}\n{len(outcome.written)} objects in the archive for "
        f"{_flagged(outcome)} children found low; {done.seconds:.0f} s{restarts}\n"
        f"see {done.page}",
        highlight=False,
    )


def _flagged(outcome: Outcome) -> int:
    return sum(child.found_low for child in outcome.children)


def _cells(row: Row) -> tuple[object, ...]:
    scored = row.z is not None
    return (
        row.file.removesuffix(".dcm"),
        row.kind,
        f"{row.true_z:.1f}" if row.true_z is not None else "",
        f"{row.abmd_g_cm2:.2f}" if row.abmd_g_cm2 is not None else "",
        f"{row.z:.1f}" if scored else "",
        f"{row.z_low:.1f} to {row.z_high:.1f}" if scored else "",
        " ".join(word for word in (row.verdict, row.reason) if word),
        row.report_state or "",
    )


def _keep_running(done: Demo) -> None:
    ERR.print(
        f"{done.node.peer} goes on; settings: {done.node.config}; Ctrl-C ends it", highlight=False
    )
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        while not stop.wait(1.0):
            done.node.keep_alive()
    finally:
        done.node.stop()
