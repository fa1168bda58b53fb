"""Servers that tests of several folders share: one of each for every process of the test run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers import PostgresqlServer, RedisServer, postgresql, redis


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Return a PostgreSQL; whoever takes it away brings it back, and makes databases of its own."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Return a Redis without a password; a test that uses it leaves it empty."""
    with redis() as server:
        yield server
