"""The demo's worklist, made once, and a whole node of real processes to send it to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from screener.config import Settings, load_settings
from screener.demo.node import read_step
from screener.demo.worklist import Entry, make_worklist
from screener.domain.errors import DatabaseUnavailable, ScreenerError
from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer
from screener.network.store_scu import echo
from screener.wiring import build_database
from tests.support.modality import MODALITY
from tests.support.servers import await_condition, free_port

START_S = 120.0
#: A busy machine scores the worklist in half a minute; a killed process waits for its lease.
SETTLE_S = 400.0
STOP_S = 40.0
#: A demo takes half a minute, and several where the machine is busy.
PATIENCE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """The films of the demo and what is known of each."""

    folder: Path
    entries: tuple[Entry, ...]

    def path(self, entry: Entry) -> Path:
        """Return the file of one line."""
        return self.folder / entry.file


@dataclass(kw_only=True)
class Node:
    """`screener up` in a folder of its own: started, stopped and started again by a test."""

    folder: Path
    settings: Settings
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def peer(self) -> Peer:
        """The node as a modality sees it."""
        listener = self.settings.listener
        return Peer(
            name="node",
            ae_title=AeTitle(listener.ae_title),
            host=listener.host,
            port=listener.port,
        )

    def up(self) -> None:
        """Start the node and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "up"], cwd=self.folder, stdout=log, stderr=log
            )
        await_condition(self._answers, START_S, "the node's answer to C-ECHO")

    def stop(self) -> int:
        """Ask the node to stop; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run another command of the program in the node's folder."""
        return subprocess.run(
            [*self._command, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=STOP_S * 2,
        )

    def await_films(self, count: int) -> None:
        """Wait until so many films, their studies and all deliveries are at an end."""
        database = build_database(self.settings)

        def settled() -> bool:
            with suppress(DatabaseUnavailable), database.read() as uow:
                step = read_step(uow)
                return step.films >= count and step.settled
            return False

        try:
            await_condition(settled, SETTLE_S, "the end of every film, study and delivery")
        finally:
            database.dispose()

    def kill(self) -> None:
        """End whatever still runs."""
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
            self._process.kill()
            self._process.wait()

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "screener"]

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"the node ended: {self.log.read_text(errors='replace')[-2000:]}")
        with suppress(ScreenerError):
            return echo(self.peer, calling_ae=MODALITY) > 0
        return False


@pytest.fixture(scope="session")
def worklist(tmp_path_factory: pytest.TempPathFactory) -> Worklist:
    """Make the films, in several processes."""
    folder = tmp_path_factory.mktemp("worklist")
    entries = make_worklist(folder, processes=os.cpu_count() or 1, on_film=lambda _: None)
    return Worklist(folder=folder, entries=tuple(entries))


def demo(out: Path, *more: object, config: Path | None = None) -> subprocess.Popen[str]:
    """Start the demo, with a node of its own or with options of its own."""
    command = [sys.executable, "-m", "screener", "demo", "--json", "--out", out, *more]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=out.parent,
        env=os.environ | ({"SCREENER_CONFIG": str(config)} if config else {}),
    )


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a demo that nobody disturbs, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "demo-out"
    running = demo(out)
    said, complained = running.communicate(timeout=PATIENCE_S * 2)
    assert running.returncode == 0, complained
    return out, json.loads(said)


@contextmanager
def node_in(
    folder: Path, archives: Sequence[dict[str, Any]], *, port: int | None = None
) -> Iterator[Node]:
    """Configure a node with some archives and end it afterwards; `Node.up` starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "screener.toml"
    file.write_text(
        tomli_w.dumps(
            {
                "site": {"name": "system test"},
                "storage": {"folder": str(folder / "data"), "min_free_mb": 50},
                "listener": {
                    "port": port or free_port(),
                    "callers": [{"ae_title": MODALITY}],
                },
                "archives": list(archives),
                "drive": {"poll_s": 0.1, "lease_s": 20.0, "score_batch": 4},
                "rules": {"conclusion": {"settle_s": 4.0}},
            }
        ),
        encoding="utf-8",
    )
    node = Node(folder=folder, settings=load_settings(file), log=folder / "node.log")
    try:
        yield node
    finally:
        node.kill()
