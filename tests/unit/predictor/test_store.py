"""The folder of predictors: what gets in, what is refused, and which one is in force."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.predictor.card import CARD_FILE, SUMS_FILE, WEIGHTS_FILE, load_identity
from screener.predictor.store import (
    IN_FORCE_FILE,
    PredictorStore,
    faults_of,
    find,
    folder_name,
)
from tests.support.tiny_predictor import write_paper_predictor

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> PredictorStore:
    return PredictorStore(tmp_path / "data" / "predictors")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_paper_predictor(tmp_path / "source")


def other(tmp_path: Path, **changes: Any) -> Path:
    return write_paper_predictor(tmp_path / "other", **changes)


def put(store: PredictorStore, folder: Path) -> None:
    store.put_in_force(folder, operator="anna", reason="the board decided so", now=NOW)


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


class TestInstall:
    def test_an_installed_predictor_is_its_source_byte_for_byte(
        self, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)

        checksum = load_identity(source).checksum
        assert folder == store.folder / f"tiny-0.0.1-{checksum[:8]}"
        for path in source.iterdir():
            assert (folder / path.name).read_bytes() == path.read_bytes()
        assert store.installed() == [folder]

    def test_nothing_but_the_predictor_is_left_behind(
        self, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)

        assert list(store.folder.iterdir()) == [folder]

    def test_installing_does_not_put_it_in_force(self, store: PredictorStore, source: Path) -> None:
        store.install(source)

        assert store.in_force() is None
        assert store.folder_in_force() is None

    def test_installing_the_same_again_leaves_it_as_it_is(
        self, store: PredictorStore, source: Path
    ) -> None:
        first = store.install(source)
        before = (first / CARD_FILE).stat().st_ino

        assert store.install(source) == first
        assert (first / CARD_FILE).stat().st_ino == before

    @pytest.mark.parametrize("name", [WEIGHTS_FILE, CARD_FILE])
    def test_a_damaged_one_is_replaced(
        self, name: str, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)
        change(folder / name)

        assert store.install(source) == folder
        assert faults_of(folder) == []
        assert list(store.folder.iterdir()) == [folder]

    def test_another_content_of_that_name_and_version_is_refused(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        kept = store.install(source)

        with pytest.raises(ConfigurationError, match=r"tiny 0\.0\.1 is there already .* version"):
            store.install(other(tmp_path, intended_use="another"))

        assert store.installed() == [kept]

    def test_another_content_of_one_that_ships_is_refused(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigurationError, match="is there already"):
            store.install(other(tmp_path, intended_use="another"), beside=[source])

    def test_the_same_content_as_one_that_ships_is_taken(
        self, store: PredictorStore, source: Path
    ) -> None:
        assert store.install(source, beside=[source]).is_dir()

    def test_two_versions_live_beside_each_other(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        store.install(source)
        store.install(other(tmp_path, version="0.0.2"))

        assert len(store.installed()) == 2

    def test_a_name_that_is_a_path_becomes_a_plain_folder(
        self, store: PredictorStore, tmp_path: Path
    ) -> None:
        folder = store.install(other(tmp_path, name="../up and/away", version="1/2"))

        assert folder.parent == store.folder
        assert folder.name.startswith("_up_and_away-1_2-")

    @pytest.mark.parametrize("name", [WEIGHTS_FILE, CARD_FILE, SUMS_FILE])
    def test_a_changed_or_missing_file_is_refused_and_nothing_stays(
        self, name: str, store: PredictorStore, source: Path
    ) -> None:
        change(source / name)
        with pytest.raises(PredictorMismatch, match="is no predictor as it was written"):
            store.install(source)

        (source / name).unlink()
        with pytest.raises(PredictorMismatch, match="is no predictor as it was written"):
            store.install(source)

        assert list(store.folder.iterdir()) == []

    def test_a_file_that_nobody_vouches_for_is_refused(
        self, store: PredictorStore, source: Path
    ) -> None:
        (source / "notes.txt").write_text("trained on a Monday")

        with pytest.raises(PredictorMismatch, match=r"notes\.txt is not listed in SHA256SUMS"):
            store.install(source)

    def test_a_check_that_fails_keeps_it_out(self, store: PredictorStore, source: Path) -> None:
        def refuse(folder: Path) -> None:
            assert faults_of(folder) == []
            raise PredictorMismatch("no")

        with pytest.raises(PredictorMismatch, match="no"):
            store.install(source, check=refuse)

        assert store.installed() == []

    def test_a_source_that_is_missing_is_said(self, store: PredictorStore, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="there is no folder or zip"):
            store.install(tmp_path / "gone")

    def test_what_a_crash_left_goes_after_a_day_and_not_before(
        self, store: PredictorStore, source: Path
    ) -> None:
        old, fresh = (store.folder / f".incoming-{name}" for name in ("old", "fresh"))
        for left in (old, fresh):
            left.mkdir(parents=True)
            (left / CARD_FILE).touch()
        two_days_ago = time.time() - 2 * 86_400
        os.utime(old, (two_days_ago, two_days_ago))

        folder = store.install(source)

        assert not old.exists()
        assert fresh.exists()
        assert store.installed() == [folder]


class TestInForce:
    def test_it_is_kept_with_who_and_why(self, store: PredictorStore, source: Path) -> None:
        folder = store.install(source)

        put(store, folder)

        pin = PredictorStore(store.folder).in_force()
        assert pin is not None
        assert (pin.name, pin.version) == ("tiny", "0.0.1")
        assert pin.checksum == load_identity(folder).checksum
        assert pin.decision == "put in force by anna on 2026-11-26 08:30 UTC: the board decided so"
        assert store.folder_in_force() == folder

    def test_the_last_decision_holds(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        put(store, store.install(source))
        second = store.install(other(tmp_path, version="0.0.2"))

        put(store, second)

        assert store.folder_in_force() == second
        assert sorted(path.name for path in store.folder.glob(".*")) == []

    def test_a_new_version_beside_it_changes_nothing(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        first = store.install(source)
        put(store, first)

        store.install(other(tmp_path, version="9.0.0"))

        assert store.folder_in_force() == first

    def test_one_that_went_away_is_said_with_what_to_do(
        self, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)
        put(store, folder)
        shutil.rmtree(folder)

        with pytest.raises(PredictorMismatch, match=r"tiny 0\.0\.1 .* install it again by .* use"):
            store.folder_in_force()

        assert store.install(source) == store.folder_in_force()

    def test_another_one_in_its_place_is_not_taken(
        self, store: PredictorStore, source: Path, tmp_path: Path
    ) -> None:
        folder = store.install(source)
        put(store, folder)
        shutil.rmtree(folder)
        shutil.copytree(other(tmp_path, intended_use="another"), folder)

        with pytest.raises(PredictorMismatch, match="is not the predictor that was put in force"):
            store.folder_in_force()

    def test_a_folder_from_elsewhere_cannot_be_put_in_force(
        self, store: PredictorStore, source: Path
    ) -> None:
        store.install(source)

        with pytest.raises(PredictorMismatch, match="is not installed"):
            put(store, source)

        assert store.in_force() is None

    def test_a_damaged_one_cannot_be_put_in_force(
        self, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)
        change(folder / WEIGHTS_FILE)

        with pytest.raises(PredictorMismatch, match=r"weights\.safetensors is not as it was"):
            put(store, folder)

        assert store.in_force() is None

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "tiny"}'])
    def test_a_file_that_says_nothing_is_an_error_and_not_another_predictor(
        self, content: str, store: PredictorStore, source: Path
    ) -> None:
        folder = store.install(source)
        (store.folder / IN_FORCE_FILE).write_text(content)

        with pytest.raises(PredictorMismatch, match=r"in-force\.json does not say which"):
            store.folder_in_force()

        put(store, folder)
        assert store.folder_in_force() == folder

    def test_its_file_can_be_read_without_this_software(
        self, store: PredictorStore, source: Path
    ) -> None:
        put(store, store.install(source))

        said = json.loads((store.folder / IN_FORCE_FILE).read_text(encoding="utf-8"))

        pin = store.in_force()
        assert pin is not None
        assert said == dataclasses.asdict(pin)


class TestFaults:
    def test_a_predictor_as_it_was_written_has_none(self, source: Path) -> None:
        assert faults_of(source) == []

    def test_every_changed_file_is_named(self, source: Path) -> None:
        change(source / WEIGHTS_FILE)
        change(source / CARD_FILE)

        faults = faults_of(source)

        assert [fault.split()[0] for fault in faults] == [CARD_FILE, WEIGHTS_FILE]
        assert all("install the predictor again" in fault for fault in faults)

    def test_a_missing_folder_is_one(self, tmp_path: Path) -> None:
        assert faults_of(tmp_path / "gone") == [f"there is no folder {tmp_path / 'gone'}"]

    @pytest.mark.parametrize(
        "line",
        [f"{'0' * 64}  ../card.json", f"{'0' * 63}  card.json", "card.json", f"{'0' * 64}  .."],
    )
    def test_a_list_that_leads_elsewhere_is_one(self, line: str, source: Path) -> None:
        with (source / SUMS_FILE).open("a") as file:
            file.write(f"{line}\n")

        (fault,) = faults_of(source)

        assert "SHA256SUMS, line 3, names no file of the folder" in fault

    def test_a_card_of_other_weights_is_one_though_every_checksum_holds(
        self, source: Path, tmp_path: Path
    ) -> None:
        weights = source / WEIGHTS_FILE
        weights.write_bytes(b"other weights")
        sums = (source / SUMS_FILE).read_text().splitlines()
        whole = write_paper_predictor(tmp_path / "whole")
        assert faults_of(whole) == []
        sums[1] = f"{hashlib.sha256(weights.read_bytes()).hexdigest()}  {WEIGHTS_FILE}"
        (source / SUMS_FILE).write_text("\n".join(sums) + "\n")

        (fault,) = faults_of(source)

        assert "belongs to another weights.safetensors" in fault


class TestFind:
    def test_a_name_alone_is_enough_for_one(self, source: Path) -> None:
        for text in ("tiny", "tiny@0.0.1", folder_name(load_identity(source))):
            assert find(text, [source]) == source

    def test_the_same_content_twice_is_one(self, source: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(source, tmp_path / "copy")

        assert find("tiny", [copy, source]) == copy

    def test_a_name_of_two_versions_asks_which(self, source: Path, tmp_path: Path) -> None:
        newer = other(tmp_path, version="0.0.2")

        with pytest.raises(ConfigurationError, match=r"name tiny@0\.0\.1 or tiny@0\.0\.2"):
            find("tiny", [source, newer])
        assert find("tiny@0.0.2", [source, newer]) == newer

    def test_two_contents_of_one_version_are_told_apart_by_their_checksum(
        self, source: Path, tmp_path: Path
    ) -> None:
        twin = other(tmp_path, intended_use="another")
        name = folder_name(load_identity(twin))

        with pytest.raises(ConfigurationError, match=name):
            find("tiny@0.0.1", [source, twin])
        assert find(name, [source, twin]) == twin

    def test_an_unknown_name_says_what_there_is(self, source: Path, tmp_path: Path) -> None:
        damaged = tmp_path / "damaged"
        damaged.mkdir()

        with pytest.raises(ConfigurationError, match=r"no predictor 'big'; there is tiny@0\.0\.1"):
            find("big", [damaged, source])
        with pytest.raises(ConfigurationError, match="none at all"):
            find("big", [])
