"""The engine, and one unit of work: one session, one commit, the repositories on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import Session

from screener.domain.errors import ConfigurationError, DatabaseUnavailable, RowConflict
from screener.storage.archives import Archives
from screener.storage.audit import Audit
from screener.storage.deliveries import Deliveries
from screener.storage.findings import Findings
from screener.storage.instances import Instances
from screener.storage.processes import Processes
from screener.storage.queries import Queries
from screener.storage.screenings import Screenings
from screener.storage.site_rules import StoredRules
from screener.storage.studies import Studies

#: How long a SQLite connection waits for another one's write, ms.
_BUSY_TIMEOUT_MS = 15_000


class UnitOfWork:
    """One transaction: the repositories, and the time it began by the database's clock."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now

    @cached_property
    def instances(self) -> Instances:
        """Received instances."""
        return Instances(self.session, self.now)

    @cached_property
    def screenings(self) -> Screenings:
        """Screenings and predictions."""
        return Screenings(self.session, self.now)

    @cached_property
    def studies(self) -> Studies:
        """Studies."""
        return Studies(self.session, self.now)

    @cached_property
    def findings(self) -> Findings:
        """Findings and result objects."""
        return Findings(self.session, self.now)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Deliveries and commitment requests."""
        return Deliveries(self.session, self.now)

    @cached_property
    def archives(self) -> Archives:
        """How archives have answered, and who was rejected."""
        return Archives(self.session, self.now)

    @cached_property
    def rules(self) -> StoredRules:
        """The site's rules."""
        return StoredRules(self.session, self.now)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail."""
        return Audit(self.session, self.now)

    @cached_property
    def queries(self) -> Queries:
        """Views for people."""
        return Queries(self.session)

    @cached_property
    def processes(self) -> Processes:
        """Signs of life of the node's processes."""
        return Processes(self.session, self.now)


class Database:
    """The one truth. Made before a process is spawned, connected after.

    Parameters
    ----------
    url
        SQLAlchemy URL of SQLite or PostgreSQL.
    clock
        In place of the database's own clock; for tests.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] | None = None) -> None:
        self.url = url
        self._clock = clock

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        url = _parsed(self.url)
        query = {k: "hidden" if "pass" in k.lower() else v for k, v in url.query.items()}
        return url.set(query=query).render_as_string(hide_password=True)

    @cached_property
    def engine(self) -> Engine:
        """The engine: made at first use, so that every process has its own."""
        url = _parsed(self.url)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        try:
            engine = create_engine(url, pool_pre_ping=True)
        except (ImportError, NoSuchModuleError) as error:
            raise ConfigurationError(
                f"storage.database_url: the driver of {url.drivername!r} is not installed"
            ) from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _on_sqlite_connect)
            event.listen(engine, "begin", _on_sqlite_begin)
        return engine

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """Open a writing transaction: committed at the end, rolled back where it raises.

        Raises
        ------
        DatabaseUnavailable
            The database cannot be reached or written now, or stays locked.
        """
        yield from self._transaction(writing=True)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """Open a reading transaction, or raise `DatabaseUnavailable`."""
        yield from self._transaction(writing=False)

    def dispose(self) -> None:
        """Close the connections of this process."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _transaction(self, *, writing: bool) -> Iterator[UnitOfWork]:
        engine = self.engine.execution_options(screener_writing=writing)
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield UnitOfWork(session, self._now(session))
        except IntegrityError as error:
            raise RowConflict from error
        except DBAPIError as error:
            if error.connection_invalidated or _may_pass(error):
                raise DatabaseUnavailable(
                    f"the database ({self.engine.dialect.name}) cannot be reached, is locked or "
                    f"full, or may not be written: {type(error.orig).__name__}"
                ) from error
            raise

    def _now(self, session: Session) -> datetime:
        if self._clock is not None:
            return self._clock()
        if self.engine.dialect.name == "sqlite":
            # SQLite has no clock of its own: it is this machine's
            return datetime.now(UTC)
        now: datetime = session.scalar(select(func.clock_timestamp())) or datetime.now(UTC)
        return now


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "storage.database_url is not a SQLAlchemy URL, such as "
            "postgresql+psycopg://user:password@host/name, or empty for a SQLite file"
        ) from error


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    # the driver must not begin transactions by itself: see _on_sqlite_begin
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
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


#: What SQLite and PostgreSQL say when the trouble is the machine's or the network's.
_PASSING = (
    "closed",
    "could not connect",
    "disk",
    "locked",
    "readonly",
    "refused",
    "unable to open",
)


def _may_pass(error: DBAPIError) -> bool:
    text = str(error.orig).lower()
    return any(sign in text for sign in _PASSING)
