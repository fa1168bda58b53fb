"""A predictor out of a zip: what is taken, and what a zip cannot do to us."""

from __future__ import annotations

import random
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.predictor import unpack
from screener.predictor.store import PredictorStore, faults_of
from screener.predictor.unpack import MOST_FILES, copy_folder, unpack_zip
from tests.support.tiny_predictor import write_paper_predictor


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_paper_predictor(tmp_path / "source")


def zipped(source: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if prefix:
            archive.mkdir(prefix.rstrip("/"))
        for file in sorted(source.iterdir()):
            archive.write(file, f"{prefix}{file.name}")
    return path


def with_member(path: Path, name: str, content: bytes = b"x", mode: int = 0) -> Path:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


@pytest.mark.parametrize("prefix", ["", "predictor/"])
def test_a_zip_of_the_files_or_of_their_folder_is_the_predictor(
    prefix: str, source: Path, into: Path, tmp_path: Path
) -> None:
    unpack_zip(zipped(source, tmp_path / "p.zip", prefix), into)

    assert faults_of(into) == []
    assert {p.name for p in into.iterdir()} == {p.name for p in source.iterdir()}


def test_a_zip_can_be_installed(source: Path, tmp_path: Path) -> None:
    store = PredictorStore(tmp_path / "predictors")

    folder = store.install(zipped(source, tmp_path / "p.zip", "x/"))

    assert folder == store.install(source)


@pytest.mark.parametrize(
    "name",
    ["../card.json", "/card.json", "a/../../card.json", "..\\card.json", "C:card.json", ".."],
)
def test_a_member_that_leads_elsewhere_is_refused_and_not_written(
    name: str, into: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.name != "bad.zip"}

    with pytest.raises(ConfigurationError, match="leads out of it"):
        unpack_zip(with_member(tmp_path / "bad.zip", name), into)

    assert {path for path in tmp_path.rglob("*") if path.name != "bad.zip"} == before


def test_a_link_is_refused(into: Path, tmp_path: Path) -> None:
    bad = with_member(tmp_path / "bad.zip", "card.json", b"/etc/passwd", stat.S_IFLNK | 0o777)

    with pytest.raises(ConfigurationError, match="which is no file"):
        unpack_zip(bad, into)

    assert list(into.iterdir()) == []


def test_several_folders_are_refused(into: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("a/card.json", "x")
        archive.writestr("b/card.json", "x")

    with pytest.raises(ConfigurationError, match="several folders"):
        unpack_zip(tmp_path / "bad.zip", into)


def test_a_deep_folder_is_refused(into: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="several folders"):
        unpack_zip(with_member(tmp_path / "bad.zip", "a/b/card.json"), into)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_is_refused(into: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("card.json", "one")
        archive.writestr("card.json", "two")

    with pytest.raises(ConfigurationError, match="holds a file twice"):
        unpack_zip(tmp_path / "bad.zip", into)


def test_more_bytes_than_a_predictor_has_are_refused_before_they_are_written(
    into: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "LARGEST_BYTES", 1000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", bytes(500))
        archive.writestr("weights.safetensors", bytes(501))

    with pytest.raises(ConfigurationError, match="1,001 bytes"):
        unpack_zip(bomb, into)

    assert list(into.iterdir()) == []


def test_more_files_than_a_predictor_has_are_refused(into: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for number in range(MOST_FILES + 1):
            archive.writestr(f"{number}", "x")

    with pytest.raises(ConfigurationError, match="17 files"):
        unpack_zip(tmp_path / "bad.zip", into)


def test_a_rare_packing_is_refused(into: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rare.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("card.json", "x")

    with pytest.raises(ConfigurationError, match="packed in a rare way"):
        unpack_zip(tmp_path / "rare.zip", into)


def test_what_is_no_zip_is_said(into: Path, tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(b"no zip")

    with pytest.raises(ConfigurationError, match="a predictor's folder, or a zip of it"):
        unpack_zip(tmp_path / "film.dcm", into)


def test_a_zip_with_any_changed_byte_gives_the_predictor_or_an_error_of_ours(
    source: Path, tmp_path: Path
) -> None:
    whole = zipped(source, tmp_path / "p.zip").read_bytes()
    bad, rng = tmp_path / "bad.zip", random.Random(1)  # noqa: S311 - no secret
    store = PredictorStore(tmp_path / "predictors")

    for _ in range(150):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        bad.write_bytes(content[: rng.choice((len(content), rng.randrange(len(content))))])
        with suppress(ConfigurationError, PredictorMismatch):
            store.install(bad)

    assert all(faults_of(folder) == [] for folder in store.installed())
    assert len(store.installed()) <= 1


def test_a_folder_in_the_folder_is_refused(source: Path, into: Path) -> None:
    (source / "more").mkdir()

    with pytest.raises(ConfigurationError, match="holds more, which is no file"):
        copy_folder(source, into)

    assert list(into.iterdir()) == []
