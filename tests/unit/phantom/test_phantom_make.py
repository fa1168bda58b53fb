from __future__ import annotations

import csv
from pathlib import Path

import pydicom
import pytest

from screener.phantom.make import make_films


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
