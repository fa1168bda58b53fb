"""How a database's connections are set up: durable, patient, and never hanging for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Pool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from screener.domain.errors import ConfigurationError

#: How long a statement waits for another transaction's lock, ms.
LOCK_TIMEOUT_MS = 15_000

#: A transaction whose process is silent for so long is ended by the server, ms: its machine may be
#: gone, and nobody else can have its rows meanwhile.
_IDLE_IN_TRANSACTION_MS = 60_000

#: Passed to libpq. A server that is cut off in the middle of a statement is given up after 25 s,
#: by unanswered probes (10 s of silence, then three at 5 s) and by unanswered data alike: without
#: them the kernel would wait for 15 minutes, or for ever.
_POSTGRESQL = {
    "application_name": "screener",
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

#: Of every session. A film is answered with 0x0000 after its commit, which must not be lost then: a
#: server whose commits do not wait for their log is told to; a site's stronger wish stays.
_SESSION = f"""
SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', false),
       set_config('idle_in_transaction_session_timeout', '{_IDLE_IN_TRANSACTION_MS}', false),
       set_config('timezone', 'UTC', false),
       set_config('synchronous_commit',
                  replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""

#: Threads that work at a time: as many as a listener has associations, and some.
_POOLED, _BEYOND = 5, 35


def parsed(url: str) -> URL:
    """Return a database's URL, or raise `ConfigurationError` where it is none."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "storage.database_url is not a SQLAlchemy URL, such as "
            "postgresql+psycopg://user:password@host/name, or empty for a SQLite file"
        ) from error


def make_engine(url: URL, *, poolclass: type[Pool] | None = None) -> Engine:
    """Return an engine; a SQLite file's folder is made where it is missing.

    Parameters
    ----------
    poolclass
        In place of a pool of up to 40 connections.

    Raises
    ------
    ConfigurationError
        The driver is not installed, or is one that we do not know.
    """
    backend = url.get_backend_name()
    options: dict[str, Any] = {"poolclass": poolclass} if poolclass else {}
    if backend == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    if backend == "postgresql":
        # what the site writes into its URL is its own wish
        options["connect_args"] = {k: v for k, v in _POSTGRESQL.items() if k not in url.query}
        # what we lock, and what we count on meanwhile, is thought for this level
        options["isolation_level"] = "READ COMMITTED"
        if not poolclass:
            options |= {"pool_size": _POOLED, "max_overflow": _BEYOND}
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"storage.database_url: the driver of {url.drivername!r} is not installed; of "
            "PostgreSQL's drivers it is postgresql+psycopg that we know"
        ) from error
    if backend == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    if backend == "postgresql":
        event.listen(engine, "connect", _on_postgresql_connect)
    return engine


def _on_postgresql_connect(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
    # what is set in a transaction that is rolled back is set no more
    connection.commit()


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    # the driver must not begin transactions by itself: see _on_sqlite_begin
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # in WAL mode FULL syncs the log at every commit: what is committed survives a power loss
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    # a transaction that reads first and writes later would fail with "database is locked" at
    # once; IMMEDIATE waits for its turn at the start
    writing = connection.get_execution_options().get("screener_writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
