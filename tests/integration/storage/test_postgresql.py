"""What is PostgreSQL's own: sessions that do not hang, its errors, its clock, and its absence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from screener.domain.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    RowConflict,
    ScreenerError,
)
from screener.domain.identifiers import StudyInstanceUid
from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.processes import Process
from tests.integration.storage.rows import claim, receive
from tests.support.servers import PostgresqlServer, free_port

PROCESS = Process(role="test", host="here", pid=1)

#: Would be a child's; no message may hold it.
CHILD = "ZZ-SYNTHETIC-CHILD"


@pytest.fixture
def database(postgresql_database: Database) -> Database:
    return postgresql_database


@pytest.fixture
def mortal(postgresql_server: PostgresqlServer, database: Database) -> Iterator[Database]:
    """Return a database whose server a test may kill: it runs again afterwards."""
    yield database
    postgresql_server.start()


def with_setting(database: Database, setting: str) -> Database:
    """Return the same database, its connections set up in one more way."""
    other = Database(database.url)
    _ = other.engine

    def set_up(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.execute(f"SET {setting}".encode())
        connection.commit()

    event.listen(other.engine, "connect", set_up)
    return other


def setting_of(database: Database, name: str) -> object:
    with database.read() as uow:
        return uow.session.execute(text(f"SHOW {name}")).scalar()


def sign(database: Database) -> None:
    with database.write() as uow:
        uow.processes.sign(PROCESS, {})


def fail_with(database: Database, state: str) -> None:
    """Let the server fail in the middle of a transaction, and name a value."""
    with database.write() as uow:
        uow.processes.sign(PROCESS, {})
        raised = f"RAISE EXCEPTION 'Key ({CHILD}) is' USING ERRCODE = '{state}'"
        uow.session.execute(text(f"DO $$ BEGIN {raised}; END $$"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "15s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("timezone", "UTC"),
        ("application_name", "screener"),
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
    ],
)
def test_every_session_is_durable_and_patient(name: str, value: str, database: Database) -> None:
    assert setting_of(database, name) == value


@pytest.mark.parametrize(
    ("servers", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_a_commit_waits_for_its_log_whatever_the_server_does_by_itself(
    servers: str, ours: str, database: Database
) -> None:
    node = Database(f"{database.url}?options=-csynchronous_commit%3D{servers}")

    found = setting_of(node, "synchronous_commit")

    node.dispose()
    assert found == ours


def test_what_the_site_writes_into_its_url_is_kept(database: Database) -> None:
    node = Database(f"{database.url}?application_name=ward")

    found = setting_of(node, "application_name")

    node.dispose()
    assert found == "ward"


def test_a_server_that_is_cut_off_is_given_up_within_half_a_minute(database: Database) -> None:
    tcp = socket.IPPROTO_TCP
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with socket.socket(fileno=socket.dup(driver.fileno())) as wire:
            keeps_alive = wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            idle_s, every_s, probes, unsent_ms = (
                wire.getsockopt(tcp, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )

    assert keeps_alive
    assert 0 < idle_s + every_s * probes <= 30
    assert 0 < unsent_ms <= 30_000


@pytest.mark.parametrize(
    "state",
    # no connection, not serialisable, deadlock, disk full, too many connections, no lock, killed by
    # an administrator, cancelled, starting up, a broken disk, a standby
    "08006 40001 40P01 53100 53300 55P03 57P01 57014 57P03 58030 25006".split(),  # noqa: SIM905
)
def test_trouble_that_passes_is_told_by_its_code(state: str, database: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match=state) as raised:
        fail_with(database, state)

    assert CHILD not in str(raised.value)
    with database.read() as uow:
        assert uow.processes.all() == []


@pytest.mark.parametrize("state", "42601 42P01 22001 23502 23514 XX000".split())  # noqa: SIM905
def test_a_bug_of_ours_is_no_passing_trouble(state: str, database: Database) -> None:
    with pytest.raises(DBAPIError):
        fail_with(database, state)


def test_the_same_row_twice_is_a_conflict_that_names_no_value(database: Database) -> None:
    with pytest.raises(RowConflict) as raised:
        fail_with(database, "23505")

    assert CHILD not in str(raised.value)


def test_a_row_without_a_value_that_it_needs_is_no_conflict(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as uow:
        uow.session.execute(text("INSERT INTO site_rules (version) VALUES (1)"))


def test_an_error_of_the_driver_holds_no_parameters(database: Database) -> None:
    with pytest.raises(ProgrammingError) as raised, database.write() as uow:
        uow.session.execute(text("SELECT * FROM nowhere WHERE id = :id"), {"id": CHILD})

    assert CHILD not in str(raised.value)


def test_a_lock_that_is_not_to_be_had_may_be_had_later(database: Database) -> None:
    impatient = with_setting(database, "lock_timeout = '10ms'")
    with database.write() as uow:
        uow.studies.receive(StudyInstanceUid("2.25.1"))

    with database.write() as uow:
        uow.studies.receive(StudyInstanceUid("2.25.1"))
        with pytest.raises(DatabaseUnavailable), impatient.write() as other:
            other.studies.receive(StudyInstanceUid("2.25.1"))

    with impatient.write() as other:
        assert other.studies.receive(StudyInstanceUid("2.25.1")) == 1
    impatient.dispose()


def test_a_standby_that_takes_no_writes_may_take_them_later(database: Database) -> None:
    standby = with_setting(database, "default_transaction_read_only = on")

    with pytest.raises(DatabaseUnavailable):
        sign(standby)

    standby.dispose()


def test_a_pool_without_a_free_connection_may_have_one_later(database: Database) -> None:
    database.engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # 30 s would be too long
    held = [database.engine.connect() for _ in range(40)]
    try:
        with pytest.raises(DatabaseUnavailable, match="taken"):
            sign(database)
    finally:
        for connection in held:
            connection.close()

    sign(database)


def test_a_server_killed_in_the_middle_of_a_transaction_undoes_it_and_is_used_again_when_it_is_back(
    mortal: Database, postgresql_server: PostgresqlServer
) -> None:
    sign(mortal)

    def lose_it_half_way() -> None:
        with mortal.write() as uow:
            uow.studies.receive(StudyInstanceUid("2.25.1"))
            postgresql_server.kill()
            uow.studies.receive(StudyInstanceUid("2.25.2"))

    with pytest.raises(DatabaseUnavailable):
        lose_it_half_way()
    with pytest.raises(DatabaseUnavailable):
        sign(mortal)
    postgresql_server.start()

    with mortal.write() as uow:
        uow.studies.receive(StudyInstanceUid("2.25.3"))
    with mortal.read() as uow:
        assert len(uow.queries.studies()) == 1
        assert len(uow.processes.all()) == 1


def test_a_server_killed_at_the_commit_leaves_all_or_nothing(
    mortal: Database, postgresql_server: PostgresqlServer
) -> None:
    def lose_it_at_the_end() -> None:
        with mortal.write() as uow:
            uow.studies.receive(StudyInstanceUid("2.25.1"))
            uow.processes.sign(PROCESS, {})
            uow.session.flush()
            postgresql_server.kill()

    with pytest.raises(DatabaseUnavailable):
        lose_it_at_the_end()
    postgresql_server.start()

    with mortal.read() as uow:
        assert (uow.queries.studies(), uow.processes.all()) == ([], [])


def test_leases_are_by_the_databases_clock_and_not_this_machines(database: Database) -> None:
    receive(database, 1)
    with database.engine.begin() as connection:
        # found before the server's own
        connection.exec_driver_sql(
            "CREATE SCHEMA ahead; CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz"
            " LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 day' $$"
        )
    ahead = Database(f"{database.url}?options=-csearch_path%3Dahead,pg_catalog,public")
    try:
        (held,) = claim(ahead)
    finally:
        ahead.dispose()
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA ahead CASCADE")

    assert held.lease.until - datetime.now(UTC) > timedelta(hours=23)
    assert claim(database) == []


def test_two_sessions_that_claim_at_once_share_no_row_and_wait_for_nobody(
    database: Database,
) -> None:
    impatient = with_setting(database, "lock_timeout = '10ms'")
    for number in (1, 2, 3):
        receive(database, number)

    with database.write() as uow:
        first = uow.screenings.claim_received(limit=2, lease=timedelta(seconds=60))
        second = claim(impatient)
        third = claim(impatient)

    impatient.dispose()
    assert [row.screening_id for row in first] == [1, 2]
    assert [row.screening_id for row in second] == [3]
    assert third == []


def listen(database: Database) -> None:
    with database.listening():
        pass


@pytest.mark.parametrize("ask", [migrate.current_revision, migrate.upgrade, listen])
@pytest.mark.parametrize(
    ("name", "password", "said"),
    [("node", "hunter2", "user and password"), ("nowhere", None, "createdb")],
)
def test_a_database_that_does_not_let_us_in_says_what_to_do_and_shows_no_password(
    name: str, password: str | None, said: str, ask: Any, postgresql_server: PostgresqlServer
) -> None:
    right = postgresql_server.url_of(name)
    database = Database(postgresql_server.url_of(name, password) if password else right)

    with pytest.raises(ConfigurationError, match=said) as raised:
        ask(database)

    assert "screener:***@127.0.0.1" in str(raised.value)
    assert "storage.database_url" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("ask", [migrate.current_revision, migrate.upgrade])
def test_a_server_that_is_not_there_may_be_there_later(ask: Any) -> None:
    database = Database(f"postgresql+psycopg://screener:hunter2@127.0.0.1:{free_port()}/node")

    with pytest.raises(DatabaseUnavailable, match="that the server runs") as raised:
        ask(database)

    assert "hunter2" not in str(raised.value)
    with pytest.raises(DatabaseUnavailable):
        sign(database)


def test_a_driver_that_we_do_not_know_says_which_one_we_do() -> None:
    with pytest.raises(ScreenerError, match=r"postgresql\+psycopg"):
        sign(Database("postgresql+psycopg2://screener@127.0.0.1/node"))
