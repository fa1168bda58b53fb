"""Migrated databases with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from screener.storage.database import Database
from tests.support.clock import FrozenClock
from tests.support.databases import remove_rows


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def database(node_database: Database, clock: FrozenClock) -> Iterator[Database]:
    """Return each of the two databases in turn."""
    made = Database(node_database.url, clock=clock)
    yield made
    made.dispose()


@pytest.fixture
def sqlite_database(sqlite_node: Database) -> Iterator[Database]:
    made = Database(sqlite_node.url)
    yield made
    made.dispose()
    remove_rows(sqlite_node.engine)


@pytest.fixture
def postgresql_database(postgresql_node: Database) -> Iterator[Database]:
    """Return a PostgreSQL database with its own clock."""
    made = Database(postgresql_node.url)
    yield made
    made.dispose()
    remove_rows(postgresql_node.engine)
