"""Claims: nobody works on a row twice at a time, and no crash loses one."""

from __future__ import annotations

import threading

import pytest

from screener.domain.errors import FileUnavailable, UnreadableInstance
from screener.domain.identifiers import StudyInstanceUid
from screener.domain.retry import WORK_ATTEMPTS
from screener.domain.screening import ScreeningState
from screener.storage.claims import LEASE_LOST
from screener.storage.database import Database
from screener.storage.tables import ScreeningRow
from tests.integration.storage.rows import LEASE, claim, receive
from tests.support.clock import FrozenClock


def state_of(database: Database, number: int) -> tuple[str, int, str | None]:
    with database.read() as uow:
        row = uow.session.get_one(ScreeningRow, number)
        return row.state, row.attempts, row.error_code


def test_a_claimed_row_is_claimed_by_nobody_else(database: Database) -> None:
    receive(database, 1)

    first, second = claim(database), claim(database)

    assert len(first) == 1
    assert second == []


def test_the_attempt_is_counted_by_the_claim_itself(database: Database) -> None:
    receive(database, 1)

    claim(database)

    assert state_of(database, 1) == ("RECEIVED", 1, None)


def test_two_threads_share_the_rows_and_none_is_taken_twice(database: Database) -> None:
    for number in range(20):
        receive(database, number + 1)
    taken: list[int] = []

    def work() -> None:
        while rows := claim(database, limit=3):
            taken.extend(row.screening_id for row in rows)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == list(range(1, 21))


def test_a_row_whose_lease_was_lost_is_claimed_alone(
    database: Database, clock: FrozenClock
) -> None:
    receive(database, 1)
    claim(database)
    receive(database, 2)
    receive(database, 3)

    clock.advance(61)
    after, rest = claim(database), claim(database)

    assert [row.screening_id for row in after] == [1]
    assert [row.screening_id for row in rest] == [2, 3]


def test_a_row_that_kills_its_worker_every_time_is_given_up(
    database: Database, clock: FrozenClock
) -> None:
    receive(database, 1)

    for _ in range(WORK_ATTEMPTS):
        assert len(claim(database)) == 1
        clock.advance(61)

    assert claim(database) == []
    assert state_of(database, 1) == ("FAILED", WORK_ATTEMPTS, LEASE_LOST)


def test_a_worker_that_was_too_slow_settles_nothing(database: Database, clock: FrozenClock) -> None:
    receive(database, 1)
    slow = claim(database)[0]
    clock.advance(61)
    quick = claim(database)[0]

    with database.write() as uow:
        late = uow.screenings.settle(slow, ScreeningState.INELIGIBLE, reasons=["LATE"])
        right = uow.screenings.settle(quick, ScreeningState.WAITING)

    assert (late, right) == (False, True)
    assert state_of(database, 1) == ("WAITING", 0, None)


def test_a_transient_failure_waits_longer_each_time_and_ends_in_failed(
    database: Database, clock: FrozenClock
) -> None:
    receive(database, 1)
    waits = []

    for _ in range(WORK_ATTEMPTS):
        waited = 0
        while not (claimed := claim(database)):
            clock.advance(1)
            waited += 1
        waits.append(waited)
        with database.write() as uow:
            uow.screenings.settle_failure(claimed[0], FileUnavailable())

    assert waits == sorted(waits)
    assert waits[-1] > waits[1] > 0
    assert state_of(database, 1)[0] == "FAILED"


def test_a_permanent_failure_ends_at_once(database: Database) -> None:
    receive(database, 1)

    with database.write() as uow:
        held = uow.screenings.claim_received(limit=1, lease=LEASE)[0]
        uow.screenings.settle_failure(held, UnreadableInstance("gone"))

    assert state_of(database, 1) == ("FAILED", 1, "UNREADABLE_INSTANCE")


def test_an_operator_takes_a_failed_film_up_again(database: Database) -> None:
    receive(database, 1)
    with database.write() as uow:
        held = uow.screenings.claim_received(limit=1, lease=LEASE)[0]
        uow.screenings.settle_failure(held, UnreadableInstance("gone"))

    with database.write() as uow:
        first = uow.screenings.retry(held.screening_id)
        second = uow.screenings.retry(held.screening_id)

    assert (first, second) == (True, False)
    assert state_of(database, 1) == ("RECEIVED", 0, None)


def test_what_raises_inside_a_transaction_leaves_no_trace(database: Database) -> None:
    with pytest.raises(RuntimeError, match="crash"), database.write() as uow:  # noqa: PT012
        uow.studies.receive(StudyInstanceUid("2.25.9"))
        raise RuntimeError("crash")

    with database.read() as uow:
        assert uow.queries.studies() == []


def test_the_same_uid_again_is_the_next_revision(database: Database) -> None:
    receive(database, 1)
    receive(database, 1)

    with database.read() as uow:
        assert [film.revision for film in uow.queries.films()] == [1, 2]
