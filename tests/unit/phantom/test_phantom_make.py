from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from screener.domain.patient import age_years
from screener.phantom.anatomy import build_body
from screener.phantom.film import MASK_SHRINK
from screener.phantom.make import make_films
from screener.phantom.overlays import has_rods
from screener.phantom.sets import MARKED_COBB_DEG, REFUSED_KINDS, plan


def _rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_set_is_the_same_in_one_process_and_in_two(tmp_path: Path) -> None:
    one = make_films(3, 8, tmp_path / "one", processes=1, spacing_mm=2.0)
    two = make_films(3, 8, tmp_path / "two", processes=2, spacing_mm=2.0)

    assert one.read_bytes() == two.read_bytes()
    for row in _rows(one):
        name = row["path"]
        assert (one.parent / name).read_bytes() == (two.parent / name).read_bytes()


def test_the_manifest_agrees_with_the_headers(tmp_path: Path) -> None:
    manifest = make_films(4, 9, tmp_path, site="C", processes=1, spacing_mm=2.0, z_spread=1.0)

    rows = _rows(manifest)

    assert len({row["patient"] for row in rows}) == 4
    for row in rows:
        dataset = pydicom.dcmread(tmp_path / row["path"])
        assert dataset.PatientID == row["patient"]
        assert dataset.ViewPosition == row["view"]
        assert row["site"] == "C"
        assert dataset.AcquisitionDate == row["acquired_on"].replace("-", "")
        if "PatientWeight" in dataset:
            assert float(dataset.PatientWeight) == pytest.approx(float(row["weight_kg"]), abs=0.06)
        assert 0.2 < float(row["abmd_g_cm2"]) < 1.5
        assert -4.5 <= float(row["z"]) <= 3.0


def test_a_larger_set_begins_with_the_smaller_one(tmp_path: Path) -> None:
    small = _rows(make_films(1, 5, tmp_path / "small", processes=1, spacing_mm=2.0))
    large = _rows(make_films(2, 5, tmp_path / "large", processes=1, spacing_mm=2.0))

    assert large[0] == small[0]
    assert large[1]["seed"] != small[0]["seed"]


def test_a_set_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="count"):
        make_films(0, 1, tmp_path)
    with pytest.raises(ValueError, match="site"):
        make_films(1, 1, tmp_path, site="Z")
    with pytest.raises(ValueError, match="cohort"):
        make_films(1, 1, tmp_path, cohort="minor")
    with pytest.raises(ValueError, match="films_per_child"):
        make_films(1, 1, tmp_path, films_per_child=0)
    with pytest.raises(ValueError, match="count must be even"):
        make_films(3, 1, tmp_path, cohort="twins")
    with pytest.raises(ValueError, match="films_per_child 1"):
        make_films(4, 1, tmp_path, cohort="trap", films_per_child=2)


