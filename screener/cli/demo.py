"""`demo`: the whole product on synthetic children, with a node of its own or a running one."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TaskID

from screener.cli.output import ERR, OUT, SYNTHETIC, print_json, print_table, progress
from screener.cli.peers import find_peer, listen_address
from screener.config import Settings, load_settings
from screener.demo.node import MODALITY, node_peer
from screener.demo.outcome import Outcome, Row
from screener.demo.own import OwnNode
from screener.demo.run import Demo, run_demo, run_through, write_films
from screener.demo.worklist import film_count
from screener.domain.errors import ConfigurationError
from screener.network.archive_scp import SmallArchive
from screener.network.entity import configure_pynetdicom
from screener.supervisor import stop_on_signals, stop_with_supervisor
from screener.telemetry.logging import configure_logging

_SYNTHETIC = (
    "Demo: every child and film is SYNTHETIC, and so is the predictor. Research use only; not a "
    "medical device."
)

#: Where there is no terminal, a line says so often how far a step is, s.
_SAY_EVERY_S = 10.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=SYNTHETIC)(demo)
    app.command(name="demo-archive", hidden=True)(demo_archive)


def demo(
    context: typer.Context,
    *,
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
    running: Annotated[
        bool,
        typer.Option(
            "--running",
            help="Use the node of the settings, which runs already, and its first archive in mode "
            "test. Its listener.callers must name SYNTHMOD.",
        ),
    ] = False,
    node: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="With --running: where that node listens, if not where its settings say; from "
            "another container such as listener:11112.",
        ),
    ] = None,
    no_send: Annotated[
        bool,
        typer.Option(
            "--no-send", help="With --running: somebody else sends the films; wait for them."
        ),
    ] = False,
    films: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Take the films that an earlier demo made, or --films-only."
        ),
    ] = None,
    films_only: Annotated[
        bool,
        typer.Option("--films-only", help="Write the films for another sender, and nothing else."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the whole node on synthetic children: films in by C-STORE, committed reports out.

    Starts a node and a small archive, sends 24 children and films that must not be scored, and
    compares what comes out with the truth; with --running it does so through a node that runs
    already. Exits with 1 where fewer than 9 of the 12 low children are found, more than 2 others
    are flagged, a report is not committed, or one was written for anyone else.
    """
    own = {"--archive": archive, "--this-is-a-test-archive": test_archive}
    own |= {"--listen": listen, "--keep": keep}
    theirs = {"--node": node, "--no-send": no_send}
    if films_only:
        others = own | theirs | {"--running": running, "--films": films, "--json": as_json}
        _refuse(others, "--films-only goes with --out alone")
    elif running:
        _refuse(own, "--running uses a node and an archive that run already")
    else:
        _refuse(theirs, "it is for a node that runs already: add --running")
    if archive is not None and not test_archive:
        raise ConfigurationError(
            "--archive sends synthetic reports to that archive: add --this-is-a-test-archive if "
            "it is one"
        )
    peer = find_peer(Settings(), archive) if archive else None
    listen_at = listen_address(listen) if listen else (("127.0.0.1", 11112) if archive else None)
    node_at = listen_address(node) if node else None
    configure_logging(role="demo")
    ERR.print(f"[bold yellow]{_SYNTHETIC}[/]", highlight=False)
    if films_only:
        _write_films(out, load_settings(context.obj))
        return
    with _Steps() as steps:
        if running:
            settings = load_settings(context.obj)
            done = run_through(
                out, settings, address=node_at, send=not no_send, films=films, on_step=steps
            )
        else:
            done = run_demo(
                out, archive=peer, listen=listen_at, keep=keep, films=films, on_step=steps
            )
    _print(done, as_json=as_json)
    if keep and done.own:
        _keep_running(done.own)
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
    """Shows the demo's steps: a bar each on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._bar = progress("")
        self._tasks: dict[str, TaskID] = {}
        self._said_at = 0.0

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
            self._say(f"{what} …")
        elif done and time.monotonic() - self._said_at > _SAY_EVERY_S:
            self._say(f"{what}: {done} of {total}")
        self._bar.update(self._tasks[what], completed=done, total=total)

    def _say(self, line: str) -> None:
        self._said_at = time.monotonic()
        if not ERR.is_terminal:
            ERR.print(line, highlight=False)


def _refuse(options: Mapping[str, object], why: str) -> None:
    """Raise `ConfigurationError` where an option is given that does not go with another."""
    if given := [name for name, value in options.items() if value]:
        raise ConfigurationError(f"{', '.join(given)}: {why}")


def _write_films(out: Path, settings: Settings) -> None:
    """Write the films, and say what somebody else does with them."""
    node = node_peer(settings)
    with _Steps() as steps:
        films = write_films(out, steps)
    OUT.print(
        f"{film_count()} SYNTHETIC films are in {films}\n"
        f"send them as {MODALITY}, by any sender or by\n"
        f"  screener send {node.ae_title}@{node.host}:{node.port} {films} --calling-ae {MODALITY}\n"
        "DCMTK's storescu takes one transfer syntax at a time, and refuses the truncated file;\n"
        "then see what came of them, with the settings of the node:\n"
        f"  screener demo --running --no-send --films {films}",
        highlight=False,
    )


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
    restarts = f", {done.own.restarts} restarts" if done.own and done.own.restarts else ""
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


def _keep_running(node: OwnNode) -> None:
    ERR.print(f"{node.peer} goes on; settings: {node.config}; Ctrl-C ends it", highlight=False)
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        while not stop.wait(1.0):
            node.keep_alive()
    finally:
        node.stop()
