"""Signs of life of the node's processes, for `screener status`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.storage.tables import ProcessRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSign:
    """A process's last sign of life."""

    role: str
    pid: int
    started_at: datetime
    alive_at: datetime
    facts: Mapping[str, str]


class Processes:
    """Rows of `processes`, one for each role."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def sign(self, role: str, pid: int, facts: Mapping[str, str]) -> None:
        """Keep that the process with a role is alive."""
        row = self._session.get(ProcessRow, role)
        if row is None or row.pid != pid:
            row = row or ProcessRow(role=role)
            row.pid, row.started_at = pid, self._now
            self._session.add(row)
        row.alive_at = self._now
        row.facts = json.dumps(dict(facts))

    def all(self) -> list[ProcessSign]:
        """Return the last sign of each role."""
        return [
            ProcessSign(
                role=row.role,
                pid=row.pid,
                started_at=row.started_at,
                alive_at=row.alive_at,
                facts=json.loads(row.facts),
            )
            for row in self._session.scalars(select(ProcessRow).order_by(ProcessRow.role))
        ]
