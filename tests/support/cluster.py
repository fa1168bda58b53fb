"""A node of many processes: listener, workers and beat, over a real PostgreSQL and Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import tomli_w

from screener.config import Settings, load_settings
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import AeTitle
from screener.domain.stage import Role
from screener.network.peers import Peer
from screener.network.store_scu import echo
from tests.support.modality import MODALITY
from tests.support.servers import (
    PostgresqlServer,
    RedisServer,
    await_condition,
    free_port,
    postgresql,
    redis,
)

ARCHIVE = AeTitle("TESTARCHIVE")

_START_S = 120.0
_STOP_S = 60.0

#: Command lines by the name of a process; two of a role where one would not show that they share.
COMMANDS: Mapping[str, Sequence[str]] = {
    "listener": ("screener", "listen"),
    "intake": ("workers", "intake"),
    "scoring": ("workers", "scoring"),
    "scoring 2": ("workers", "scoring"),
    "delivery": ("workers", "delivery", "--processes", "2"),
    "beat": ("workers", "beat"),
}


@dataclass(kw_only=True)
class Cluster:
    """The processes of a node, each of which a test may kill and start again."""

    folder: Path
    config: Path
    settings: Settings
    database: PostgresqlServer
    broker: RedisServer
    archive: Peer
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)

    @property
    def peer(self) -> Peer:
        """The node as a modality sees it."""
        listener = self.settings.listener
        return Peer(
            name="node", ae_title=AeTitle(listener.ae_title), host="127.0.0.1", port=listener.port
        )

    @property
    def log(self) -> Path:
        """What all processes wrote."""
        return self.folder / "node.log"

    def up(self, *names: str) -> None:
        """Start some processes, or all, and wait until the listener answers."""
        for name in names or COMMANDS:
            module, *arguments = COMMANDS[name]
            self._start(name, [module, *arguments])
        await_condition(self._answers, _START_S, "the node's answer to C-ECHO")

    def processes(self, role: Role) -> list[psutil.Process]:
        """Return the living processes that do a role's work."""
        found: list[psutil.Process] = []
        for name, process in self._running.items():
            if not name.startswith(role.value) or process.poll() is not None:
                continue
            parent = psutil.Process(process.pid)
            found += parent.children() or [parent]
        return found

    def kill(self, role: Role) -> None:
        """End every process of a role without warning; `revive` starts them again."""
        for process in self.processes(role):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def revive(self) -> None:
        """Start again what has died, as compose does."""
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                module, *arguments = COMMANDS.get(name, _archive_command(self))
                self._start(name, [module, *arguments])

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command of `screener` with the node's settings."""
        return subprocess.run(
            [sys.executable, "-m", "screener", *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def spawn(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command of `screener` with the node's settings."""
        return subprocess.Popen(
            [sys.executable, "-m", "screener", *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the node finds its settings by."""
        return os.environ | {"SCREENER_CONFIG": str(self.config)}

    def start_archive(self) -> None:
        """Start the archive."""
        self._start("archive", list(_archive_command(self)))

    def down(self) -> None:
        """Stop every process in order, the archive last."""
        for name in sorted(self._running, key=lambda name: name == "archive"):
            process = self._running[name]
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def exit_codes(self) -> dict[str, int | None]:
        """Return how each process ended; None where it runs."""
        return {name: process.poll() for name, process in self._running.items()}

    def _start(self, name: str, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.environment,
                cwd=self.folder,
                # the archive stops when this closes
                stdin=subprocess.PIPE if name == "archive" else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        with suppress(ScreenerError):
            return echo(self.peer, calling_ae=MODALITY) > 0
        return False


def _archive_command(cluster: Cluster) -> Sequence[str]:
    archive, node = cluster.archive, cluster.peer
    return (
        "screener",
        "demo-archive",
        str(cluster.folder / "archive"),
        f"{archive.ae_title}@{archive.host}:{archive.port}",
        f"{node.ae_title}@{node.host}:{node.port}",
    )


@contextmanager
def cluster_in(folder: Path, *, settle_s: float = 4.0, lease_s: float = 20.0) -> Iterator[Cluster]:
    """Make a node of many processes, with its servers and an archive; `Cluster.up` starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        broker = stack.enter_context(redis(password="only for this test"))  # noqa: S106
        archive = Peer(name="archive", ae_title=ARCHIVE, host="127.0.0.1", port=free_port())
        config = folder / "screener.toml"
        config.write_text(
            tomli_w.dumps(_settings(folder, database, broker, archive, settle_s, lease_s)),
            encoding="utf-8",
        )
        cluster = Cluster(
            folder=folder,
            config=config,
            settings=load_settings(config),
            database=database,
            broker=broker,
            archive=archive,
        )
        stack.callback(cluster.down)
        made = cluster.run("db", "upgrade")
        assert made.returncode == 0, made.stderr
        cluster.start_archive()
        yield cluster


def _settings(
    folder: Path,
    database: PostgresqlServer,
    broker: RedisServer,
    archive: Peer,
    settle_s: float,
    lease_s: float,
) -> dict[str, Any]:
    secret = folder / "broker-password"
    secret.write_text(f"{broker.password}\n")
    return {
        "site": {"name": "system test"},
        "storage": {
            "database_url": database.make_database("screener"),
            "folder": str(folder / "data"),
            "min_free_mb": 50,
        },
        "broker": {"url": f"redis://127.0.0.1:{broker.port}/0", "password_file": str(secret)},
        "listener": {"port": free_port(), "callers": [{"ae_title": MODALITY}]},
        "archives": [
            {
                "name": "archive",
                "ae_title": archive.ae_title,
                "host": archive.host,
                "port": archive.port,
                "mode": "test",
            }
        ],
        "predictor": {"threads": 1},
        "drive": {"lease_s": lease_s, "score_batch": 4},
        "rules": {"conclusion": {"settle_s": settle_s}},
    }
