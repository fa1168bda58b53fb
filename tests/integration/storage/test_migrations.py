"""Migrations: from nothing to now, from the first release's rows to now, and never half way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from screener.config import RulesDocument
from screener.domain.clinical_table import ChildMeasured
from screener.domain.correction import Correction
from screener.domain.delivery import DeliveryState
from screener.domain.errors import DatabaseUnavailable
from screener.domain.finding import Verdict
from screener.domain.identifiers import StudyId
from screener.domain.patient import MeasuredKind, Sex
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.processes import Process
from screener.storage.tables import AuditRow, CommitmentRequestRow, Row
from tests.integration.storage.rows import receive
from tests.support.databases import BACKENDS, remove_tables
from tests.support.servers import PostgresqlServer, await_condition

FIRST = "20261124_0001"
BEFORE_CLINICAL, CLINICAL = "20261126_0001", "20261127_0001"

#: Rows of every table as the first release wrote them.
ROWS = Path(__file__).with_name(f"rows_at_{FIRST}.sql")

#: SQLite, of which the rows were taken, writes truth as 1 and 0.
TRUTH_FROM_NUMBERS = (
    "UPDATE pg_cast SET castcontext = 'a'"
    " WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype"
)

#: Where the first release, which counted these rows up itself, would have gone on.
COUNT_ON = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"

#: A second installation that is brought up at the same moment.
UPGRADE = (
    "import sys; from screener.storage import migrate;"
    "from screener.storage.database import Database; migrate.upgrade(Database(sys.argv[1]))"
)

REVISIONS = [
    script.revision
    for script in ScriptDirectory(migrate.migrations_folder()).walk_revisions("base", "heads")
][::-1]


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return each of the two databases in turn, without tables."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'new' / 'screener.db'}")
    else:
        made = Database(request.getfixturevalue("bare_postgresql"))
        remove_tables(made.engine)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def bare_postgresql(postgresql_server: PostgresqlServer) -> str:
    return postgresql_server.make_database("bare")


@pytest.fixture
def first(empty: Database) -> Database:
    """Return a database of the first release, with its rows."""
    migrate.upgrade(empty, FIRST)
    with empty.engine.begin() as connection:
        if on_postgresql(empty):
            connection.exec_driver_sql(TRUTH_FROM_NUMBERS)
        for line in ROWS.read_text(encoding="utf-8").splitlines():
            connection.exec_driver_sql(line, execution_options={"no_parameters": True})
        if on_postgresql(empty):
            there = set(inspect(connection).get_table_names())
            for table in Row.metadata.sorted_tables:
                if table.name in there and "id" in table.columns:
                    connection.exec_driver_sql(COUNT_ON.format(table=table.name))
    return empty


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the migrations, to which a test adds one of a later release."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrate.migrations_folder(), copy)
    monkeypatch.setattr(migrate, "migrations_folder", lambda: copy)
    return copy


def add_migration(folder: Path, *statements: str) -> str:
    """Add a migration after the newest one."""
    later = "29991231_0001"
    body = "\n".join(f"    {statement}" for statement in statements)
    (folder / "versions" / f"{later}_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = {later!r}\ndown_revision = {REVISIONS[-1]!r}\n"
        f"branch_labels = depends_on = None\ndef upgrade():\n{body}\ndef downgrade():\n    pass\n"
    )
    return later


def checks(connection: Connection) -> dict[str, dict[str | None, str]]:
    """Return every table's CHECK constraints."""
    found = inspect(connection)
    return {
        table: {check["name"]: check["sqltext"] for check in found.get_check_constraints(table)}
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def on_postgresql(database: Database) -> bool:
    return database.engine.dialect.name == "postgresql"


def bare(database: Database) -> Engine:
    """Return the same kind of database without tables."""
    if on_postgresql(database):
        remove_tables(database.engine)
        return database.engine
    return create_engine("sqlite://", poolclass=NullPool)


def sessions_waiting(database: Database) -> int:
    asked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql(asked).scalar_one())


def broken_references(connection: Connection) -> list[object]:
    if connection.dialect.name == "postgresql":
        return []  # it never has any
    return list(connection.exec_driver_sql("PRAGMA foreign_key_check"))


def test_there_is_one_line_of_migrations_and_it_begins_with_the_first() -> None:
    scripts = ScriptDirectory(migrate.migrations_folder())

    assert scripts.get_bases() == [FIRST]
    assert scripts.get_heads() == [migrate.newest_revision()]


