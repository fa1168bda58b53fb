"""What a driver's error means: trouble that passes, a conflict, or a bug of ours."""

from __future__ import annotations

import re

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from screener.domain.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    RowConflict,
    ScreenerError,
)

#: SQLSTATE classes and codes of PostgreSQL that have nothing to do with what we asked: connections,
#: transactions that got into each other's way, memory and disk, an administrator, the system; a
#: server that takes no writes (a standby, as after a fail-over), a lock that was not to be had, a
#: transaction that was idle for too long. Source: PostgreSQL documentation, appendix A.
_PASSING_STATES = ("08", "40", "53", "57", "58", "25006", "25P03", "55P03")

#: Two transactions added the same row.
_UNIQUE_VIOLATION = "23505"

#: What SQLite says when the trouble is the machine's.
_PASSING_TEXTS = ("closed", "disk", "locked", "readonly", "refused", "unable to open")

#: What PostgreSQL says to a client that it does not let in, and what to do about it. The code of
#: such an answer does not reach us, and its text is English with a translation of it at most.
_REFUSALS = (
    (r"password authentication failed|no password supplied", "user and password are not right"),
    (r"role .* does not exist", "there is no such user: make it by `createuser`"),
    (r"database .* does not exist", "there is no such database: make it by `createdb`"),
    (r"no pg_hba\.conf entry", "the server lets nobody in from here: add a line to pg_hba.conf"),
)


def translated(error: DBAPIError, dialect: str) -> ScreenerError | None:
    """Return what an error of a transaction means, or None for a bug of ours.

    Parameters
    ----------
    dialect
        ``sqlite`` or ``postgresql``.

    Notes
    -----
    The driver's own text may quote a row, and stays out of ours.
    """
    state = _state(error)
    if state == _UNIQUE_VIOLATION or (dialect == "sqlite" and isinstance(error, IntegrityError)):
        return RowConflict()
    if not (error.connection_invalidated or _passes(error, dialect)):
        return None
    kind = type(error.orig).__name__
    return DatabaseUnavailable(
        f"the database ({dialect}) cannot be reached, is locked or full, or may not be written: "
        f"{kind} {state}".rstrip()
    )


def not_opened(error: Exception, url: URL, shown_url: str) -> ScreenerError:
    """Return why a database cannot be opened, in a sentence that says what to do.

    Parameters
    ----------
    shown_url
        The URL without its password.
    """
    cause = getattr(error, "orig", error)
    said = str(cause)
    for pattern, advice in _REFUSALS:
        if url.get_backend_name() == "postgresql" and re.search(pattern, said):
            return ConfigurationError(
                f"the server of {shown_url} does not open this database: {advice}, or change "
                "storage.database_url"
            )
    return DatabaseUnavailable(
        f"the database {shown_url} cannot be opened ({type(cause).__name__}); check "
        "storage.database_url, or storage.folder, and that the server runs"
    )


def _passes(error: DBAPIError, dialect: str) -> bool:
    if dialect == "sqlite":
        text = str(error.orig).lower()
        return any(sign in text for sign in _PASSING_TEXTS)
    state = _state(error)
    if state:
        return state.startswith(_PASSING_STATES)
    # the server did not say it: the driver found no server, or lost it
    return type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout", "InterfaceError"}


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
