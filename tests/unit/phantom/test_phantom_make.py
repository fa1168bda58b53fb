from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from screener.phantom.film import MASK_SHRINK
from screener.phantom.make import make_films
from screener.phantom.sets import REFUSED_KINDS


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


def test_every_film_has_its_spine_mask(tmp_path: Path) -> None:
    rows = _rows(make_films(2, 5, tmp_path, processes=1, spacing_mm=2.0))

    for row in rows:
        mask = cv2.imread(str(tmp_path / row["spine_mask"]), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        dataset = pydicom.dcmread(tmp_path / row["path"])
        assert mask.shape[0] == pytest.approx(dataset.Rows / MASK_SHRINK, abs=1)
        assert 0.005 < np.mean(np.asarray(mask) > 0) < 0.2


def test_most_headers_tell_neither_height_nor_weight(tmp_path: Path) -> None:
    manifest = make_films(30, 6, tmp_path, processes=1, spacing_mm=2.0)

    told = [
        "PatientSize" in pydicom.dcmread(manifest.parent / row["path"], stop_before_pixels=True)
        for row in _rows(manifest)
    ]

    assert 2 <= sum(told) <= 18
    assert all(row["height_cm"] for row in _rows(manifest))


def test_several_films_of_a_child_share_patient_and_label(tmp_path: Path) -> None:
    rows = _rows(make_films(3, 7, tmp_path, processes=1, spacing_mm=2.0, films_per_child=3))

    assert len({row["patient"] for row in rows}) == len({row["z"] for row in rows}) == 1
    assert len({row["acquired_on"] for row in rows}) == 3


def test_films_that_must_not_be_estimated_say_why(tmp_path: Path) -> None:
    rows = _rows(
        make_films(len(REFUSED_KINDS), 7, tmp_path, processes=1, spacing_mm=2.0, cohort="odd")
    )

    assert [row["kind"] for row in rows] == list(REFUSED_KINDS)
