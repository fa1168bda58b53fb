"""Signs of life of the node's processes, for `screener status`, health checks and the relay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from screener.storage.tables import ProcessRow

#: A process that was silent for so long has no row any more: it has ended, or its machine has.
_FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Which process it is: what it does, on which machine or in which container."""

    role: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSign:
    """A process's last sign of life."""

    process: Process
    started_at: datetime
    alive_at: datetime
    worked_at: datetime | None
    slots: int
    facts: Mapping[str, str]


class Processes:
    """Rows of `processes`, one for each process."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def begin(self, process: Process, facts: Mapping[str, str], *, slots: int = 1) -> None:
        """Keep that a process has started; in a container each new one is process 1 again."""
        self.sign(process, facts, slots=slots)
        row = self._row(process)
        if row is not None:
            row.started_at, row.worked_at = self._now, None

    def sign(self, process: Process, facts: Mapping[str, str], *, slots: int = 1) -> None:
        """Keep that a process is alive, and forget those of its role that are long gone."""
        row = self._row(process)
        if row is None:
            row = ProcessRow(
                role=process.role, host=process.host, pid=process.pid, started_at=self._now
            )
            self._session.add(row)
        row.alive_at = self._now
        row.slots = slots
        row.facts = json.dumps(dict(facts))
        self._session.execute(
            delete(ProcessRow).where(
                ProcessRow.role == process.role,
                ProcessRow.alive_at < self._now - _FORGOTTEN_AFTER,
            )
        )

    def worked(self, process: Process) -> None:
        """Keep that a process has run a stage; nothing where it has given no sign yet."""
        row = self._row(process)
        if row is not None:
            row.worked_at = self._now

    def ended(self, process: Process) -> None:
        """Forget a process that stops in order."""
        row = self._row(process)
        if row is not None:
            self._session.delete(row)

    def all(self) -> list[ProcessSign]:
        """Return the last sign of each process."""
        return [
            ProcessSign(
                process=Process(role=row.role, host=row.host, pid=row.pid),
                started_at=row.started_at,
                alive_at=row.alive_at,
                worked_at=row.worked_at,
                slots=row.slots,
                facts=json.loads(row.facts),
            )
            for row in self._session.scalars(
                select(ProcessRow).order_by(ProcessRow.role, ProcessRow.host, ProcessRow.pid)
            )
        ]

    def _row(self, process: Process) -> ProcessRow | None:
        return self._session.get(ProcessRow, (process.role, process.host, process.pid))
