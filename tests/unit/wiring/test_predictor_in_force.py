"""Which predictor a node estimates with: decided once, kept through upgrades, and never guessed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from screener import wiring
from screener.config import Settings
from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.predictor.card import load_identity
from screener.predictor.facts import ReferenceFacts
from screener.storage.references import DATA_FOLDER
from screener.storage.tables import AuditRow
from screener.wiring import (
    SHIPPED_PREDICTOR,
    build_database,
    build_predictor_facts,
    build_services,
    install_predictor,
    predictor_folder,
    predictor_origin,
    predictor_store,
    prepare,
    put_predictor_in_force,
    shipped_predictors,
)
from tests.support.tiny_predictor import write_paper_predictor
from tests.unit.predictor.conftest import make_reference


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a node that leaves the predictor to what ships."""
    values: dict[str, Any] = {"storage": {"folder": tmp_path / "data"}}
    return Settings(**values)


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ship a predictor of a few bytes."""
    folder = write_paper_predictor(tmp_path / "shipped" / "first", name="shipped", version="1")
    monkeypatch.setattr(wiring, "SHIPPED_PREDICTOR", folder)
    return folder


def ship_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Upgrade the software: what shipped is gone, and another predictor ships."""
    shutil.rmtree(folder)
    newer = write_paper_predictor(folder.with_name("second"), name="shipped", version="2")
    monkeypatch.setattr(wiring, "SHIPPED_PREDICTOR", newer)
    return newer


def with_folder(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={"predictor": settings.predictor.model_copy(update={"folder": folder})}
    )


def use(settings: Settings, folder: Path) -> None:
    database = build_database(settings)
    try:
        with database.write() as uow:
            put_predictor_in_force(settings, uow, folder, operator="anna", reason="a trial")
    finally:
        database.dispose()


