"""Brings a database to the tables that this version of the code knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, func, make_url, select, text
from sqlalchemy.exc import DBAPIError

import screener
from screener.domain.errors import ConfigurationError, DatabaseUnavailable
from screener.storage.database import Database
from screener.storage.driver_errors import not_opened, translated
from screener.storage.engines import LOCK_TIMEOUT_MS

#: Takes the place of a number for a lock: one process at a time migrates a PostgreSQL database.
_TURN = "screener migration"


def migrations_folder() -> Path:
    """Return where the migrations lie: in an installed wheel, or beside a checkout's package."""
    package = Path(screener.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate a database up, moving its rows along.

    Parameters
    ----------
    database
        An empty one gets all tables.
    revision
        Where to stop; the newest by default.

    Raises
    ------
    ConfigurationError
        The database was made by a newer version, or the migrations are missing.
    DatabaseUnavailable
        It cannot be reached, or a node that runs keeps its tables locked.
    """
    config = _config()
    with _migrating(database) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise ConfigurationError(f"the database cannot be migrated: {error}") from error


def downgrade(database: Database, revision: str) -> None:
    """Migrate a database down to a revision, for a return to an earlier version."""
    config = _config()
    with _migrating(database) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current_revision(database: Database) -> str | None:
    """Return the database's migration level, or None for an empty or missing one.

    Raises
    ------
    DatabaseUnavailable
        It cannot be reached, or is no database.
    """
    url = make_url(database.url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return None  # connecting would make the file: a question must not
    with _reading(database) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(revision: str) -> bool:
    """Return whether a migration level is one of this version's or an earlier one's."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def newest_revision() -> str | None:
    """Return the migration level that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


@contextmanager
def _reading(database: Database) -> Iterator[Connection]:
    """Open a transaction that waits for nobody's write, or raise `DatabaseUnavailable`."""
    with _opened(database).execution_options(screener_writing=False) as connection:
        yield connection


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    """Open the one transaction of a migration, or raise `DatabaseUnavailable`.

    SQLite alters a table by dropping it for a changed copy, which rows that refer to it would not
    let happen: references are not enforced meanwhile, and checked before the commit.
    """
    with _opened(database) as connection:
        if database.engine.dialect.name != "sqlite":
            try:
                with connection.begin():
                    _take_turn(connection)
                    yield connection
            except DBAPIError as error:
                meaning = translated(error, database.engine.dialect.name)
                if isinstance(meaning, DatabaseUnavailable):
                    raise meaning from error
                raise
            return
        # outside of any transaction, else SQLite ignores it: by the driver's own connection
        driver = connection.connection.cursor()
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                yield connection
                _check_references(connection)
        finally:
            driver.execute("PRAGMA foreign_keys = ON")
            driver.close()


def _take_turn(connection: Connection) -> None:
    """Wait for another process that migrates this PostgreSQL database, however long it takes."""
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(_TURN))))
    # what it alters may be in use: a node that runs must not be held up behind it for ever
    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))


def _check_references(connection: Connection) -> None:
    broken = {table for table, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check")}
    if broken:
        raise RuntimeError(
            f"a migration left rows of {', '.join(sorted(broken))} that refer to nothing; "
            "nothing was changed"
        )


def _opened(database: Database) -> Connection:
    try:
        return database.engine.connect()
    except (DBAPIError, OSError) as error:
        raise not_opened(error, database.engine.url, database.shown_url) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    return config
