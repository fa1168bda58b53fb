"""Claim and settle: compare-and-set with a lease, the same for every kind of row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.engine import CursorResult, Result
from sqlalchemy.orm import Session

from screener.domain.errors import ScreenerError
from screener.domain.retry import WORK_ATTEMPTS, RetryAt, next_attempt
from screener.storage.tables import DeliveryRow, ScreeningRow, StudyRow

WorkRow = TypeVar("WorkRow", ScreeningRow, StudyRow, DeliveryRow)

#: Error code of work whose worker died every time.
LEASE_LOST = "LEASE_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim on one row: whoever settles it must still hold it.

    The number of attempts alone does not tell claims apart, for it starts again whenever the row
    moves on.
    """

    id: int
    attempts: int
    until: datetime


def claim(
    session: Session,
    row: type[WorkRow],
    *conditions: ColumnElement[bool],
    now: datetime,
    lease: timedelta,
    limit: int,
    working: StrEnum | None = None,
    failed: StrEnum | None = None,
) -> Sequence[WorkRow]:
    """Take due rows: count the attempt and lease them, in the caller's commit.

    Parameters
    ----------
    conditions
        What makes a row due beside its time, states included.
    lease
        After this the worker is taken for dead and the row is due again.
    limit
        At most so many rows. A row whose lease was lost is always claimed alone: it may have
        killed its worker, and must not take others with it again.
    working
        State that claimed rows get; None where they keep theirs.
    failed
        State of rows whose worker has died too often; None where they are claimed for ever.
    """
    due = select(row).where(*conditions, row.next_attempt_at <= now)
    lost = due.where(row.leased_until.is_not(None), row.leased_until <= now)
    for lost_row in session.scalars(
        lost.order_by(row.id).limit(limit).with_for_update(skip_locked=True)
    ):
        if failed is not None and lost_row.attempts >= WORK_ATTEMPTS:
            if lost_row.error_code not in {None, LEASE_LOST}:
                # most attempts ended in order, as with an archive that was away: only deaths in a
                # row are a reason to give up, and this is the first
                lost_row.attempts = 1
                lost_row.error_code = LEASE_LOST
                _take(lost_row, now, lease, working)
                return [lost_row]
            lost_row.state = failed.value
            lost_row.leased_until = None
            lost_row.changed_at = now
            lost_row.error_code = LEASE_LOST
            lost_row.error_message = f"its worker died {lost_row.attempts} times while it held it"
            continue
        _take(lost_row, now, lease, working)
        return [lost_row]
    free = due.where(row.leased_until.is_(None)).order_by(row.next_attempt_at, row.id)
    rows = session.scalars(free.limit(limit).with_for_update(skip_locked=True)).all()
    for taken in rows:
        _take(taken, now, lease, working)
    return rows


def is_due(
    session: Session, row: type[WorkRow], *conditions: ColumnElement[bool], now: datetime
) -> bool:
    """Return whether `claim` would find a row now, unless somebody else is quicker."""
    free = or_(row.leased_until.is_(None), row.leased_until <= now)
    return bool(
        session.scalar(select(exists().where(*conditions, row.next_attempt_at <= now, free)))
    )


def lease_of(row: ScreeningRow | StudyRow | DeliveryRow) -> Lease:
    """Return the claim on a row that has just been claimed."""
    if row.leased_until is None:
        raise ValueError("a claimed row has a lease")
    return Lease(id=row.id, attempts=row.attempts, until=row.leased_until)


def _take(
    row: ScreeningRow | StudyRow | DeliveryRow,
    now: datetime,
    lease: timedelta,
    working: StrEnum | None,
) -> None:
    row.attempts += 1
    row.leased_until = now + lease
    if working is not None:
        row.state = working.value
        row.changed_at = now


def settle(
    session: Session,
    row: type[ScreeningRow | StudyRow | DeliveryRow],
    held: Lease,
    *,
    now: datetime,
    held_as: StrEnum,
    to: StrEnum,
    keep_attempts: bool = False,
    **values: Any,
) -> bool:
    """Move a claimed row on, or return False where somebody else has it or moved it.

    Parameters
    ----------
    held_as
        The state in which the claim held it.
    to
        Its next state; the caller has checked it against the transition table.
    keep_attempts
        Go on counting attempts, as after one that failed.
    values
        Further columns to set.
    """
    done = {"attempts": 0, "error_code": None, "error_message": None, "next_attempt_at": now}
    changes = {} if keep_attempts else done
    changed_at = {"changed_at": now} if to != held_as else {}
    result = session.execute(
        update(row)
        .where(
            row.id == held.id,
            row.attempts == held.attempts,
            row.leased_until == held.until,
            row.state == held_as.value,
        )
        .values({**changes, **changed_at, "state": to.value, "leased_until": None, **values})
        .execution_options(synchronize_session=False)
    )
    return rows_changed(result) == 1


def settle_failure(
    session: Session,
    row: type[ScreeningRow | StudyRow | DeliveryRow],
    held: Lease,
    error: ScreenerError,
    *,
    now: datetime,
    held_as: StrEnum,
    again: StrEnum,
    failed: StrEnum,
    **values: Any,
) -> bool:
    """Schedule the next attempt at a claimed row, or give it up, as the ladder decides."""
    decision = next_attempt(attempts=held.attempts, error=error, now=now)
    retry = isinstance(decision, RetryAt)
    return settle(
        session,
        row,
        held,
        now=now,
        held_as=held_as,
        to=again if retry else failed,
        keep_attempts=True,
        next_attempt_at=decision.at if isinstance(decision, RetryAt) else now,
        error_code=error.code,
        error_message=str(error),
        **values,
    )


def rows_changed(result: Result[Any]) -> int:
    """Return how many rows an UPDATE has changed."""
    if not isinstance(result, CursorResult):
        raise TypeError("only an UPDATE changes rows")
    return result.rowcount
