"""`screener demo` as people and scripts run it: with a node of its own, and with a running one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from screener.config import load_settings
from screener.demo.node import Step, read_step
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import AeTitle
from screener.network.archive_scp import SmallArchive
from screener.network.peers import Peer
from screener.wiring import build_database, require_current_database
from tests.support.modality import send_worklist
from tests.support.servers import await_condition, free_port
from tests.system.conftest import PATIENCE_S, Node, demo, node_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(900), pytest.mark.xdist_group("system")]

ROW_KEYS = {
    "file",
    "kind",
    "true_z",
    "abmd_g_cm2",
    "z",
    "z_low",
    "z_high",
    "verdict",
    "reason",
    "report_state",
}


def test_it_ends_well_and_prints_what_a_script_needs(
    undisturbed: tuple[Path, dict[str, Any]],
) -> None:
    _, printed = undisturbed

    assert set(printed) == {"ok", "films", "objects_in_archive", "seconds"}
    assert printed["ok"] is True
    assert printed["seconds"] > 0
    assert {frozenset(row) for row in printed["films"]} == {frozenset(ROW_KEYS)}
    low = [row for row in printed["films"] if row["verdict"] == "LOW"]
    assert {row["report_state"] for row in low} == {"COMMITTED"}
    assert printed["objects_in_archive"] >= 3 * 9


def test_it_leaves_a_page_reports_pictures_and_films(
    undisturbed: tuple[Path, dict[str, Any]],
) -> None:
    out, printed = undisturbed

    page = (out / "index.html").read_text(encoding="utf-8")

    assert "synthetic" in page.lower()
    assert page.count('<section class="child') == 24
    assert "found " in page
    assert len(list((out / "films").glob("*.dcm"))) == len(printed["films"])
    assert len(list((out / "reports").glob("*.dcm"))) == printed["objects_in_archive"]
    assert list((out / "reports").glob("*.png"))
    # the missed and the falsely flagged come first
    marks = [part.split('"', 1)[0] for part in page.split('<section class="child ')[1:]]
    assert "wrong" not in marks[marks.count("wrong") :]


def test_killed_processes_change_nothing(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """kill -9 of each process in turn, in the middle of its work."""
    _, expected = undisturbed
    out = tmp_path / "demo-out"
    running = demo(out)

    with steps_of(running, out) as await_step:
        for role, due in KILLS:
            await_step(due)
            kill(running, role)
        said, complained = running.communicate(timeout=PATIENCE_S * 2)

    assert running.returncode == 0, complained
    printed = json.loads(said)
    assert printed["ok"] is True
    assert printed["films"] == expected["films"]
    assert started(out) >= 2 * len(ROLES)


def test_a_running_node_ends_with_the_same_table_by_whomever_and_however_often_it_is_sent(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    made, expected = undisturbed
    films, port = made / "films", free_port()
    us = Peer(name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=port)

    def through(node: Node, *more: str) -> dict[str, Any]:
        options = ("--running", "--films", films, *more)
        running = demo(tmp_path / "out", *options, config=node.folder / "screener.toml")
        said, complained = running.communicate(timeout=PATIENCE_S * 2)
        assert running.returncode == 0, complained
        assert "SYNTHETIC" in complained
        printed: dict[str, Any] = json.loads(said)
        del printed["seconds"]
        return printed

    with SmallArchive(tmp_path / "archive", report_to=us) as archive:
        pacs = {"name": "pacs", "ae_title": "ARCHIVE", "host": "127.0.0.1", "mode": "test"}
        with node_in(tmp_path / "node", [pacs | {"port": archive.port}], port=port) as node:
            node.up()

            first = through(node)
            written = archive.answers.copy()
            second = through(node)
            send_worklist(node.peer, films)
            third = through(node, "--no-send")

    assert first == {key: expected[key] for key in first}
    assert set(first) == set(expected) - {"seconds"}
    assert second == third == first
    assert written.total() == first["objects_in_archive"]
    assert archive.answers == written
    assert archive.replaced_count == 0
    assert (tmp_path / "out" / "index.html").is_file()


#: Which process is killed, and when: each in the middle of its work.
KILLS: tuple[tuple[str, Callable[[Step], bool]], ...] = (
    ("listen", lambda step: step.films >= 3),
    ("scoring", lambda step: step.films_done >= 3),
    ("intake", lambda step: step.films_done >= 8),
    ("demo-archive", lambda step: step.objects >= 1),
    ("delivery", lambda step: step.objects_done >= 2),
    ("up", lambda step: step.objects_done >= 6),
)


ROLES = ("listener", "intake", "scoring", "delivery")


def started(out: Path) -> int:
    """Return how often the node's log says that one of its processes was started."""
    lines = (out / "node.log").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return sum(event["event"] == "process_started" for event in events)


@contextmanager
def steps_of(
    running: subprocess.Popen[str], out: Path
) -> Iterator[Callable[[Callable[[Step], bool]], None]]:
    """Give what waits until the node of a demo has come so far; ends the demo if it still runs."""
    config = out / "node" / "screener.toml"

    def ended() -> bool:
        if running.poll() is not None:
            pytest.fail(f"the demo ended before it was disturbed: {running.communicate()[1]}")
        return False

    try:
        await_condition(lambda: ended() or config.is_file(), PATIENCE_S, "the node's settings")
        database = build_database(load_settings(config))

        def await_step(due: Callable[[Step], bool]) -> None:
            def has_come() -> bool:
                ended()
                with suppress(ScreenerError):  # the node makes its tables while we look
                    require_current_database(database)
                    with database.read() as uow:
                        return due(read_step(uow))
                return False

            await_condition(has_come, PATIENCE_S, "the next step of the node")

        yield await_step
        database.dispose()
    finally:
        if running.poll() is None:
            for child in psutil.Process(running.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            running.kill()
            running.communicate()


def kill(running: subprocess.Popen[str], role: str) -> None:
    """Kill the process of a role; it may be between two lives."""

    def find() -> psutil.Process | None:
        for child in psutil.Process(running.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if role in child.cmdline():
                    return child
        return None

    found = await_condition(find, PATIENCE_S, f"the process {role}")
    assert found is not None
    found.kill()
