"""What is put together from settings, and what is refused before a node starts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from screener.config import ConfirmBy, RulesDocument, Settings, Withdrawal
from screener.domain.delivery import ArchiveMode
from screener.domain.errors import ConfigurationError, DatabaseUnavailable, PredictorMismatch
from screener.domain.report import ReportClass
from screener.predictor.facts import ReferenceFacts
from screener.storage import migrate
from screener.storage.database import Database
from screener.storage.references import DATA_FOLDER
from screener.storage.tables import AuditRow
from screener.wiring import (
    SHIPPED_PREDICTOR,
    build_archive,
    build_database,
    build_listener,
    build_predictor_facts,
    build_services,
    check_rules,
    predictor_folder,
    prepare,
    require_current_database,
)
from tests.support.tiny_predictor import write_paper_predictor
from tests.unit.predictor.conftest import make_reference


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    """Return settings with a synthetic predictor and everything under the test's folder."""
    folder = write_paper_predictor(tmp_path / "predictor")
    return {
        "storage": {"folder": tmp_path / "data"},
        "predictor": {"folder": folder},
        "archives": [archive("pacs")],
    }


def archive(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "ae_title": name.upper(), "host": "127.0.0.1", "port": 104} | values


def real_predictor(tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a predictor whose card says that it has seen children."""
    reference = replace(ReferenceFacts.of(make_reference()), synthetic=False)
    folder = write_paper_predictor(tmp_path / "real", synthetic=False, reference=reference)
    return {"folder": folder}


def real_reference(tmp_path: Path, *, synthetic: bool = False) -> dict[str, Any]:
    """Return the settings of a site's own reference."""
    shipped = DATA_FOLDER / "references" / "synthetic-demo.csv"
    own = tmp_path / "own.csv"
    own.write_bytes(shipped.read_bytes())
    facts = json.loads(shipped.with_suffix(".json").read_text()) | {"synthetic": synthetic}
    own.with_suffix(".json").write_text(json.dumps(facts))
    return {"bmd": str(own)}


def for_children(tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a predictor for children, with a reference for them."""
    return {"predictor": real_predictor(tmp_path), "reference": real_reference(tmp_path)}


def rules_of(settings: Settings) -> tuple[RulesDocument | None, int | None, list[AuditRow]]:
    database = build_database(settings)
    with database.read() as uow:
        in_force = uow.rules.in_force()
        document = uow.rules.document(in_force.version) if in_force else None
        audit = list(uow.session.scalars(select(AuditRow).order_by(AuditRow.id)))
    database.dispose()
    return document, in_force.version if in_force else None, audit


def test_preparing_makes_tables_folders_rules_1_and_an_audit_row(values: dict[str, Any]) -> None:
    settings = Settings(**values | {"archives": [archive("pacs", mode="test")]})

    prepare(settings)

    document, version, audit = rules_of(settings)
    assert (version, document) == (1, settings.first_rules())
    assert document is not None
    assert document.archives == {"pacs": ArchiveMode.TEST}
    assert [(row.action, row.subject) for row in audit] == [("RULES_CHANGED", "rules 1")]
    assert (settings.storage.folder / "spool" / "ff").is_dir()
    assert (settings.storage.folder / "vault" / "00").is_dir()


def test_what_holds_patients_is_made_for_the_nodes_own_user_alone(values: dict[str, Any]) -> None:
    settings = Settings(**values)

    prepare(settings)

    assert settings.storage.folder.stat().st_mode & 0o777 == 0o700


def test_preparing_again_changes_nothing(values: dict[str, Any]) -> None:
    settings = Settings(**values)
    prepare(settings)
    kept = settings.storage.folder / "spool" / "00" / "film.dcm"
    kept.write_bytes(b"film")
    changed = Settings(**values | {"rules": {"conclusion": {"threshold_z": -3.0}}})

    prepare(changed)

    document, version, audit = rules_of(settings)
    assert (version, len(audit)) == (1, 1)
    assert document == settings.first_rules()
    assert kept.read_bytes() == b"film"


def test_a_live_archive_is_refused_while_the_predictor_is_synthetic(values: dict[str, Any]) -> None:
    settings = Settings(**values | {"archives": [archive("pacs", mode="live")]})

    with pytest.raises(ConfigurationError) as caught:
        prepare(settings)

    said = str(caught.value)
    assert all(part in said for part in ("archive pacs", '"live"', "synthetic", '"off" or "test"'))
    assert rules_of(settings)[1] is None


def test_a_live_archive_is_taken_with_a_predictor_for_children(
    values: dict[str, Any], tmp_path: Path
) -> None:
    live = {"archives": [archive("pacs", mode="live")]} | for_children(tmp_path)
    settings = Settings(**values | live)

    prepare(settings)

    assert rules_of(settings)[1] == 1


def test_a_node_with_live_rules_does_not_start_when_its_predictor_became_synthetic(
    values: dict[str, Any], tmp_path: Path
) -> None:
    live = {"archives": [archive("pacs", mode="live")]} | for_children(tmp_path)
    prepare(Settings(**values | live))

    with pytest.raises(ConfigurationError, match='mode "live" is refused'):
        prepare(Settings(**values))


def test_a_made_up_reference_is_refused_for_a_predictor_for_children(
    values: dict[str, Any], tmp_path: Path
) -> None:
    settings = Settings(**values | {"predictor": real_predictor(tmp_path)})

    for refuse in (prepare, build_services):
        with pytest.raises(ConfigurationError, match=r"reference\.bmd: synthetic-demo .* made-up"):
            refuse(settings)


def test_rules_that_name_an_unknown_archive_are_refused_with_the_known_ones(
    values: dict[str, Any],
) -> None:
    settings = Settings(**values)
    document = RulesDocument(archives={"pasc": ArchiveMode.OFF, "pacs": ArchiveMode.OFF})

    with pytest.raises(ConfigurationError, match=r"rules\.archives names pasc.*known: pacs"):
        check_rules(settings, document)


def test_a_database_that_is_missing_is_told_apart_and_not_made(values: dict[str, Any]) -> None:
    settings = Settings(**values)

    with pytest.raises(ConfigurationError, match=r"level none .* run `screener db upgrade`"):
        require_current_database(build_database(settings))

    assert not settings.storage.folder.exists()


def test_a_database_of_an_older_version_says_to_upgrade_it(values: dict[str, Any]) -> None:
    settings = Settings(**values)
    database = build_database(settings)
    migrate.upgrade(database)
    migrate.downgrade(database, "base")

    with pytest.raises(ConfigurationError, match="run `screener db upgrade`"):
        require_current_database(database)

    database.dispose()


def test_a_database_of_a_newer_version_says_to_install_that(values: dict[str, Any]) -> None:
    settings = Settings(**values)
    prepare(settings)
    database = build_database(settings)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '29991231_9999'"))

    with pytest.raises(ConfigurationError, match=r"29991231_9999, which a newer version"):
        require_current_database(database)
    with pytest.raises(ConfigurationError, match="29991231_9999"):
        prepare(settings)

    database.dispose()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "postgresql+psycopg://u:hunter2@127.0.0.1:port/x", "nosuch://u:hunter2@h/d"],
)
def test_a_database_url_that_cannot_be_one_is_an_error_without_its_password(url: str) -> None:
    database = Database(url)

    with pytest.raises(ConfigurationError, match=r"storage\.database_url") as caught:
        database.engine  # noqa: B018

    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_said(values: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "film.dcm"
    file.write_bytes(bytes(range(256)) * 16)
    database = Database(f"sqlite:///{file}")

    with pytest.raises(DatabaseUnavailable, match=r"film\.dcm cannot be opened"):
        require_current_database(database)


def test_a_predictor_folder_that_is_missing_is_said(values: dict[str, Any], tmp_path: Path) -> None:
    settings = Settings(**values | {"predictor": {"folder": tmp_path / "gone"}})

    with pytest.raises(PredictorMismatch, match=r"card\.json"):
        build_services(settings)


def test_the_predictor_that_ships_is_used_where_none_is_set(values: dict[str, Any]) -> None:
    assert predictor_folder(Settings(**values | {"predictor": {}})) == SHIPPED_PREDICTOR


def test_what_a_card_says_reaches_the_stages(values: dict[str, Any]) -> None:
    facts = build_predictor_facts(Settings(**values))

    assert facts.identity.synthetic
    assert (facts.min_age_years, facts.max_age_years) == (3.0, 18.0)
    assert facts.interval_statement == "90 % interval of a test."


def test_services_take_their_parts_from_the_settings(values: dict[str, Any]) -> None:
    settings = Settings(
        **values | {"drive": {"lease_s": 7, "score_batch": 3, "commitment_overdue_h": 2}}
    )

    services = build_services(settings)

    assert services.lease.total_seconds() == 7
    assert services.score_batch == 3
    assert services.commitment_overdue.total_seconds() == 7200
    assert list(services.archives) == ["pacs"]
    assert services.spool.folder == settings.storage.folder / "spool"
    # the engine is made after a process was spawned, and not before
    assert "engine" not in vars(services.database)


def test_an_archive_is_called_under_our_own_title_with_its_own_patience() -> None:
    pacs = archive("pacs", timeout_s=4, confirm_by="query", report_class="enhanced")
    pacs["withdrawal"] = "iocm"
    values: dict[str, Any] = {"listener": {"ae_title": "US"}, "archives": [pacs]}
    settings = Settings(**values)

    built = build_archive(settings, settings.archives[0])

    assert (built.calling_ae, built.peer.ae_title, built.peer.port) == ("US", "PACS", 104)
    assert (built.timeouts.connect_s, built.timeouts.dimse_s) == (4, 4)
    assert built.confirm_by is ConfirmBy.QUERY
    assert built.form.report_class is ReportClass.ENHANCED
    assert built.withdrawal is Withdrawal.IOCM


def test_building_a_listener_binds_nothing(values: dict[str, Any]) -> None:
    settings = Settings(**values | {"listener": {"port": 1}})

    listener = build_listener(settings, build_services(settings))

    assert listener.port == 1


def test_settings_are_shown_without_the_password_of_the_database() -> None:
    shown = [
        Database(url).shown_url
        for url in (
            "postgresql+psycopg://u:hunter2@h/d",
            "postgresql+psycopg://h/d?user=u&password=hunter2&sslmode=require",
        )
    ]

    assert "hunter2" not in json.dumps(shown)
    assert "sslmode=require" in shown[1]
