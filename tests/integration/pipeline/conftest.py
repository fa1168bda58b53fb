"""A fresh node for every test: database, spool and vault, emptied after each.

They are made once: 512 folders, the migrations and a compiled statement for every question cost
more than most tests.
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
from screener.storage.tables import Row
from tests.support.pipeline_rig import Rig

MakeRig: TypeAlias = Callable[..., Rig]


@pytest.fixture(scope="session")
def node_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('database') / 'screener.db'}")
    migrate.upgrade(database)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    for name in ("spool", "vault"):
        Spool(folder / name).prepare()
    return folder


@pytest.fixture
def make_rig(node_folder: Path, node_database: Database) -> Iterator[MakeRig]:
    """Return what makes the test's node, with archives and rules of its own."""
    made: list[Rig] = []

    def make(*archives: object, **values: object) -> Rig:
        made.append(Rig(node_folder, node_database, *archives, **values))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for rig in made:
        rig.close()
    with node_database.engine.begin() as connection:
        for table in reversed(Row.metadata.sorted_tables):
            connection.execute(table.delete())
    for folder, _, files in os.walk(node_folder):
        for file in files:
            Path(folder, file).unlink()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """Return a node with one archive in mode `test`, which commits in the call."""
    return make_rig()
