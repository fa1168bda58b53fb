"""The node and the archive that the demo starts itself, and keeps running."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from screener.config import load_settings
from screener.demo.node import MODALITY, NODE, Node, node_peer
from screener.demo.processes import Process, free_ports
from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer

_ARCHIVE = "demo-archive"

#: A study is concluded when nothing came for so long, s; the default of 180 s would be a wait.
_SETTLE_S = 4.0
#: After this a process of the node that was killed is taken for dead, s; the default is 120 s.
_LEASE_S = 20.0


class OwnNode(Node):
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
        reports_to = archive or Peer(
            name=_ARCHIVE, ae_title=AeTitle("DEMOARCHIVE"), host="127.0.0.1", port=archive_port
        )
        data = folder / "node"
        data.mkdir(parents=True, exist_ok=True)
        self.config = data / "screener.toml"
        self.config.write_text(tomli_w.dumps(_settings(data, reports_to, host, port)))
        settings = load_settings(self.config)
        log = folder / "node.log"
        super().__init__(settings, node_peer(settings), advice=f"see {log}")
        self._processes = [
            Process(["--config", str(self.config.absolute()), "up", "--lifeline"], log)
        ]
        if archive is None:
            self._processes.append(
                Process(
                    [
                        "demo-archive",
                        str((folder / "archive").absolute()),
                        f"{reports_to.ae_title}@{reports_to.host}:{reports_to.port}",
                        f"{NODE}@{self.peer.host}:{self.peer.port}",
                    ],
                    folder / "archive.log",
                )
            )

    @property
    def restarts(self) -> int:
        """How often a process of the demo had to be started again."""
        return sum(max(0, process.starts - 1) for process in self._processes)

    def keep_alive(self) -> None:
        """Start what does not run."""
        for process in self._processes:
            process.keep_alive()

    def stop(self) -> None:
        """Stop the node, then the archive."""
        for process in self._processes:
            process.stop()


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
                "name": _ARCHIVE,
                "ae_title": archive.ae_title,
                "host": archive.host,
                "port": archive.port,
                "mode": "test",
            }
        ],
        "drive": {"poll_s": 0.1, "score_batch": 4, "lease_s": _LEASE_S},
        "rules": {"conclusion": {"settle_s": _SETTLE_S}},
    }
