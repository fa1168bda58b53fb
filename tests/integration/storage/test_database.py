"""The one truth when it is in trouble: what passes is told from what is our bug, and undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from screener.domain.errors import DatabaseUnavailable, RowConflict
from screener.storage.database import Database
from screener.storage.processes import Process
from screener.storage.tables import ProcessRow

PROCESS = Process(role="test", host="here", pid=1)


def with_pragma(database: Database, pragma: str) -> Database:
    """Return the same database, its connections set up in one more way."""
    other = Database(database.url)

    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(pragma)

    event.listen(other.engine, "connect", set_up)
    return other


def sign(database: Database, facts: str = "") -> None:
    with database.write() as uow:
        uow.processes.sign(PROCESS, {"facts": facts})


@pytest.fixture
def full(database: Database) -> Database:
    """Return a database that may not grow: what a full disk does to it."""
    return with_pragma(database, "PRAGMA max_page_count = 1")


@pytest.fixture
def read_only(database: Database) -> Database:
    return with_pragma(database, "PRAGMA query_only = ON")


@pytest.mark.parametrize("trouble", ["full", "read_only"])
def test_a_database_that_cannot_be_written_now_may_be_later(
    trouble: str, request: pytest.FixtureRequest, database: Database
) -> None:
    in_trouble: Database = request.getfixturevalue(trouble)

    with pytest.raises(DatabaseUnavailable):
        sign(in_trouble, "x" * 1_000_000)

    in_trouble.dispose()
    sign(database)
    with database.read() as uow:
        assert uow.session.query(ProcessRow).count() == 1


def test_a_database_that_somebody_keeps_locked_may_be_written_later(database: Database) -> None:
    waits_briefly = with_pragma(database, "PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable):
            sign(waits_briefly)
    waits_briefly.dispose()


def test_a_table_that_is_missing_is_no_passing_trouble(database: Database) -> None:
    with pytest.raises(OperationalError), database.read() as uow:
        uow.session.execute(text("SELECT * FROM nowhere"))


def test_what_raises_in_a_transaction_undoes_it(database: Database) -> None:
    def break_off() -> None:
        with database.write() as uow:
            uow.processes.sign(PROCESS, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    with database.read() as uow:
        assert uow.session.query(ProcessRow).count() == 0


def test_the_same_key_twice_is_a_conflict(database: Database) -> None:
    def twice() -> None:
        with database.write() as uow:
            for _ in range(2):
                uow.session.execute(
                    text(
                        "INSERT INTO commitment_requests (transaction_uid, archive, requested_at)"
                        " VALUES ('1.2', 'pacs', '2026-11-26')"
                    )
                )

    with pytest.raises(RowConflict):
        twice()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 15_000)],
)
def test_every_connection_is_durable_and_patient(
    pragma: str, value: object, database: Database
) -> None:
    with database.read() as uow:
        assert uow.session.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_a_writing_transaction_takes_its_turn_at_its_start(database: Database) -> None:
    statements: list[str] = []
    event.listen(
        database.engine,
        "before_cursor_execute",
        lambda *given: statements.append(given[2]),
    )
    opened: dict[str, Callable[[], object]] = {"write": database.write, "read": database.read}

    begun = {}
    for name, transaction in opened.items():
        statements.clear()
        with transaction() as uow:  # type: ignore[attr-defined]  # both are context managers
            uow.session.execute(text("SELECT 1"))
        begun[name] = statements[0]

    assert begun == {"write": "BEGIN IMMEDIATE", "read": "BEGIN"}
