"""What tests of several folders share: servers, the node's database, and the node itself.

Databases and folders are made once for each process of the test run, and emptied after each test:
512 folders, the migrations and a compiled statement for every question cost more than most tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.spool import Spool
from tests.support.celery_driver import CeleryDriver
from tests.support.databases import BACKENDS, remove_rows
from tests.support.pipeline_rig import Rig
from tests.support.servers import PostgresqlServer, RedisServer, postgresql, redis

MakeRig: TypeAlias = Callable[..., Rig]


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


@pytest.fixture(scope="session")
def sqlite_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return a migrated SQLite database, which the node's tests share."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('database') / 'screener.db'}")
    migrate.upgrade(database)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def postgresql_node(postgresql_server: PostgresqlServer) -> Iterator[Database]:
    """Return a migrated PostgreSQL database, which the node's tests share."""
    database = Database(postgresql_server.make_database("node"))
    migrate.upgrade(database)
    yield database
    database.dispose()


@pytest.fixture(params=BACKENDS)
def node_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return each of the node's two databases in turn, without rows."""
    database: Database = request.getfixturevalue(f"{request.param}_node")
    yield database
    remove_rows(database.engine)


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    for name in ("spool", "vault"):
        Spool(folder / name).prepare()
    return folder


@pytest.fixture
def driver() -> CeleryDriver | None:
    """Return who runs the stages of a rig: None for the test itself."""
    return None


@pytest.fixture
def make_rig(
    node_folder: Path, node_database: Database, driver: CeleryDriver | None
) -> Iterator[MakeRig]:
    """Return what makes the test's node, with archives and rules of its own."""
    made: list[Rig] = []

    def make(*archives: object, **values: object) -> Rig:
        made.append(Rig(node_folder, node_database, *archives, driver=driver, **values))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for rig in made:
        if rig.services.database.engine is not node_database.engine:
            rig.close()
    for folder, _, files in os.walk(node_folder):
        for file in files:
            Path(folder, file).unlink()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """Return a node with one archive in mode `test`, which commits in the call."""
    return make_rig()
