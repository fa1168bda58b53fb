"""Migrations: from nothing to now, from the first release's rows to now, and never half way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, select, text

from screener.config import RulesDocument
from screener.domain.delivery import DeliveryState
from screener.domain.finding import Verdict
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.processes import Process
from screener.storage.tables import AuditRow, CommitmentRequestRow, Row

FIRST = "20261124_0001"

#: Rows of every table as the first release wrote them.
ROWS = Path(__file__).with_name(f"rows_at_{FIRST}.sql")

REVISIONS = [
    script.revision
    for script in ScriptDirectory(migrate.migrations_folder()).walk_revisions("base", "heads")
][::-1]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'new' / 'screener.db'}")
    yield made
    made.dispose()


@pytest.fixture
def first(empty: Database) -> Database:
    """Return a database of the first release, with its rows."""
    migrate.upgrade(empty, FIRST)
    with empty.engine.begin() as connection:
        for line in ROWS.read_text(encoding="utf-8").splitlines():
            connection.exec_driver_sql(line)
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


def broken_references(connection: Connection) -> list[object]:
    return list(connection.exec_driver_sql("PRAGMA foreign_key_check"))


def test_there_is_one_line_of_migrations_and_it_begins_with_the_first() -> None:
    scripts = ScriptDirectory(migrate.migrations_folder())

    assert scripts.get_bases() == [FIRST]
    assert scripts.get_heads() == [migrate.newest_revision()]


def test_an_empty_file_becomes_what_the_models_say(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
        assert migrate.current_revision(empty) == migrate.newest_revision()


def test_the_states_that_a_migration_allows_are_those_of_the_models(empty: Database) -> None:
    """Alembic does not compare CHECK constraints: a new state would be refused by old tables."""
    migrate.upgrade(empty)
    made = create_engine("sqlite://")
    with made.begin() as connection:
        Row.metadata.create_all(connection)
        wanted = checks(connection)
    made.dispose()

    with empty.engine.connect() as connection:
        assert checks(connection) == wanted
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


def test_a_database_that_is_not_there_is_at_no_level_and_is_not_made(empty: Database) -> None:
    assert migrate.current_revision(empty) is None
    assert not Path(str(empty.engine.url.database)).exists()


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


def test_many_processes_of_a_role_go_back_to_the_last_one_of_each(first: Database) -> None:
    migrate.upgrade(first)
    for pid in (1, 2):
        with first.write() as uow:
            uow.processes.sign(Process(role="scoring", host="box", pid=pid), {})

    migrate.downgrade(first, FIRST)

    with first.engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT role, pid FROM processes ORDER BY role").all()
    assert [tuple(row) for row in left] == [("listener", 4711), ("scoring", 2)]


def test_a_later_migration_may_rebuild_a_table_that_others_refer_to(
    first: Database, folder: Path
) -> None:
    """SQLite alters a table by dropping it: rows that refer to it must not stop that, or go."""
    add_migration(
        folder,
        "with op.batch_alter_table('studies', recreate='always') as table:",
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
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_migration_that_would_leave_a_reference_to_nothing_is_taken_back(
    first: Database, folder: Path
) -> None:
    add_migration(folder, "op.execute('DELETE FROM studies WHERE id = 1')")

    with pytest.raises(RuntimeError, match="received_instances"):
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


@pytest.mark.timeout(10)
def test_asking_for_the_level_waits_for_nobodys_write(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.write():
        assert migrate.current_revision(empty) == migrate.newest_revision()
