"""When to try again: the one ladder of attempts in the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from screener.domain.errors import PermanentError, ScreenerError

#: Waiting times after the first, second, … failed attempt; the last one repeats.
_LADDER_S = (2, 10, 60, 300, 900)

#: Attempts on a film or a study before it is FAILED: a crash of the worker counts as one.
WORK_ATTEMPTS = 5

#: Refusals of an object by an archive before the delivery is REFUSED.
REFUSALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Due again at this time."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """An operator has to look."""


def next_attempt(
    *, attempts: int, error: ScreenerError, now: datetime, limit: int | None = WORK_ATTEMPTS
) -> RetryAt | GiveUp:
    """Decide what follows a failed attempt.

    Parameters
    ----------
    attempts
        Attempts so far, this one included; 1 or more.
    error
        Why it failed. A permanent error is not tried again.
    now
        By the database's clock.
    limit
        Attempts after which to give up; None to go on for ever, as with an archive that is away.
    """
    if isinstance(error, PermanentError) or (limit is not None and attempts >= limit):
        return GiveUp()
    return RetryAt(at=now + delay(attempts))


def delay(attempts: int) -> timedelta:
    """Return how long to wait after this many attempts in a row, 1 or more, have failed."""
    return timedelta(seconds=_LADDER_S[min(max(attempts, 1), len(_LADDER_S)) - 1])
