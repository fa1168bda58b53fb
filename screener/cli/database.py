"""The node's database, as commands open it: at this version's level, and closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from screener.config import Settings
from screener.storage.database import Database
from screener.wiring import build_database, require_current_database


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database for one command.

    Raises
    ------
    ConfigurationError
        It is not at this version's migration level; says what to do.
    DatabaseUnavailable
        It cannot be opened.
    """
    database = build_database(settings)
    try:
        require_current_database(database)
        yield database
    finally:
        database.dispose()
