from datetime import UTC, datetime, timedelta

import pytest

from screener.domain.errors import (
    ArchiveBusy,
    ArchiveUnreachable,
    DatabaseUnavailable,
    DeviceUnavailable,
    FileUnavailable,
    IllegalTransition,
    OutOfMemory,
    ScreenerError,
    SpoolFull,
    UnreadableInstance,
    UnsupportedPixels,
)
from screener.domain.retry import WORK_ATTEMPTS, GiveUp, RetryAt, delay, next_attempt

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)


def test_the_waiting_times_grow_and_then_stay() -> None:
    waited = [delay(attempts).total_seconds() for attempts in range(1, 9)]

    assert waited == [2, 10, 60, 300, 900, 900, 900, 900]


@pytest.mark.parametrize("error", [ArchiveUnreachable(), DatabaseUnavailable(), SpoolFull()])
def test_what_waiting_may_help_is_tried_again(error: ScreenerError) -> None:
    then = next_attempt(attempts=2, error=error, now=NOW)

    assert then == RetryAt(at=NOW + timedelta(seconds=10))


@pytest.mark.parametrize(
    "error", [UnreadableInstance(), UnsupportedPixels("colour"), IllegalTransition()]
)
def test_what_will_fail_again_is_given_up_at_once(error: ScreenerError) -> None:
    assert next_attempt(attempts=1, error=error, now=NOW) == GiveUp()


@pytest.mark.parametrize("error", [ArchiveUnreachable(), FileUnavailable(), OutOfMemory()])
def test_work_is_given_up_after_its_last_attempt(error: ScreenerError) -> None:
    then = [
        next_attempt(attempts=attempts, error=error, now=NOW)
        for attempts in range(1, WORK_ATTEMPTS + 2)
    ]

    assert [isinstance(one, GiveUp) for one in then] == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    "error", [ArchiveBusy(), DatabaseUnavailable(), DeviceUnavailable(), SpoolFull()]
)
def test_the_trouble_of_machine_and_archive_is_waited_for_without_end(error: ScreenerError) -> None:
    then = next_attempt(attempts=10_000, error=error, now=NOW)

    assert then == RetryAt(at=NOW + timedelta(seconds=900))