def test_an_empty_database_becomes_what_the_models_say(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
        assert migrate.current_revision(empty) == migrate.newest_revision()


def test_the_states_that_a_migration_allows_are_those_of_the_models(empty: Database) -> None:
    """Alembic does not compare CHECK constraints: a new state would be refused by old tables."""
    migrate.upgrade(empty)
    with empty.engine.connect() as connection:
        migrated = checks(connection)

    with bare(empty).begin() as connection:
        Row.metadata.create_all(connection)
        wanted = checks(connection)

    assert migrated == wanted
    assert sum(map(len, wanted.values())) >= 5


def test_every_constraint_has_a_name_that_a_migration_can_use(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.engine.connect() as connection:
        found = inspect(connection)
        names = [
            constraint["name"]
            for table in Row.metadata.tables
            for constraint in (
                *found.get_unique_constraints(table),
                *found.get_foreign_keys(table),
                *found.get_check_constraints(table),
            )
        ]
    assert len(names) > 10
    assert None not in names


def test_upgrading_again_changes_nothing(first: Database) -> None:
    migrate.upgrade(first)
    migrate.upgrade(first)

    assert migrate.current_revision(first) == migrate.newest_revision()


def test_a_database_without_tables_is_at_no_level(empty: Database) -> None:
    assert migrate.current_revision(empty) is None


def test_a_file_that_is_not_there_is_at_no_level_and_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "screener.db"

    assert migrate.current_revision(Database(f"sqlite:///{file}")) is None
    assert not file.exists()


def test_the_rows_of_the_first_release_fill_every_table(first: Database) -> None:
    with first.engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - {"alembic_version"}
        empty_ones = [
            name
            for name in names
            if not connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()  # noqa: S608
        ]

    assert empty_ones == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_the_first_release_survive_the_way_to_every_later_one(
    revision: str, first: Database
) -> None:
    with first.engine.connect() as connection:
        before = connection.execute(text("SELECT count(*) FROM received_instances")).scalar()

    migrate.upgrade(first, revision)

    with first.engine.connect() as connection:
        assert broken_references(connection) == []
        assert (
            connection.execute(text("SELECT count(*) FROM received_instances")).scalar() == before
        )
    assert migrate.current_revision(first) == revision


def test_rows_of_the_first_release_are_read_by_todays_code(first: Database) -> None:
    migrate.upgrade(first)

    with first.read() as uow:
        studies = {study.study_id: study for study in uow.queries.studies()}
        finding = uow.queries.finding(1)
        (film,) = uow.queries.films(1)
        states = [film.state for film in uow.queries.films()]
        objects = uow.queries.objects(1)
        counts = uow.queries.counts()
        rules = uow.rules.in_force()
        document = uow.rules.document(1)
        strangers = uow.queries.strangers()
        health = uow.archives.health("pacs")
        signs = uow.processes.all()
        asked = uow.session.scalars(select(CommitmentRequestRow.archive)).all()
        audit = uow.session.scalars(select(AuditRow.action)).all()

    assert [studies[n].state for n in (1, 2)] == [StudyState.REPORTED, StudyState.CLOSED]
    assert studies[1].verdict == Verdict.LOW
    assert finding is not None
    assert finding.estimate is not None
    assert (finding.estimate.z, film.view) == (-3.0, "PA")
    assert film.header is not None
    assert film.prediction is not None
    assert film.prediction.predictor.synthetic
    assert states == [
        ScreeningState.SCORED,
        ScreeningState.SCORED,
        ScreeningState.INELIGIBLE,
        ScreeningState.FAILED,
    ]
    assert {made.state for made in objects} == {DeliveryState.PENDING}
    assert counts.verdicts == {"LOW": 1, "NOT_LOW": 1, "NOT_ASSESSED": 2}
    assert rules is not None
    assert document == RulesDocument.model_validate(document)
    assert strangers[0].calling_ae == "STRANGER"
    assert health is not None
    assert (health.failures, signs[0].process.pid, list(asked)) == (1, 4711, ["pacs"])
    assert list(audit) == ["RULES_CHANGED"]
    assert (signs[0].process.host, signs[0].slots, signs[0].worked_at) == ("", 1, None)


def test_todays_code_works_on_with_rows_of_the_first_release(first: Database) -> None:
    migrate.upgrade(first)

    with first.write() as uow:
        film = uow.queries.films(4)[0]
        retried = uow.screenings.retry(film.screening_id)  # type: ignore[arg-type]
        version = uow.rules.add(RulesDocument(), by="test", reason="test")

    assert (retried, version) == (True, 2)


def test_new_rows_are_counted_on_from_those_of_the_first_release(first: Database) -> None:
    migrate.upgrade(first)

    receive(first, 1)

    with first.read() as uow:
        last = uow.queries.films()[-1]
    assert (last.screening_id, last.study_id) == (5, 5)


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_two_processes_that_upgrade_at_the_same_moment_do_so_one_after_the_other(
    empty: Database,
) -> None:
    command = [sys.executable, "-c", UPGRADE, empty.url]
    with empty.engine.begin() as connection:
        migrate._take_turn(connection)
        both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
        await_condition(lambda: sessions_waiting(empty) == 2, 50, "two that wait for their turn")

    said = [process.communicate(timeout=60)[1] for process in both]
    assert said == [b"", b""]
    assert migrate.current_revision(empty) == migrate.newest_revision()


def test_measurements_and_corrections_are_kept_beside_the_rows_of_the_first_release(
    first: Database,
) -> None:
    migrate.upgrade(first)
    measured = ChildMeasured(
        child=("MRN-1", ""), kind=MeasuredKind.HEIGHT, value=1.42, measured_on=date(2026, 3, 1)
    )

    with first.write() as uow:
        kept = uow.clinical.keep([measured])
        again = uow.clinical.keep([measured])
        correction = Correction(height_m=1.4, sex=Sex.FEMALE, birth_date=date(2015, 2, 1))
        uow.clinical.add_correction(StudyId(1), correction, reason="asked", operator="op")

    with first.read() as uow:
        known = uow.clinical.elsewhere("MRN-1", None, StudyId(1))
    assert (kept.new, again.unchanged) == (1, 1)
    assert [one.value for one in known.imported] == [1.42]
    assert (known.corrected.sex, known.corrected.birth_date) == (Sex.FEMALE, date(2015, 2, 1))


def test_measurements_and_corrections_go_with_their_migration_and_nothing_else(
    first: Database,
) -> None:
    migrate.upgrade(first, CLINICAL)
    with first.write() as uow:
        uow.clinical.add_correction(
            StudyId(1), Correction(weight_kg=31.0), reason="asked", operator="op"
        )

    migrate.downgrade(first, BEFORE_CLINICAL)

    with first.engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        assert connection.execute(text("SELECT count(*) FROM studies")).scalar() == 4
    assert tables & {"clinical_measurements", "corrections"} == set()


def test_many_processes_of_a_role_go_back_to_the_last_one_of_each(first: Database) -> None:
    migrate.upgrade(first)
    for pid in (1, 2):
        with first.write() as uow:
            uow.processes.sign(Process(role="scoring", host="box", pid=pid), {})

    migrate.downgrade(first, FIRST)

    with first.engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT role, pid FROM processes ORDER BY role").all()
    assert [tuple(row) for row in left] == [("listener", 4711), ("scoring", 2)]


def test_what_an_earlier_version_does_not_know_becomes_what_it_does(first: Database) -> None:
    migrate.upgrade(first)
    with first.engine.begin() as connection:
        for statement in (
            "UPDATE screenings SET state = 'REJECTED' WHERE id = 1",
            "UPDATE deliveries SET state = 'CANCELLED'",
            "UPDATE result_objects SET kind = 'REJECTION_NOTE', variant = 'pacs' WHERE id = 1",
            (
                "UPDATE findings SET verdict = 'WITHDRAWN', value = replace(value,"
                ' \'"verdict":"LOW"\', \'"verdict":"WITHDRAWN"\') WHERE id = 1'
            ),
            (
                "INSERT INTO deletions (id, result_object_id, archive, opened_at)"
                " VALUES (1, 1, 'pacs', '2026-11-27 00:00:00')"
            ),
            (
                "INSERT INTO rejected_instances (id, sop_instance_uid, title, note_instance_id,"
                " rejected_at) VALUES (1, '1.2.3', '113001', 1, '2026-11-27 00:00:00')"
            ),
        ):
            connection.execute(text(statement))

    migrate.downgrade(first, "20261126_0001")

    asked = (
        "SELECT state FROM screenings WHERE id = 1",
        "SELECT DISTINCT state FROM deliveries",
        "SELECT kind FROM result_objects WHERE id = 1",
        "SELECT verdict FROM findings WHERE id = 1",
    )
    with first.engine.connect() as connection:
        now = [connection.execute(text(question)).scalar() for question in asked]
        value = connection.execute(text("SELECT value FROM findings WHERE id = 1")).scalar()
        assert broken_references(connection) == []
    assert now == ["SUPERSEDED", "REFUSED", "CARD", "NOT_ASSESSED"]
    assert '"verdict":"NOT_ASSESSED"' in str(value)


def test_objects_of_new_kinds_go_with_their_deliveries_where_an_earlier_version_comes_back(
    first: Database,
) -> None:
    copy = "INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {known}".format
    migrate.upgrade(first)
    with first.engine.begin() as connection:
        objects = [column["name"] for column in inspect(connection).get_columns("result_objects")]
        changed = {
            "id": "id + 100",
            "kind": "'PRESENTATION'",
            "sop_instance_uid": "sop_instance_uid || '.1'",
            "vault_key": "vault_key || '.1'",
        }
        values = ", ".join(changed.get(name, name) for name in objects)
        names = ", ".join(objects)
        line = copy(table="result_objects", names=names, values=values, known="id = 2")
        connection.execute(text(line))
        deliveries = [column["name"] for column in inspect(connection).get_columns("deliveries")]
        changed = {"id": "id + 100", "result_object_id": "102"}
        values = ", ".join(changed.get(name, name) for name in deliveries)
        names = ", ".join(deliveries)
        line = copy(table="deliveries", names=names, values=values, known="id = 2")
        connection.execute(text(line))

    migrate.downgrade(first, FIRST)

    with first.engine.connect() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM result_objects ORDER BY id").all()
        left = connection.exec_driver_sql("SELECT result_object_id FROM deliveries").all()
        assert [row[0] for row in kinds] == ["REPORT", "OVERLAY", "CARD"]
        assert 102 not in {row[0] for row in left}
        assert len(left) == 3
        assert broken_references(connection) == []


def test_a_later_migration_may_rebuild_a_table_that_others_refer_to(
    first: Database, folder: Path
) -> None:
    """SQLite alters a table by dropping it: rows that refer to it must not stop that, or go."""
    how = "auto" if on_postgresql(first) else "always"
    add_migration(
        folder,
        f"with op.batch_alter_table('studies', recreate={how!r}) as table:",
        "    table.add_column(sa.Column('site', sa.String(16), nullable=True))",
    )

    migrate.upgrade(first)

    with first.engine.connect() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()  # noqa: S608
            for name in ("studies", "received_instances", "findings")
        ]
        assert counts == [4, 4, 4]
        assert broken_references(connection) == []
        if not on_postgresql(first):
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_migration_that_would_leave_a_reference_to_nothing_is_taken_back(
    first: Database, folder: Path
) -> None:
    add_migration(folder, "op.execute('DELETE FROM studies WHERE id = 1')")

    with pytest.raises((RuntimeError, IntegrityError), match=r"received_instances|findings"):
        migrate.upgrade(first)

    with first.read() as uow:
        assert len(uow.queries.studies()) == 4
    assert migrate.current_revision(first) == FIRST


def test_a_migration_that_fails_half_way_leaves_no_trace(first: Database, folder: Path) -> None:
    add_migration(
        folder,
        "op.create_table('half', sa.Column('id', sa.Integer))",
        "raise RuntimeError('half way')",
    )

    with pytest.raises(RuntimeError, match="half way"):
        migrate.upgrade(first)

    with first.engine.connect() as connection:
        assert "half" not in inspect(connection).get_table_names()
    assert migrate.current_revision(first) == FIRST


def test_a_migration_can_be_taken_back_for_a_return_to_an_earlier_version(
    empty: Database,
) -> None:
    migrate.upgrade(empty)

    for revision in (*REVISIONS[-2::-1], "base"):
        migrate.downgrade(empty, revision)

    with empty.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_a_migration_that_finds_its_tables_in_use_may_be_tried_again(
    first: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 10)

    with first.engine.begin() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM processes")
        with pytest.raises(DatabaseUnavailable):
            migrate.upgrade(first)

    migrate.upgrade(first)
    assert migrate.current_revision(first) == migrate.newest_revision()


@pytest.mark.timeout(10)
def test_asking_for_the_level_waits_for_nobodys_write(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.write():
        assert migrate.current_revision(empty) == migrate.newest_revision()
