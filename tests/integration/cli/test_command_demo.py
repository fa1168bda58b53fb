"""`demo` with options that do not go together, and with a running node that must not be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from screener.config import Settings
from screener.demo import node as demo_node
from screener.demo import run as demo_run
from screener.demo.processes import DemoFolder
from screener.demo.worklist import Entry, write_lines
from screener.network.archive_scp import SmallArchive
from screener.wiring import build_listener, build_services, prepare
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure

CALLERS = [{"ae_title": "SYNTHMOD"}]


def pacs(archive: SmallArchive, mode: str = "test") -> dict[str, object]:
    return {
        "name": "pacs",
        "ae_title": "ARCHIVE",
        "host": "127.0.0.1",
        "port": archive.port,
        "mode": mode,
    }


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing for long."""
    monkeypatch.setattr(demo_node, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(demo_node, "_REJECTED_PAUSE_S", 0.01)


@pytest.fixture
def start(configure: Configure) -> Iterator[object]:
    """Return what configures a node and starts its listener."""
    running = []

    def started(**sections: object) -> Settings:
        settings = configure(**sections)
        prepare(settings)
        services = build_services(settings)
        listener = build_listener(settings, services)
        listener.start()
        running.append((listener, services))
        return settings

    yield started
    for listener, services in running:
        listener.stop()
        services.database.dispose()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--running --archive A@h:1 --this-is-a-test-archive", "--archive"),
        ("--running --listen h:1", "--listen"),
        ("--running --keep", "--keep"),
        ("--node h:1", "--node"),
        ("--no-send", "--no-send"),
        ("--films-only --running", "--running"),
        ("--films-only --json", "--json"),
        ("--running --node here", "'here' is not an address"),
        ("--archive A@h:1", "--this-is-a-test-archive"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    configure: Configure, arguments: str, named: str
) -> None:
    configure()

    ended = run_command("demo", *arguments.split())

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert named in ended.err
    assert not Path("demo-out").exists()


def test_a_node_that_does_not_answer_is_said_to_be_away(configure: Configure) -> None:
    settings = configure()

    ended = run_command("demo", "--running")

    assert ended.code == 1
    assert "SYNTHETIC" in ended.err
    assert f"node (BMDSCREEN@127.0.0.1:{settings.listener.port}) cannot be reached" in ended.err
    assert not Path("demo-out").exists()


def test_a_node_that_does_not_let_the_sender_call_is_told_which_setting(start: Configure) -> None:
    start(listener={"callers": [{"ae_title": "CR1"}]})

    ended = run_command("demo", "--running")

    assert ended.code == 2
    assert "SYNTHMOD" in ended.err
    assert "listener.callers" in ended.err


def test_a_node_without_a_test_archive_is_refused(start: Configure, archive: SmallArchive) -> None:
    start(listener={"callers": CALLERS}, archives=[pacs(archive, "off")])

    ended = run_command("demo", "--running")

    assert ended.code == 2
    assert "pacs is off" in ended.err
    assert "screener rules import" in ended.err


def test_the_settings_of_another_node_are_noticed(
    start: Configure, configure: Configure, archive: SmallArchive
) -> None:
    node = start(listener={"callers": CALLERS}, archives=[pacs(archive)])
    configure(
        archives=[pacs(archive)],
        listener={"port": node.listener.port},
        storage={"folder": str(Path("elsewhere").absolute())},
    )

    ended = run_command("demo", "--running")

    assert ended.code == 2
    assert "--config" in ended.err


def test_films_that_never_come_are_named(
    start: Configure, archive: SmallArchive, tmp_path: Path
) -> None:
    start(
        listener={"callers": CALLERS},
        archives=[pacs(archive)],
        rules={"conclusion": {"settle_s": 1.0}},
        drive={"lease_s": 1.0},
    )
    write_worklist(tmp_path / "films")

    ended = run_command("demo", "--running", "--no-send", "--films", tmp_path / "films")

    assert ended.code == 1
    assert "waiting for the films" in ended.err
    assert "0 of 41 films" in ended.err
    assert "not arrived: film-0.dcm, " in ended.err


def test_a_folder_without_films_is_refused_before_an_earlier_page_is_thrown_away(
    start: Configure, archive: SmallArchive, tmp_path: Path
) -> None:
    start(listener={"callers": CALLERS}, archives=[pacs(archive)])
    page = DemoFolder(Path("demo-out")).path / "index.html"
    page.write_text("earlier")

    ended = run_command("demo", "--running", "--films", tmp_path / "nowhere")

    assert ended.code == 2
    assert "--films-only" in ended.err
    assert page.read_text() == "earlier"


def test_films_only_says_what_to_do_with_them(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configure()
    monkeypatch.setattr(demo_run, "make_worklist", lambda folder, **_: write_worklist(folder))

    ended = run_command("demo", "--films-only", "--out", "mine")

    port = settings.listener.port
    assert ended.code == 0
    assert "41 SYNTHETIC films are in mine/films" in ended.out
    assert f"screener send BMDSCREEN@127.0.0.1:{port} mine/films --calling-ae SYNTHMOD" in ended.out
    assert "screener demo --running --no-send --films mine/films" in ended.out
    assert len(list(Path("mine/films").glob("*.dcm"))) == 41


def write_worklist(folder: Path) -> list[Entry]:
    """Write a worklist of files that are no films."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        Entry(
            file=f"film-{number}.dcm",
            kind="a film",
            sop_instance_uid=f"2.25.1{number}",
            study_instance_uid=f"2.25.2{number}",
        )
        for number in range(41)
    ]
    for entry in entries:
        (folder / entry.file).write_bytes(b"no film")
    write_lines(folder, entries)
    return entries
