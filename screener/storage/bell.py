"""The bell: PostgreSQL tells whoever listens that rows were added, at the moment of the commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from screener.domain.errors import DatabaseUnavailable
from screener.storage.driver_errors import not_opened
from screener.storage.engines import make_engine

#: PostgreSQL's channel; each database has its own of this name.
CHANNEL = "screener"

#: How often somebody who waits looks whether he is to stop, s.
_LOOK_S = 0.2


class Bell(Protocol):
    """Rings when there may be something to do; may ring for nothing."""

    def wait(self, timeout_s: float, stop: threading.Event | None = None) -> bool:
        """Return whether it rings within `timeout_s` from now, or has since the last wait.

        Parameters
        ----------
        timeout_s
            At most so long; 0 only asks.
        stop
            Ends the wait before its time.

        Raises
        ------
        DatabaseUnavailable
            The connection is lost: nobody would hear it any more. Open another.
        """
        ...


class SilentBell:
    """The bell of SQLite, which never rings: whoever waits looks again after his time."""

    def wait(self, timeout_s: float, stop: threading.Event | None = None) -> bool:
        """Return False after `timeout_s`, or when it is time to stop."""
        (stop or threading.Event()).wait(timeout_s)
        return False


class PostgresqlBell:
    """The bell of PostgreSQL, on a connection of its own."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def wait(self, timeout_s: float, stop: threading.Event | None = None) -> bool:
        """Return whether it rings within `timeout_s`; False soon when it is time to stop."""
        deadline = time.monotonic() + timeout_s
        while True:
            left = max(0.0, deadline - time.monotonic())
            if self._rings(left if stop is None else min(left, _LOOK_S)):
                return True
            if (stop is not None and stop.is_set()) or time.monotonic() >= deadline:
                return False

    def _rings(self, timeout_s: float) -> bool:
        try:
            return bool(list(self._connection.notifies(timeout=timeout_s, stop_after=1)))
        except psycopg.Error as error:
            raise _unheard(error) from error


@contextmanager
def listening(url: URL, shown_url: str) -> Iterator[Bell]:
    """Listen for the bell of a database; see `Database.listening`."""
    if url.get_backend_name() != "postgresql":
        yield SilentBell()
        return
    engine = make_engine(url, poolclass=NullPool)
    try:
        opened = engine.connect()
    except DBAPIError as error:
        raise not_opened(error, url, shown_url) from error
    with opened as connection:
        # in a transaction it would hear nothing
        connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("the bell needs psycopg 3")
        try:
            driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        except psycopg.Error as error:
            raise _unheard(error) from error
        yield PostgresqlBell(driver)


def _unheard(error: psycopg.Error) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"the database's bell cannot be heard: {type(error).__name__}")
