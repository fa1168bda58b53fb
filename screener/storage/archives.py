"""How archives have answered of late, and who asked for an association in vain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from screener.domain.errors import ScreenerError
from screener.domain.retry import delay
from screener.storage.tables import ArchiveHealthRow, RejectedAssociationRow

#: Strangers beyond this many are counted together: nobody may fill our disk by calling.
_DISTINCT_STRANGERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveHealth:
    """How an archive has answered of late."""

    archive: str
    failures: int
    next_attempt_at: datetime
    error_code: str | None
    error_message: str | None
    last_success_at: datetime | None


class Archives:
    """Rows of `archive_health` and `rejected_associations`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def is_due(self, archive: str) -> bool:
        """Return whether an archive may be tried now: its back-off is over, or it has none."""
        row = self._session.get(ArchiveHealthRow, archive)
        return row is None or row.next_attempt_at <= self._now

    def health(self, archive: str) -> ArchiveHealth | None:
        """Return how an archive has answered, or None where nothing was ever sent to it."""
        row = self._session.get(ArchiveHealthRow, archive)
        if row is None:
            return None
        return ArchiveHealth(
            archive=row.archive,
            failures=row.failures,
            next_attempt_at=row.next_attempt_at,
            error_code=row.error_code,
            error_message=row.error_message,
            last_success_at=row.last_success_at,
        )

    def succeeded(self, archive: str) -> None:
        """Keep that an archive has answered: its back-off ends."""
        row = self._row(archive)
        row.failures = 0
        row.next_attempt_at = row.last_success_at = self._now
        row.error_code = row.error_message = None

    def failed(self, archive: str, error: ScreenerError) -> datetime:
        """Keep that an archive did not answer; return until when it is left alone: ever longer."""
        row = self._row(archive)
        row.failures += 1
        row.next_attempt_at = self._now + delay(row.failures)
        row.error_code, row.error_message = error.code, str(error)
        return row.next_attempt_at

    def count_rejection(self, calling_ae: str, called_ae: str, address: str, reason: str) -> None:
        """Count a rejected association by who asked for what."""
        row = RejectedAssociationRow
        found = self._session.scalar(
            select(row).where(
                row.calling_ae == calling_ae,
                row.called_ae == called_ae,
                row.address == address,
                row.reason == reason,
            )
        )
        if found is None:
            strangers = self._session.scalar(select(func.count()).select_from(row)) or 0
            if strangers >= _DISTINCT_STRANGERS and calling_ae != "*":
                self.count_rejection("*", "*", "*", reason)
                return
            found = RejectedAssociationRow(
                calling_ae=calling_ae,
                called_ae=called_ae,
                address=address,
                reason=reason,
                count=0,
                first_at=self._now,
                last_at=self._now,
            )
            self._session.add(found)
        found.count += 1
        found.last_at = self._now

    def _row(self, archive: str) -> ArchiveHealthRow:
        row = self._session.get(ArchiveHealthRow, archive, with_for_update=True)
        if row is None:
            row = ArchiveHealthRow(archive=archive, failures=0, next_attempt_at=self._now)
            self._session.add(row)
        return row
