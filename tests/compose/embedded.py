"""What `screener demo` made on this machine, without any container: what compose must make, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from screener.demo.worklist import read_worklist


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The films and the demo's rows."""

    films: Path
    rows: list[dict[str, Any]]

    @property
    def low_studies(self) -> set[str]:
        """Study Instance UIDs of the children found low."""
        low = {row["file"] for row in self.rows if row["verdict"] == "LOW"}
        entries = read_worklist(self.films)
        return {entry.study_instance_uid for entry in entries if entry.file in low}
