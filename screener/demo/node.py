"""The demo's node and archive: started, kept running, sent to, waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from screener.config import load_settings
from screener.demo.processes import Process, free_ports
from screener.demo.worklist import Entry
from screener.dicom.header import file_kind
from screener.domain.delivery import DELIVERY_ENDS, DeliveryState, StoreAnswer
from screener.domain.errors import (
    ArchiveUnreachable,
    AssociationRejected,
    ScreenerError,
    TransientError,
)
from screener.domain.identifiers import AeTitle
from screener.domain.screening import SCREENING_ENDS
from screener.domain.study import STUDY_ENDS
from screener.network.peers import Peer
from screener.network.store_scu import Sender, echo
from screener.storage.database import Database, UnitOfWork
from screener.wiring import build_database

#: Who sends the films.
MODALITY = AeTitle("SYNTHMOD")
NODE = AeTitle("BMDSCREEN")
ARCHIVE_NAME = "demo-archive"

#: A study is concluded when nothing came for so long, s; the default of 180 s would be a wait.
_SETTLE_S = 4.0
#: After this a process of the node that was killed is taken for dead, s; the default is 120 s.
_LEASE_S = 20.0
#: A node that makes no step for so long is stuck, s.
_PATIENCE_S = 180.0
_LOOK_EVERY_S = 0.25
#: States in which a delivery waits for nobody but an operator.
_RESTING = DELIVERY_ENDS | {DeliveryState.HELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far the node is: films at an end of all that arrived, objects at an end of all made."""

    films: int
    films_done: int
    objects: int
    objects_done: int
    studies_open: int

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return (
            self.films_done == self.films
            and self.objects_done == self.objects
            and not self.studies_open
        )


