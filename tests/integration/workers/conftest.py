"""A worker over a real Redis, beside a node that has no films of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from screener.config import BrokerSettings, Settings
from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.spool import Spool
from tests.support.pipeline_rig import Rig
from tests.support.servers import PostgresqlServer, RedisServer
from workers.app import make_app
from workers.nudge import Nudger


@pytest.fixture
def broker(redis_server: RedisServer) -> Iterator[Settings]:
    """Return settings whose broker is an empty Redis."""
    redis_server.flush()
    yield Settings(broker=BrokerSettings(url=redis_server.url))
    redis_server.flush()


@pytest.fixture
def app(broker: Settings) -> Celery:
    return make_app(broker)


@pytest.fixture
def nudger(app: Celery) -> Iterator[Nudger]:
    made = Nudger(app)
    yield made
    made.close()


@pytest.fixture
def rig(postgresql_server: PostgresqlServer, tmp_path: Path) -> Iterator[Rig]:
    """Return a node on PostgreSQL, as workers have it."""
    for name in ("spool", "vault"):
        Spool(tmp_path / name).prepare()
    database = Database(postgresql_server.make_database("workers"))
    migrate.upgrade(database)
    made = Rig(tmp_path, database)
    yield made
    made.close()
    database.dispose()
    postgresql_server.drop_database("workers")
