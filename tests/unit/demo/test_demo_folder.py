"""The demo's folder is made anew, and what is not ours, or still needed, is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.demo.processes import DemoFolder
from screener.demo.worklist import Entry, read_worklist, write_lines
from screener.domain.errors import ConfigurationError


def entries(count: int) -> list[Entry]:
    return [
        Entry(
            file=f"film-{number}.dcm",
            kind="a film",
            sop_instance_uid=f"2.25.{number}",
            study_instance_uid=f"2.25.9{number}",
            child=number,
            true_z=-2.0,
        )
        for number in range(count)
    ]


def write_worklist(folder: Path, count: int) -> list[Entry]:
    made = entries(count)
    for entry in made:
        (folder / entry.file).write_bytes(b"DICOM")
    write_lines(folder, made)
    return made


def test_a_demos_folder_is_made_anew(tmp_path: Path) -> None:
    first = DemoFolder(tmp_path / "out")
    (first.folder("node") / "old").write_text("old")
    (first.path / "index.html").write_text("old")

    again = DemoFolder(tmp_path / "out")

    assert [path.name for path in again.path.iterdir()] == [".screener-demo"]


def test_films_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    first = DemoFolder(tmp_path / "out")
    (first.folder("films") / "a.dcm").write_text("film")
    (first.path / "index.html").write_text("old")

    again = DemoFolder(tmp_path / "out", keep=tmp_path / "out" / "films")

    assert (again.path / "films" / "a.dcm").is_file()
    assert not (again.path / "index.html").exists()


def test_what_no_demo_made_is_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    with pytest.raises(ConfigurationError, match="no demo made"):
        DemoFolder(tmp_path)

    assert (tmp_path / "mine").read_text() == "mine"


def test_a_worklist_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = write_worklist(tmp_path, 41)

    assert read_worklist(tmp_path) == made


@pytest.mark.parametrize("fault", ["no lines", "a film is missing", "other lines", "too few"])
def test_a_folder_without_a_whole_worklist_is_refused(tmp_path: Path, fault: str) -> None:
    made = write_worklist(tmp_path, 40 if fault == "too few" else 41)
    lines = tmp_path / "worklist.json"
    if fault == "no lines":
        lines.unlink()
    elif fault == "a film is missing":
        (tmp_path / made[0].file).unlink()
    elif fault == "other lines":
        lines.write_text('[{"file": "../film.dcm"}]')

    with pytest.raises(ConfigurationError, match="--films-only"):
        read_worklist(tmp_path)
