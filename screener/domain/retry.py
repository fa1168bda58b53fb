"""When to try again: the one ladder of attempts in the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from screener.domain.errors import (
    ArchiveBusy,
    DatabaseUnavailable,
    DeviceUnavailable,
    PermanentError,
    ScreenerError,
    SpoolFull,
)

#: Waiting times after the first, second, … failed attempt; the last one repeats.
_LADDER_S = (2, 10, 60, 300, 900)

#: Attempts on a film or a study before it is FAILED: a crash of the worker counts as one.
WORK_ATTEMPTS = 5

#: The trouble of the machine or of an archive, and not the work's own: waited for without end.
_NOT_THE_WORKS_FAULT = (ArchiveBusy, DatabaseUnavailable, DeviceUnavailable, SpoolFull)

#: Refusals of an object by an archive before the delivery is REFUSED.
REFUSALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Due again at this time."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """An operator has to look."""


def next_attempt(*, attempts: int, error: ScreenerError, now: datetime) -> RetryAt | GiveUp:
    """Decide what follows a failed attempt.

    Parameters
    ----------
    attempts
        Attempts so far, this one included; 1 or more.
    error
        Why it failed. A permanent error is not tried again; a full disk, or a device, database or
        archive that is busy, is waited for without end; anything else for `WORK_ATTEMPTS`.
    now
        By the database's clock.
    """
    if isinstance(error, PermanentError):
        return GiveUp()
    if attempts >= WORK_ATTEMPTS and not isinstance(error, _NOT_THE_WORKS_FAULT):
        return GiveUp()
    return RetryAt(at=now + delay(attempts))


def delay(attempts: int) -> timedelta:
    """Return how long to wait after this many attempts in a row, 1 or more, have failed."""
    return timedelta(seconds=_LADDER_S[min(max(attempts, 1), len(_LADDER_S)) - 1])
