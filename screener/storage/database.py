"""The database, and one unit of work: one session, one commit, the repositories on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from screener.domain.errors import DatabaseUnavailable
from screener.storage.archives import Archives
from screener.storage.audit import Audit
from screener.storage.bell import CHANNEL, Bell, listening
from screener.storage.clinical import Clinical
from screener.storage.deliveries import Deliveries
from screener.storage.driver_errors import translated
from screener.storage.engines import make_engine, parsed
from screener.storage.findings import Findings
from screener.storage.instances import Instances
from screener.storage.processes import Processes
from screener.storage.queries import Queries
from screener.storage.rejections import Rejections
from screener.storage.screenings import Screenings
from screener.storage.site_rules import StoredRules
from screener.storage.studies import Studies
from screener.storage.withdrawals import Withdrawals


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
    def clinical(self) -> Clinical:
        """What is known of children beside their films: imported values, corrections."""
        return Clinical(self.session, self.now)

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
    def withdrawals(self) -> Withdrawals:
        """What archives have of withdrawn studies, and what is to be deleted there."""
        return Withdrawals(self.session, self.now)

    @cached_property
    def rejections(self) -> Rejections:
        """Instances that rejection notes take out of use."""
        return Rejections(self.session, self.now)

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

    def announce(self) -> None:
        """Ring the bell at the commit: there is something to do. SQLite has none."""
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(select(func.pg_notify(CHANNEL, "")))


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
        url = parsed(self.url)
        query = {k: "hidden" if "pass" in k.lower() else v for k, v in url.query.items()}
        return url.set(query=query).render_as_string(hide_password=True)

    @cached_property
    def engine(self) -> Engine:
        """The engine: made at first use, so that every process has its own."""
        return make_engine(parsed(self.url))

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

    def listening(self) -> AbstractContextManager[Bell]:
        """Listen, on a connection outside of the pool, for what `UnitOfWork.announce` tells.

        Raises
        ------
        ConfigurationError, DatabaseUnavailable
            The database cannot be opened.

        Notes
        -----
        Look once for what there is to do after it is opened: what rang before is not heard.
        """
        return listening(parsed(self.url), self.shown_url)

    def dispose(self) -> None:
        """Close the connections of this process."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _transaction(self, *, writing: bool) -> Iterator[UnitOfWork]:
        engine = self.engine.execution_options(screener_writing=writing)
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield UnitOfWork(session, self._now(session))
        except PoolTimeout as error:
            raise DatabaseUnavailable("every connection to the database is taken") from error
        except DBAPIError as error:
            meaning = translated(error, self.engine.dialect.name)
            if meaning is None:
                raise
            raise meaning from error

    def _now(self, session: Session) -> datetime:
        if self._clock is not None:
            return self._clock()
        if self.engine.dialect.name == "sqlite":
            # SQLite has no clock of its own: it is this machine's
            return datetime.now(UTC)
        now: datetime = session.scalar(select(func.clock_timestamp())) or datetime.now(UTC)
        return now
