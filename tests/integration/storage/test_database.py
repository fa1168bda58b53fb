"""The one truth, whichever database it is in: all or nothing, and our bugs are no trouble."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from screener.domain.errors import RowConflict
from screener.storage.database import Database
from screener.storage.processes import Process
from screener.storage.tables import ProcessRow

PROCESS = Process(role="test", host="here", pid=1)


def test_a_table_that_is_missing_is_no_passing_trouble(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as uow:
        uow.session.execute(text("SELECT * FROM nowhere"))


def test_what_raises_in_a_transaction_undoes_it(database: Database) -> None:
    def break_off() -> None:
        with database.write() as uow:
            uow.processes.sign(PROCESS, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    with database.read() as uow:
        assert uow.session.query(ProcessRow).count() == 0


def test_the_same_key_twice_is_a_conflict(database: Database) -> None:
    def twice() -> None:
        with database.write() as uow:
            for _ in range(2):
                uow.session.execute(
                    text(
                        "INSERT INTO commitment_requests (transaction_uid, archive, requested_at)"
                        " VALUES ('1.2', 'pacs', '2026-11-26')"
                    )
                )

    with pytest.raises(RowConflict):
        twice()
