"""The supervisor and its children as real processes: deaths, restarts, and a clean stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import psutil
import pytest
from pynetdicom.presentation import build_context
from structlog.testing import capture_logs

from screener.config import Settings
from screener.domain.errors import AssociationRejected
from screener.domain.identifiers import AeTitle
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.store_scu import echo
from screener.supervisor import Supervisor
from tests.integration.cli.command_line import run_command, start_command
from tests.integration.cli.conftest import Configure
from tests.support.pipeline_rig import make_film
from tests.support.servers import await_condition
from tests.support.synthetic_dicom import encode

#: Long enough for a busy machine to start four processes, one of them with torch.
START_S = 90.0
STOP_S = 30.0


class Log:
    """The JSON lines that a process writes to standard error, as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def events(self, event: str, **values: object) -> list[dict[str, Any]]:
        """Return the lines of an event with some values."""
        return [
            line
            for line in list(self.lines)
            if line["event"] == event and values.items() <= line.items()
        ]

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.other.append(line)


class Running:
    """A command that runs until it is told to stop."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.process = process
        self.log = Log(process.stderr)

    def children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def wait_for(self, event: str, **values: object) -> list[dict[str, Any]]:
        """Wait for a line in the log."""
        return await_condition(
            lambda: list(self.log.events(event, **values)), START_S, f"{event} {values}"
        )


Start: TypeAlias = Callable[..., Running]


@pytest.fixture
def start(configure: Configure) -> Iterator[Start]:
    started: list[Running] = []

    def begin(*arguments: object) -> Running:
        started.append(Running(start_command(*arguments)))
        return started[-1]

    yield begin
    for running in started:
        left = running.children() if running.process.poll() is None else []
        running.process.kill()
        running.process.wait()
        for stream in (running.process.stdout, running.process.stderr):
            assert stream is not None
            stream.close()
        for child in left:
            if child.is_running():
                child.kill()


def peer_of(settings: Settings) -> Peer:
    listener = settings.listener
    return Peer(
        name="node",
        ae_title=AeTitle(listener.ae_title),
        host=listener.host,
        port=listener.port,
    )


def running_node() -> dict[str, bool]:
    found: dict[str, bool] = run_command("status", "--json").json["processes"]
    return found


@pytest.mark.timeout(300)
def test_a_node_runs_restarts_what_dies_and_stops_cleanly(
    configure: Configure, start: Start
) -> None:
    settings = configure(listener={"callers": [{"ae_title": "MODALITY"}]}, drive={"poll_s": 0.1})

    node = start("up")
    node.wait_for("listening")
    node.wait_for("predictor_loaded")
    await_condition(lambda: all(running_node().values()), START_S, "signs of life")
    assert len(running_node()) == 4
    assert run_command("status", "--json").json["running"] is True
    assert echo(peer_of(settings), calling_ae="MODALITY") > 0

    listening = next(p for p in node.children() if "listen" in p.cmdline())
    listening.kill()
    died = node.wait_for("process_died", kind="listener")
    assert died[0]["exit_code"] == -signal.SIGKILL
    await_condition(lambda: len(node.log.events("listening")) == 2, START_S, "the restart")
    assert echo(peer_of(settings), calling_ae="MODALITY") > 0

    children = node.children()
    node.process.terminate()

    assert node.process.wait(STOP_S) == 0
    assert [child for child in children if child.is_running()] == []
    assert len(node.log.events("process_died")) == 1
    assert node.log.other == []


@pytest.mark.timeout(300)
def test_when_the_supervisor_is_killed_its_children_end(configure: Configure, start: Start) -> None:
    configure()
    node = start("up")
    node.wait_for("listening")
    node.wait_for("predictor_loaded")
    children = node.children()
    assert len(children) == 4

    node.process.kill()

    gone, alive = psutil.wait_procs(children, timeout=STOP_S)
    assert alive == []
    assert len(gone) == 4


def test_a_child_that_dies_young_is_started_again_after_a_growing_pause() -> None:
    stop = threading.Event()
    supervisor = Supervisor([("short-lived", ["--version"])])

    with capture_logs() as events:
        running = threading.Thread(target=supervisor.run, args=(stop,))
        running.start()
        pauses = await_condition(
            lambda: (
                [e["seconds"] for e in events if e["event"] == "process_died"][1:]
                and [e["seconds"] for e in events if e["event"] == "process_died"]
            ),
            START_S,
            "two deaths",
        )
        stop.set()
        running.join()

    assert 0 < pauses[0] < pauses[1]


def test_a_node_does_not_start_with_wrong_settings(configure: Configure, start: Start) -> None:
    archive = {"name": "pacs", "ae_title": "A", "host": "h", "port": 1, "mode": "live"}
    configure(archives=[archive])

    node = start("up")

    assert node.process.wait(START_S) == 2
    await_condition(lambda: node.log.other, what="the error")
    assert node.log.other[0].startswith("error: archive pacs: mode")


class TestListenerAlone:
    """`screener listen`."""

    @pytest.fixture
    def settings(self, configure: Configure) -> Settings:
        made = configure(listener={"callers": [{"ae_title": "MODALITY"}]})
        assert run_command("db", "upgrade").code == 0
        return made

    def test_it_answers_echo_takes_a_film_and_stops_on_a_signal(
        self, settings: Settings, start: Start
    ) -> None:
        film = Path("film.dcm")
        film.write_bytes(encode(make_film(1)))
        running = start("listen")
        running.wait_for("listening")
        node = f"{settings.listener.ae_title}@127.0.0.1:{settings.listener.port}"

        echoed = run_command("echo", node, "--calling-ae", "MODALITY")
        sent = run_command("send", node, film, "--calling-ae", "MODALITY")
        checked = run_command("check")
        running.process.terminate()

        assert (echoed.code, sent.code) == (0, 0)
        assert "is running and answers C-ECHO" in checked.out
        assert run_command("status", "--json").json["screenings"] == {"RECEIVED": 1}
        (kept,) = (settings.storage.folder / "spool").glob("*/*.dcm")
        assert kept.read_bytes().endswith(film.read_bytes()[-64:])
        assert running.process.wait(STOP_S) == 0

    def test_an_unknown_caller_is_rejected_logged_and_counted_with_who_asked_for_what(
        self, settings: Settings, start: Start
    ) -> None:
        running = start("listen")
        running.wait_for("listening")

        for _ in range(2):
            with pytest.raises(AssociationRejected):
                echo(peer_of(settings), calling_ae="STRANGER")

        logged = await_condition(
            lambda: running.log.events("association_rejected")[1:], what="two lines"
        )
        assert {
            key: logged[0][key] for key in ("calling_ae", "called_ae", "address", "reason")
        } == {
            "calling_ae": "STRANGER",
            "called_ae": "BMDSCREEN",
            "address": "127.0.0.1",
            "reason": "UNKNOWN_CALLER",
        }
        (refused,) = await_condition(
            lambda: [
                row for row in run_command("status", "--json").json["rejected"] if row["count"] == 2
            ],
            what="two counted",
        )
        assert (refused["calling_ae"], refused["called_ae"]) == ("STRANGER", "BMDSCREEN")
        out = run_command("status").out
        assert all(word in out for word in ("STRANGER", "BMDSCREEN", "UNKNOWN_CALLER"))

    def test_a_caller_that_is_silent_for_too_long_is_cut_off(
        self, configure: Configure, start: Start
    ) -> None:
        callers = [{"ae_title": "MODALITY"}]
        settings = configure(listener={"callers": callers, "idle_timeout_s": 0.5})
        assert run_command("db", "upgrade").code == 0
        start("listen").wait_for("listening")

        with open_association(
            peer_of(settings),
            calling_ae="MODALITY",
            contexts=[build_context("1.2.840.10008.1.1")],
            timeouts=Timeouts(),
        ) as association:
            await_condition(lambda: association.is_aborted, 5.0, "the listener's abort")

    def test_a_port_that_is_taken_ends_it_with_a_sentence(
        self, settings: Settings, start: Start
    ) -> None:
        start("listen").wait_for("listening")

        second = start("listen")

        assert second.process.wait(START_S) == 2
        await_condition(lambda: second.log.other, what="the error")
        assert second.log.other[0].startswith("error: cannot listen on 127.0.0.1:")

    def test_a_metrics_port_that_is_taken_names_its_setting(
        self, settings: Settings, configure: Configure, start: Start
    ) -> None:
        start("listen").wait_for("listening")
        configure(metrics={"port": settings.listener.port})

        second = start("listen")

        assert second.process.wait(START_S) == 2
        await_condition(lambda: second.log.other, what="the error")
        assert f"metrics.port {settings.listener.port}" in second.log.other[0]


def test_the_command_line_does_not_load_torch_before_it_must() -> None:
    """The listener and every command but those that score stay small and quick."""
    code = "import screener.cli, sys; sys.exit('torch' in sys.modules or 'monai' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert ended.returncode == 0