class DemoNode:
    """A node in a folder, with a small archive beside it unless another one is given.

    Parameters
    ----------
    folder
        Gets ``node/`` (settings, database, spool, vault), ``archive/`` and the logs.
    archive
        A real test archive; None starts our own.
    listen
        Host and port of the node; None takes a free port of 127.0.0.1.
    """

    def __init__(
        self, folder: Path, *, archive: Peer | None, listen: tuple[str, int] | None
    ) -> None:
        node_port, archive_port = free_ports(2)
        host, port = listen or ("127.0.0.1", node_port)
        self.archive = archive or Peer(
            name=ARCHIVE_NAME, ae_title=AeTitle("DEMOARCHIVE"), host="127.0.0.1", port=archive_port
        )
        self.peer = Peer(
            name="node",
            ae_title=NODE,
            host="127.0.0.1" if host in {"0.0.0.0", "::"} else host,  # noqa: S104 - compared only
            port=port,
        )
        data = folder / "node"
        data.mkdir(parents=True, exist_ok=True)
        self.config = data / "screener.toml"
        self.config.write_text(tomli_w.dumps(_settings(data, self.archive, host, port)))
        self.logs = (folder / "node.log", folder / "archive.log")
        self._processes = [
            Process(["--config", str(self.config.absolute()), "up", "--lifeline"], self.logs[0])
        ]
        if archive is None:
            self._processes.append(
                Process(
                    [
                        "demo-archive",
                        str((folder / "archive").absolute()),
                        f"{self.archive.ae_title}@{self.archive.host}:{self.archive.port}",
                        f"{NODE}@{self.peer.host}:{self.peer.port}",
                    ],
                    self.logs[1],
                )
            )

    @property
    def restarts(self) -> int:
        """How often a process of the demo had to be started again."""
        return sum(max(0, process.starts - 1) for process in self._processes)

    def open_database(self) -> Database:
        """Return the node's database, for reading."""
        return build_database(load_settings(self.config))

    def keep_alive(self) -> None:
        """Start what does not run."""
        for process in self._processes:
            process.keep_alive()

    def stop(self) -> None:
        """Stop the node, then the archive."""
        for process in self._processes:
            process.stop()

    def await_ready(self) -> None:
        """Wait until node and archive answer C-ECHO.

        Raises
        ------
        ArchiveUnreachable
            One of them does not in time; names the log.
        """
        deadline = time.monotonic() + _PATIENCE_S
        for peer, calling in ((self.peer, MODALITY), (self.archive, NODE)):
            while True:
                self.keep_alive()
                try:
                    echo(peer, calling_ae=calling)
                    break
                except ScreenerError as error:
                    if time.monotonic() > deadline:
                        raise ArchiveUnreachable(
                            f"{peer} does not answer ({error}); see {self.logs[0]}"
                        ) from error
                time.sleep(_LOOK_EVERY_S)

    def send(
        self, films: Path, entries: Sequence[Entry], on_sent: Callable[[Entry], None]
    ) -> list[Entry]:
        """Send the worklist, each film until the node has it; return what it refused.

        Raises
        ------
        ArchiveUnreachable
            The node cannot be reached for too long.
        """
        kinds = {entry.file: file_kind(films / entry.file) for entry in entries}
        waiting, refused = list(entries), []
        deadline = time.monotonic() + _PATIENCE_S
        while waiting:
            self.keep_alive()
            try:
                with Sender(self.peer, calling_ae=MODALITY, kinds=set(kinds.values())) as sender:
                    while waiting:
                        reply = sender.send(films / waiting[0].file)
                        if reply.answer is StoreAnswer.BUSY:
                            break
                        entry = waiting.pop(0)
                        if reply.answer is not StoreAnswer.KEPT:
                            refused.append(entry)
                        on_sent(entry)
                        deadline = time.monotonic() + _PATIENCE_S
            except (ArchiveUnreachable, AssociationRejected):
                # a listener that was killed is back within seconds
                if time.monotonic() > deadline:
                    raise
            if waiting:
                time.sleep(_LOOK_EVERY_S)
        return refused

    def await_settled(self, on_step: Callable[[Step], None]) -> None:
        """Wait until every film, study and delivery is at an end.

        Raises
        ------
        TransientError
            Nothing has moved for a long time; says what is open and names the log.
        """
        database = self.open_database()
        moved, last = time.monotonic(), None
        try:
            while True:
                self.keep_alive()
                with database.read() as uow:
                    step = read_step(uow)
                on_step(step)
                if step.settled:
                    return
                if step != last:
                    moved, last = time.monotonic(), step
                if time.monotonic() - moved > _PATIENCE_S:
                    raise TransientError(
                        f"nothing has moved for {_PATIENCE_S:.0f} s: {step.films_done} of "
                        f"{step.films} films and {step.objects_done} of {step.objects} objects "
                        f"are at an end, {step.studies_open} studies are not; see {self.logs[0]}"
                    )
                time.sleep(_LOOK_EVERY_S)
        finally:
            database.dispose()


def read_step(uow: UnitOfWork) -> Step:
    """Return how far a node is, by its rows."""
    counts = uow.queries.counts()
    deliveries: dict[str, int] = {}
    for (_, state), count in counts.deliveries.items():
        deliveries[state] = deliveries.get(state, 0) + count
    return Step(
        films=sum(counts.screenings.values()),
        films_done=sum(counts.screenings.get(state.value, 0) for state in SCREENING_ENDS),
        objects=sum(deliveries.values()),
        objects_done=sum(deliveries.get(state.value, 0) for state in _RESTING),
        studies_open=sum(counts.studies.values())
        - sum(counts.studies.get(state.value, 0) for state in STUDY_ENDS),
    )


def _settings(data: Path, archive: Peer, host: str, port: int) -> dict[str, object]:
    return {
        "site": {"name": "demo"},
        "storage": {"folder": str(data.absolute()), "min_free_mb": 100},
        "listener": {
            "ae_title": NODE,
            "host": host,
            "port": port,
            "callers": [{"ae_title": MODALITY}],
        },
        "archives": [
            {
                "name": ARCHIVE_NAME,
                "ae_title": archive.ae_title,
                "host": archive.host,
                "port": archive.port,
                "mode": "test",
            }
        ],
        "drive": {"poll_s": 0.1, "score_batch": 4, "lease_s": _LEASE_S},
        "rules": {"conclusion": {"settle_s": _SETTLE_S}},
    }
