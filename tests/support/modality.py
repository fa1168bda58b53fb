"""The demo's worklist as a modality sends it: by DCMTK, an association for each transfer syntax."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screener.demo.worklist import read_worklist
from screener.dicom.header import file_kind
from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer
from tests.support.servers import await_condition, storescu

MODALITY = AeTitle("SYNTHMOD")

#: What storescu must be told to propose for the films of one transfer syntax.
_PROPOSE = {
    "1.2.840.10008.1.2": ["-xi"],
    "1.2.840.10008.1.2.1": [],
    "1.2.840.10008.1.2.4.70": ["-xs"],
    "1.2.840.10008.1.2.4.80": ["-xt"],
    "1.2.840.10008.1.2.4.90": ["-xv"],
    "1.2.840.10008.1.2.5": ["-xr"],
}
#: storescu itself refuses a file that is cut short: that one goes by our own command.
_CUT_SHORT = "not-truncated-file.dcm"
_AT_ONCE = 6
_PATIENCE_S = 400.0


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Films of one transfer syntax, in one folder."""

    syntax: str
    files: Sequence[Path]

    def send(self, node: Peer) -> None:
        """Send each film until the node has taken it, as a modality does."""
        left = list(self.files)

        def taken() -> bool:
            options = ["-R", *_PROPOSE[self.syntax]]
            sent = storescu(node, *left, calling_ae=MODALITY, options=options)
            # it stops at the first film that is not taken
            del left[: (sent.stdout + sent.stderr).count("Received Store Response (Success)")]
            return not left

        await_condition(taken, _PATIENCE_S, "the node's success for every film")


def batches(films: Path) -> list[Batch]:
    """Return the worklist in the order that it is sent in: what is sent twice comes last."""
    by_syntax: dict[tuple[bool, str], list[Path]] = defaultdict(list)
    for entry in read_worklist(films):
        if entry.file != _CUT_SHORT:
            path = films / entry.file
            by_syntax[entry.again is not None, file_kind(path)[1]].append(path)
    return [
        Batch(syntax=syntax, files=files[at : at + _AT_ONCE])
        for (_, syntax), files in sorted(by_syntax.items())
        for at in range(0, len(files), _AT_ONCE)
    ]


def send_cut_short(node: Peer, films: Path) -> None:
    """Send the one film that DCMTK does not."""
    address = f"{node.ae_title}@{node.host}:{node.port}"
    command = [sys.executable, "-m", "screener", "send", address, str(films / _CUT_SHORT)]
    subprocess.run([*command, "--calling-ae", MODALITY], check=True, capture_output=True)


def send_worklist(node: Peer, films: Path) -> None:
    """Send the whole worklist."""
    for batch in batches(films):
        batch.send(node)
    send_cut_short(node, films)
