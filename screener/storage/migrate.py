"""Brings a database to the tables that this version of the code knows."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

import screener
from screener.domain.errors import ConfigurationError
from screener.storage.database import Database


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
    """
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise ConfigurationError(f"the database cannot be migrated: {error}") from error


def downgrade(database: Database, revision: str) -> None:
    """Migrate a database down to a revision, for a return to an earlier version."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current_revision(database: Database) -> str | None:
    """Return the database's migration level, or None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the migration level that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    return config
