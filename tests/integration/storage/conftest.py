"""A migrated database with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from screener.storage import migrate
from screener.storage.database import Database
from tests.support.clock import FrozenClock


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def database(tmp_path: Path, clock: FrozenClock) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'screener.db'}", clock=clock)
    migrate.upgrade(made)
    yield made
    made.dispose()