def test_every_film_has_its_spine_mask(tmp_path: Path) -> None:
    rows = _rows(make_films(2, 5, tmp_path, processes=1, spacing_mm=2.0))

    for row in rows:
        mask = cv2.imread(str(tmp_path / row["spine_mask"]), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        dataset = pydicom.dcmread(tmp_path / row["path"])
        assert mask.shape[0] == pytest.approx(dataset.Rows / MASK_SHRINK, abs=1)
        assert 0.005 < np.mean(np.asarray(mask) > 0) < 0.2


def _told(manifest: Path) -> list[tuple[bool, bool]]:
    """Return for each film whether its header tells height and weight."""
    headers = [
        pydicom.dcmread(manifest.parent / row["path"], stop_before_pixels=True)
        for row in _rows(manifest)
    ]
    return [("PatientSize" in header, "PatientWeight" in header) for header in headers]


def test_most_headers_of_controls_tell_neither_height_nor_weight(tmp_path: Path) -> None:
    manifest = make_films(10, 6, tmp_path, processes=1, spacing_mm=2.0, cohort="null")

    told = _told(manifest)

    assert 4 <= told.count((False, False)) <= 9
    assert all(row["height_cm"] and row["weight_kg"] for row in _rows(manifest))


def test_headers_of_the_main_cohort_tell_both_as_they_did_before(tmp_path: Path) -> None:
    assert set(_told(make_films(4, 6, tmp_path, processes=1, spacing_mm=2.0))) == {(True, True)}


def test_several_films_of_a_child_share_patient_birth_date_and_dxa(tmp_path: Path) -> None:
    manifest = make_films(3, 7, tmp_path, processes=1, spacing_mm=2.0, films_per_child=3)
    rows = _rows(manifest)
    headers = [pydicom.dcmread(tmp_path / row["path"]) for row in rows]

    for column in ("patient", "z", "abmd_g_cm2", "dxa_on", "dxa_abmd_g_cm2", "seed"):
        assert len({row[column] for row in rows}) == 1, column
    assert len({header.PatientBirthDate for header in headers}) == 1
    assert len({header.StudyInstanceUID for header in headers}) == 3
    first, *later = (date.fromisoformat(row["acquired_on"]) for row in rows)
    assert rows[0]["dxa_on"] == f"{first}"
    for row, day, header in zip(rows[1:], later, headers[1:], strict=True):
        assert 0 < (day - first).days <= 90
        assert header.StudyDate == header.AcquisitionDate == f"{day:%Y%m%d}"
        born = date.fromisoformat(header.PatientBirthDate)
        assert age_years(born, day) == pytest.approx(float(row["age_years"]), abs=0.005)


def test_a_film_and_the_same_without_its_port_are_two_instances(tmp_path: Path) -> None:
    manifest = make_films(2, 7, tmp_path, processes=1, spacing_mm=2.0, cohort="trap")
    rows = _rows(manifest)
    headers = [pydicom.dcmread(tmp_path / row["path"]) for row in rows]

    assert [row["variant"] for row in rows] == ["as_drawn", "port_removed"]
    assert rows[0]["group"] == rows[1]["group"] != ""
    assert headers[0].SOPInstanceUID != headers[1].SOPInstanceUID
    assert headers[0].PatientID == headers[1].PatientID


def test_rods_in_a_film_of_the_main_cohort_are_told_by_its_kind(tmp_path: Path) -> None:
    seed, index = next(
        (seed, index)
        for seed in range(1000)
        for index in (0, 1)
        if has_rods(plan(index, seed).child.seed)
    )

    rows = _rows(make_films(index + 1, seed, tmp_path, processes=1, spacing_mm=2.0))

    assert rows[index]["kind"] == "rods"
    assert "rods" in rows[index]["extras"].split()


def test_a_marked_curve_in_a_film_of_the_main_cohort_is_told_by_its_kind(tmp_path: Path) -> None:
    seed, index = next(
        (seed, index)
        for seed in range(1000)
        for index in range(4)
        if build_body(plan(index, seed).child).cobb >= MARKED_COBB_DEG
    )

    rows = _rows(make_films(index + 1, seed, tmp_path, processes=1, spacing_mm=2.0))

    assert rows[index]["kind"] == "scoliosis"
    assert {row["kind"] for row in rows if float(row["cobb_deg"]) < MARKED_COBB_DEG} == {"chest"}


def test_films_that_must_not_be_estimated_say_why(tmp_path: Path) -> None:
    rows = _rows(
        make_films(len(REFUSED_KINDS), 7, tmp_path, processes=1, spacing_mm=2.0, cohort="odd")
    )

    assert [row["kind"] for row in rows] == list(REFUSED_KINDS)
    for row in rows:
        mask = cv2.imread(str(tmp_path / row["spine_mask"]), cv2.IMREAD_GRAYSCALE)
        shows_no_spine_from_the_front = row["kind"] in {"lateral", "hand", "blank"}
        assert np.any(np.asarray(mask)) != shows_no_spine_from_the_front
