"""The worklist as a modality sends it: by DCMTK, an association for each transfer syntax."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from screener.dicom.header import file_kind
from tests.compose.project import MODALITY, SETTLE_S, Project
from tests.support.servers import await_condition, storescu

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


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """What `screener demo` made on this machine: what compose must make, too."""

    films: Path
    rows: list[dict[str, Any]]

    @property
    def low_studies(self) -> set[str]:
        """Study Instance UIDs of the children found low."""
        low = {row["file"] for row in self.rows if row["verdict"] == "LOW"}
        lines = _lines(self.films)
        return {line["study_instance_uid"] for line in lines if line["file"] in low}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Films of one transfer syntax, in one folder."""

    syntax: str
    files: Sequence[Path]

    def send(self, project: Project) -> None:
        """Send each film until the node has taken it, as a modality does."""
        left = list(self.files)

        def taken() -> bool:
            options = ["-R", *_PROPOSE[self.syntax]]
            sent = storescu(project.peer, *left, calling_ae=MODALITY, options=options)
            # it stops at the first film that is not taken
            del left[: (sent.stdout + sent.stderr).count("Received Store Response (Success)")]
            return not left

        await_condition(taken, SETTLE_S, "the node's success for every film")


def batches(films: Path) -> list[Batch]:
    """Return the worklist in the order that it is sent in: what is sent twice comes last."""
    by_syntax: dict[tuple[bool, str], list[Path]] = defaultdict(list)
    for line in _lines(films):
        if line["file"] != _CUT_SHORT:
            path = films / line["file"]
            by_syntax[line["again"] is not None, file_kind(path)[1]].append(path)
    return [
        Batch(syntax=syntax, files=files[at : at + _AT_ONCE])
        for (_, syntax), files in sorted(by_syntax.items())
        for at in range(0, len(files), _AT_ONCE)
    ]


def send_cut_short(project: Project, films: Path) -> None:
    """Send the one film that DCMTK does not."""
    address = f"{project.peer.ae_title}@{project.peer.host}:{project.peer.port}"
    command = [sys.executable, "-m", "screener", "send", address, str(films / _CUT_SHORT)]
    subprocess.run([*command, "--calling-ae", MODALITY], check=True, capture_output=True)


def send_all(project: Project, films: Path) -> None:
    """Send the whole worklist."""
    for batch in batches(films):
        batch.send(project)
    send_cut_short(project, films)


def _lines(films: Path) -> list[dict[str, Any]]:
    (file,) = films.glob("*.json")
    lines: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return lines
