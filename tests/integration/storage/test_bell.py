"""The bell: whoever waits for work hears of it at the commit, and hears when he hears no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from screener.domain.errors import DatabaseUnavailable
from screener.storage.database import Database
from tests.support.servers import PostgresqlServer

#: So long does nobody wait who is told.
LONG_S = 30.0


@pytest.fixture
def mortal(
    postgresql_server: PostgresqlServer, postgresql_database: Database
) -> Iterator[Database]:
    """Return a database whose server a test may kill: it runs again afterwards."""
    yield postgresql_database
    postgresql_server.start()


def test_it_rings_at_the_commit_and_not_before(postgresql_database: Database) -> None:
    with postgresql_database.listening() as bell:
        with postgresql_database.write() as uow:
            uow.announce()
            before = bell.wait(0.05)
        after = bell.wait(LONG_S)
        again = bell.wait(0.05)

    assert (before, after, again) == (False, True, False)


def test_it_does_not_ring_for_what_was_undone(postgresql_database: Database) -> None:
    def break_off() -> None:
        with postgresql_database.write() as uow:
            uow.announce()
            raise ZeroDivisionError

    with postgresql_database.listening() as bell:
        with pytest.raises(ZeroDivisionError):
            break_off()

        assert not bell.wait(0.05)


def test_who_waits_is_woken_while_he_waits(postgresql_database: Database) -> None:
    heard: list[bool] = []
    with postgresql_database.listening() as bell:
        waiting = threading.Thread(target=lambda: heard.append(bell.wait(LONG_S)))
        waiting.start()
        with postgresql_database.write() as uow:
            uow.announce()
        waiting.join(LONG_S / 2)

    assert heard == [True]


def test_it_is_heard_in_its_own_database_alone(
    postgresql_server: PostgresqlServer, postgresql_database: Database
) -> None:
    other = Database(postgresql_server.make_database("neighbour"))
    with other.listening() as bell:
        with postgresql_database.write() as uow:
            uow.announce()

        assert not bell.wait(0.05)
    postgresql_server.drop_database("neighbour")


def test_sqlite_has_none_and_who_waits_looks_again(sqlite_database: Database) -> None:
    with sqlite_database.listening() as bell:
        with sqlite_database.write() as uow:
            uow.announce()

        assert not bell.wait(0.01)


def test_who_is_to_stop_waits_no_longer(database: Database) -> None:
    stop = threading.Event()
    began = time.monotonic()
    with database.listening() as bell:
        threading.Timer(0.05, stop.set).start()
        heard = bell.wait(LONG_S, stop)

    assert not heard
    assert time.monotonic() - began < LONG_S / 2


def test_a_server_that_goes_away_is_noticed_and_heard_again_when_it_is_back(
    mortal: Database, postgresql_server: PostgresqlServer
) -> None:
    with mortal.listening() as bell:
        postgresql_server.kill()
        with pytest.raises(DatabaseUnavailable):
            bell.wait(LONG_S)
    with pytest.raises(DatabaseUnavailable), mortal.listening():
        pass
    postgresql_server.start()

    with mortal.listening() as bell:
        with mortal.write() as uow:
            uow.announce()

        assert bell.wait(LONG_S)


def test_its_connection_is_none_of_the_pools_and_is_closed(postgresql_database: Database) -> None:
    def sessions() -> int:
        with postgresql_database.read() as uow:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            return int(uow.session.execute(text(asked)).scalar_one())

    before = sessions()
    with postgresql_database.listening():
        during = sessions()
        assert postgresql_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    assert during == before + 1
