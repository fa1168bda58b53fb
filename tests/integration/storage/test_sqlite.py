"""What is SQLite's own: its pragmas, its locks, and what a full disk does to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import event, text

from screener.domain.errors import DatabaseUnavailable
from screener.storage.database import Database
from screener.storage.processes import Process
from screener.storage.tables import ProcessRow

PROCESS = Process(role="test", host="here", pid=1)


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


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
