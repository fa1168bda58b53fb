"""`screener predictor`: from a folder to force, and the card for people."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from screener.config import Settings
from screener.predictor.card import CARD_FILE, WEIGHTS_FILE, load_card, load_identity, write_card
from screener.storage.tables import AuditRow
from screener.wiring import SHIPPED_PREDICTOR, build_database, predictor_folder, predictor_store
from tests.integration.cli.command_line import Ended, run_command
from tests.integration.cli.conftest import Configure
from tests.structure.words import forbidden_words


@pytest.fixture
def bare(configure: Configure) -> Settings:
    """Return the settings of a node that names no predictor, before its first start."""
    settings = configure()
    text = Path("screener.toml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("folder = ")]
    Path("screener.toml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    without = settings.predictor.model_copy(update={"folder": None})
    return settings.model_copy(update={"predictor": without})


@pytest.fixture
def own_node(bare: Settings) -> Settings:
    """Return the settings of that node after its first start."""
    assert run_command("db", "upgrade").code == 0
    return bare


def copy_of(predictor: Path, folder: Path, **changes: Any) -> Path:
    shutil.copytree(predictor, folder)
    write_card(folder, replace(load_card(folder), **changes))
    return folder


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def listed() -> dict[str, Any]:
    found: dict[str, Any] = run_command("predictor", "list", "--json").json
    return found


def in_force(said: dict[str, Any]) -> list[str]:
    return [row["name"] for row in said["predictors"] if row.get("in_force")]


def use(*arguments: object, reason: str = "the board decided so") -> Ended:
    return run_command("predictor", "use", *arguments, "--reason", reason)


class TestList:
    def test_before_the_first_start_the_shipped_one_is_in_force(self, bare: Settings) -> None:
        ended = run_command("predictor", "list")

        assert ended.code == 0
        line = next(row for row in ended.out.splitlines() if "screener-synthetic" in row)
        assert line.split()[:2] == ["in", "force"]
        assert "synthetic children" in line
        assert line.rstrip().endswith("shipped")
        assert "put in force at the node's first start" in ended.out

    def test_after_it_a_copy_is_installed_and_in_force(self, own_node: Settings) -> None:
        said = listed()

        (row,) = said["predictors"]
        assert row["where"] == ["installed", "shipped"]
        assert row["in_force"] is True
        assert row["checksum"] == said["in_force"] == load_identity(SHIPPED_PREDICTOR).checksum
        assert said["put_in_force"]["reason"] == "the predictor that ships"
        assert said["overruled_by_settings"] is False

    def test_the_settings_win_and_it_says_so(
        self, own_node: Settings, predictor: Path, configure: Configure
    ) -> None:
        configure()

        said = listed()
        printed = run_command("predictor", "list").out

        assert in_force(said) == ["tiny"]
        assert said["overruled_by_settings"] is True
        assert str(predictor) in said["origin"]
        assert "predictor.folder of the settings wins" in printed

    def test_a_damaged_one_is_shown_and_hides_no_other(
        self, own_node: Settings, predictor: Path
    ) -> None:
        assert run_command("predictor", "install", predictor).code == 0
        damage(predictor_store(own_node).installed()[-1] / CARD_FILE)

        ended = run_command("predictor", "list")

        assert ended.code == 0
        assert "damaged" in ended.out
        assert in_force(listed()) == ["screener-synthetic"]

    def test_a_predictor_in_force_that_is_gone_is_said(self, own_node: Settings) -> None:
        shutil.rmtree(predictor_folder(own_node))

        said = listed()

        assert said["in_force"] is None
        assert "is not in" in said["problem"]
        assert run_command("predictor", "list").code == 0


class TestShow:
    def test_the_one_in_force_is_shown_without_a_name(self, node: Settings) -> None:
        ended = run_command("predictor", "show")

        assert ended.code == 0
        assert ended.out.startswith("tiny 0.0.1 (synthetic)\nSYNTHETIC: ")
        assert "not in this card" in ended.out
        assert "Decision threshold" in ended.out
        assert forbidden_words(ended.out) == []

    def test_any_folder_can_be_shown_as_a_document(self, bare: Settings, predictor: Path) -> None:
        ended = run_command("predictor", "show", predictor, "--markdown")

        assert ended.out.startswith("# Model card: tiny 0.0.1 (synthetic)\n")
        assert "\n## Intended use\n" in ended.out

    def test_one_that_ships_can_be_shown_by_name(self, bare: Settings) -> None:
        said = run_command("predictor", "show", "screener-synthetic", "--json").json

        assert said["checksum"] == load_identity(SHIPPED_PREDICTOR).checksum
        assert said["card"]["synthetic"] is True

    def test_an_unknown_name_says_what_there_is(self, bare: Settings) -> None:
        ended = run_command("predictor", "show", "nosuch")

        assert ended.code == 2
        assert ended.err.startswith("error: there is no predictor 'nosuch'; there is screener-")

    def test_two_forms_at_once_are_refused(self, bare: Settings) -> None:
        assert run_command("predictor", "show", "--json", "--markdown").code == 2


class TestVerify:
    def test_a_whole_predictor_computes(self, bare: Settings, predictor: Path) -> None:
        first, again = (run_command("predictor", "verify", predictor) for _ in range(2))

        assert first.code == 0
        assert "every byte" in first.out
        assert "it computes" in first.out
        assert first.out == again.out

    @pytest.mark.parametrize("name", [WEIGHTS_FILE, CARD_FILE])
    def test_a_changed_byte_ends_with_1_and_says_what_to_do(
        self, name: str, bare: Settings, predictor: Path, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(predictor, tmp_path / "copy")
        damage(copy / name)

        ended = run_command("predictor", "verify", copy)

        assert ended.code == 1
        assert f"FAIL {name} is not as it was written: install the predictor again" in ended.out

    def test_a_file_that_is_not_listed_ends_with_1(
        self, bare: Settings, predictor: Path, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(predictor, tmp_path / "copy")
        (copy / "extra.bin").touch()

        ended = run_command("predictor", "verify", copy)

        assert ended.code == 1
        assert "FAIL extra.bin is not listed in SHA256SUMS: take it away" in ended.out

    def test_a_folder_that_is_no_predictor_ends_with_1(
        self, bare: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()

        ended = run_command("predictor", "verify", tmp_path / "empty")

        assert ended.code == 1
        assert "SHA256SUMS cannot be read" in ended.out

    def test_films_of_another_preparation_end_with_1(
        self, bare: Settings, predictor: Path, tmp_path: Path
    ) -> None:
        other = copy_of(predictor, tmp_path / "other", preparation_version=7)

        ended = run_command("predictor", "verify", other)

        assert ended.code == 1
        assert "preparation 7; this software makes" in ended.out


class TestInstallAndUse:
    def test_a_folder_is_installed_and_not_put_in_force(
        self, own_node: Settings, predictor: Path
    ) -> None:
        ended = run_command("predictor", "install", predictor)

        assert ended.code == 0
        assert "screener predictor use tiny@0.0.1 --reason" in ended.out
        said = listed()
        assert {row["name"] for row in said["predictors"]} == {"tiny", "screener-synthetic"}
        assert in_force(said) == ["screener-synthetic"]

    def test_a_zip_is_installed(self, own_node: Settings, predictor: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            for file in predictor.iterdir():
                archive.write(file, f"tiny/{file.name}")

        assert run_command("predictor", "install", tmp_path / "p.zip").code == 0
        assert run_command("predictor", "verify", "tiny").code == 0

    def test_one_that_does_not_compute_is_refused(
        self, own_node: Settings, predictor: Path, tmp_path: Path
    ) -> None:
        other = copy_of(predictor, tmp_path / "other", preparation_version=7)

        ended = run_command("predictor", "install", other)

        assert ended.code == 1
        assert ended.err.startswith("error: ")
        assert len(predictor_store(own_node).installed()) == 1

    def test_another_content_of_the_same_version_is_refused(
        self, own_node: Settings, predictor: Path, tmp_path: Path
    ) -> None:
        assert run_command("predictor", "install", predictor).code == 0
        other = copy_of(predictor, tmp_path / "other", intended_use="another")

        ended = run_command("predictor", "install", other)

        assert ended.code == 2
        assert "give what is new a version of its own" in ended.err

    def test_a_use_is_kept_with_operator_and_reason(
        self, own_node: Settings, predictor: Path
    ) -> None:
        run_command("predictor", "install", predictor)

        ended = use("tiny@0.0.1")

        assert ended.code == 0
        assert "from the node's next start on" in ended.out
        said = listed()
        assert in_force(said) == ["tiny"]
        assert said["put_in_force"]["reason"] == "the board decided so"
        database = build_database(own_node)
        with database.read() as uow:
            rows = uow.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
            last = rows[-1].action, json.loads(rows[-1].detail)
        database.dispose()
        assert last[0] == "PREDICTOR_CHANGED"
        assert last[1]["reason"] == "the board decided so"
        assert last[1]["before"].startswith("screener-synthetic ")
        assert "predictor: tiny 0.0.1 (synthetic)" in run_command("check").out

    def test_and_back_to_the_one_that_ships(self, own_node: Settings, predictor: Path) -> None:
        run_command("predictor", "install", predictor)
        use("tiny")

        assert use("screener-synthetic", reason="the trial is over").code == 0
        assert in_force(listed()) == ["screener-synthetic"]

    def test_the_one_that_ships_is_copied_when_it_is_used(
        self, node: Settings, bare: Settings
    ) -> None:
        assert predictor_store(bare).installed() == []

        assert use("screener-synthetic").code == 0

        assert predictor_folder(bare).parent == predictor_store(bare).folder

    def test_the_same_again_changes_nothing(self, own_node: Settings) -> None:
        ended = use("screener-synthetic")

        assert ended.code == 0
        assert "nothing changes" in ended.out

    def test_under_a_setting_it_says_that_it_has_to_wait(self, node: Settings) -> None:
        ended = use("screener-synthetic")

        assert ended.code == 0
        assert "not before predictor.folder is taken out of the settings" in ended.out
        assert in_force(listed()) == ["tiny"]

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_a_reason_is_needed(self, reason: str, own_node: Settings) -> None:
        assert use("screener-synthetic", reason=reason).code == 2

    def test_without_a_node_it_says_to_make_one(self, bare: Settings) -> None:
        ended = use("screener-synthetic")

        assert ended.code == 2
        assert "run `screener db upgrade`" in ended.err
        assert not bare.storage.folder.exists()

    def test_a_node_without_its_predictor_does_not_start(self, own_node: Settings) -> None:
        shutil.rmtree(predictor_folder(own_node))

        ended = run_command("db", "upgrade")
        checked = run_command("check")

        assert ended.code == 1
        assert "screener predictor install FOLDER" in ended.err
        assert checked.code == 1
        assert "FAIL predictor: the predictor in force" in checked.out


class TestExport:
    def test_a_program_is_written_and_says_what_it_lacks(
        self, node: Settings, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny.pt2"

        ended = run_command("predictor", "export", "--format", "pt2", "--out", out)

        assert ended.code == 0
        assert out.is_file()
        assert f"wrote {out}: tiny 0.0.1 (synthetic)" in ended.out
        assert "without gates" in ended.out
        assert ended.err == ""

    def test_a_file_that_is_there_is_kept(self, node: Settings, tmp_path: Path) -> None:
        out = tmp_path / "kept"
        out.touch()

        ended = run_command("predictor", "export", "--format", "monai", "--out", out)

        assert ended.code == 2
        assert "is there already" in ended.err
        assert out.stat().st_size == 0
