"""The tests' own servers: taken away and brought back, they keep what such a server keeps."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis as redis_client
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.servers import PostgresqlServer, RedisServer, redis

#: The client would wait and try again.
ONCE = Retry(NoBackoff(), 0)


def rows_of(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute("SELECT number FROM kept").fetchall()


@pytest.fixture
def kept(postgresql_server: PostgresqlServer) -> str:
    """Return a database with a row."""
    url = postgresql_server.make_database("kept")
    postgresql_server.execute(sql.SQL("CREATE TABLE kept AS SELECT 1 AS number"), "kept")
    return url


@pytest.mark.parametrize("take_away", [PostgresqlServer.stop, PostgresqlServer.kill])
def test_postgresql_comes_back_with_its_rows(
    take_away: Callable[[PostgresqlServer], None], kept: str, postgresql_server: PostgresqlServer
) -> None:
    take_away(postgresql_server)
    try:
        with pytest.raises(psycopg.OperationalError):
            rows_of(kept)
    finally:
        postgresql_server.start()

    assert rows_of(kept) == [(1,)]


def test_a_database_can_be_copied_and_made_anew(
    kept: str, postgresql_server: PostgresqlServer
) -> None:
    copy = postgresql_server.make_database("copy", template="kept")
    with psycopg.connect(kept.replace("+psycopg", "")):
        anew = postgresql_server.make_database("kept")

    assert rows_of(copy) == [(1,)]
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows_of(anew)


@pytest.mark.parametrize("take_away", [RedisServer.stop, RedisServer.kill])
def test_redis_comes_back_empty_on_the_same_port(
    take_away: Callable[[RedisServer], None], redis_server: RedisServer
) -> None:
    with redis_client.Redis.from_url(redis_server.url, retry=ONCE) as client:
        client.set("a", "b")
        take_away(redis_server)
        try:
            with pytest.raises(redis_client.ConnectionError):
                client.ping()
        finally:
            redis_server.start()

        assert client.dbsize() == 0


def test_redis_may_ask_for_a_password() -> None:
    with redis(password="of the test") as server:  # noqa: S106 - no secret
        with (
            redis_client.Redis(port=server.port, retry=ONCE) as stranger,
            pytest.raises(redis_client.AuthenticationError),
        ):
            stranger.ping()
        with redis_client.Redis.from_url(server.url) as client:
            assert client.ping()