def audit(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    database = build_database(settings)
    with database.read() as uow:
        rows = uow.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
        found = [
            (row.actor, json.loads(row.detail)) for row in rows if row.action == "PREDICTOR_CHANGED"
        ]
    database.dispose()
    return found


def test_without_a_node_it_is_the_one_that_ships(settings: Settings, shipped: Path) -> None:
    assert predictor_folder(settings) == shipped
    assert "first start" in predictor_origin(settings)
    assert not settings.storage.folder.exists()


def test_the_first_start_puts_a_copy_of_the_shipped_one_in_force(
    settings: Settings, shipped: Path
) -> None:
    prepare(settings)

    folder = predictor_folder(settings)
    assert folder.parent == settings.storage.folder / "predictors"
    assert load_identity(folder) == load_identity(shipped)
    assert "put in force by screener" in predictor_origin(settings)
    ((actor, detail),) = audit(settings)
    assert (actor, detail["reason"]) == ("screener", "the predictor that ships")
    assert detail["checksum"] == load_identity(shipped).checksum
    assert detail["before"] is None


def test_an_upgrade_that_ships_another_changes_nothing(
    settings: Settings, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(settings)
    before = build_predictor_facts(settings).identity
    ship_another(shipped, monkeypatch)

    prepare(settings)

    assert build_predictor_facts(settings).identity == before
    assert build_services(settings).predictor.identity.version == "1"
    assert len(audit(settings)) == 1


def test_a_node_whose_predictor_is_gone_does_not_start_with_another(
    settings: Settings, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(settings)
    shutil.rmtree(predictor_folder(settings))
    ship_another(shipped, monkeypatch)

    for start in (prepare, build_services):
        with pytest.raises(PredictorMismatch, match=r"shipped 1 .* predictor install .* use NAME"):
            start(settings)


def test_the_settings_win_and_nothing_is_put_in_force_for_them(
    settings: Settings, tmp_path: Path
) -> None:
    own = write_paper_predictor(tmp_path / "own")
    set_ = with_folder(settings, own)

    prepare(set_)

    assert predictor_folder(set_) == own
    assert predictor_store(set_).in_force() is None
    assert str(own) in predictor_origin(set_)
    assert audit(set_) == []


def test_what_was_put_in_force_waits_behind_the_settings(
    settings: Settings, tmp_path: Path
) -> None:
    prepare(settings)
    pinned = predictor_folder(settings)
    own = write_paper_predictor(tmp_path / "own")

    assert predictor_folder(with_folder(settings, own)) == own
    assert predictor_folder(settings) == pinned


def test_a_change_is_kept_with_its_audit_row(settings: Settings, tmp_path: Path) -> None:
    prepare(settings)
    source = write_paper_predictor(tmp_path / "own")
    folder = install_predictor(settings, source, check=lambda _: None)

    use(settings, folder)

    assert predictor_folder(settings) == folder
    actor, detail = audit(settings)[-1]
    assert (actor, detail["reason"]) == ("anna", "a trial")
    assert detail["predictor"] == load_identity(source).label
    assert detail["before"].startswith("shipped 1 (")


def test_a_change_that_cannot_be_written_leaves_no_audit_row(
    settings: Settings, tmp_path: Path
) -> None:
    prepare(settings)
    before = predictor_folder(settings)

    with pytest.raises(PredictorMismatch, match="is not installed"):
        use(settings, write_paper_predictor(tmp_path / "own"))

    assert predictor_folder(settings) == before
    assert len(audit(settings)) == 1


def test_a_predictor_for_children_is_refused_with_a_made_up_reference(
    settings: Settings, tmp_path: Path
) -> None:
    prepare(settings)
    reference = replace(ReferenceFacts.of(make_reference()), synthetic=False)
    source = write_paper_predictor(tmp_path / "own", synthetic=False, reference=reference)
    folder = install_predictor(settings, source, check=lambda _: None)

    with pytest.raises(ConfigurationError, match=r"reference\.bmd"):
        use(settings, folder)

    assert predictor_folder(settings) != folder


def test_a_synthetic_one_is_refused_while_an_archive_is_live(
    settings: Settings, shipped: Path, tmp_path: Path
) -> None:
    facts = replace(ReferenceFacts.of(make_reference()), synthetic=False)
    own = write_paper_predictor(tmp_path / "own", synthetic=False, reference=facts)
    table = tmp_path / "own.csv"
    made_up = DATA_FOLDER / "references" / "synthetic-demo.csv"
    table.write_bytes(made_up.read_bytes())
    described = json.loads(made_up.with_suffix(".json").read_text()) | {"synthetic": False}
    table.with_suffix(".json").write_text(json.dumps(described))
    values: dict[str, Any] = {
        "storage": {"folder": settings.storage.folder},
        "predictor": {"folder": own},
        "reference": {"bmd": str(table)},
        "archives": [
            {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": 104, "mode": "live"}
        ],
    }
    live = Settings(**values)
    prepare(live)

    with pytest.raises(ConfigurationError, match='mode "live" is refused'):
        use(live, install_predictor(live, shipped, check=lambda _: None))

    assert predictor_store(live).in_force() is None


def test_installing_before_the_first_start_keeps_the_folder_the_nodes_own(
    settings: Settings, tmp_path: Path
) -> None:
    install_predictor(settings, write_paper_predictor(tmp_path / "own"), check=lambda _: None)

    assert settings.storage.folder.stat().st_mode & 0o777 == 0o700
    assert predictor_store(settings).in_force() is None


def test_another_content_of_what_ships_cannot_be_installed(
    settings: Settings, tmp_path: Path
) -> None:
    fake = write_paper_predictor(
        tmp_path / "fake", name="shipped", version="1", intended_use="another"
    )

    with pytest.raises(ConfigurationError, match="is there already with another content"):
        install_predictor(settings, fake, check=lambda _: None)


def test_a_file_that_does_not_say_what_is_in_force_can_be_mended(settings: Settings) -> None:
    prepare(settings)
    folder = predictor_folder(settings)
    (folder.parent / "in-force.json").write_text("{")

    with pytest.raises(PredictorMismatch, match="put one in force"):
        prepare(settings)
    use(settings, folder)

    assert predictor_folder(settings) == folder


def test_what_ships_is_listed_with_the_default_first(shipped: Path) -> None:
    write_paper_predictor(shipped.with_name("a-second"), version="2")

    assert [folder.name for folder in shipped_predictors()] == ["first", "a-second"]


def test_this_version_ships_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert wiring.SHIPPED_PREDICTOR == SHIPPED_PREDICTOR
    assert shipped_predictors()[0] == SHIPPED_PREDICTOR
