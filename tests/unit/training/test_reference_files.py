"""What a fit writes: a reference that can be loaded, pictures, the height adjustment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.storage.references import (
    load_bmd_reference,
    load_growth_reference,
    load_height_adjustment,
)
from screener.training.reference_data import Measured
from screener.training.reference_files import HEIGHT_FILE, Naming, thin_years, write_reference
from screener.training.reference_fit import fit_reference
from screener.training.reference_height import fit_height
from tests.unit.training.reference_children import SHARED, simulate

NAMING = Naming(
    name="made-up",
    version="1",
    device="Hologic",
    region="L1-L4",
    source="a test",
    synthetic=False,
)


@pytest.fixture(scope="module")
def reference() -> BmdReference:
    return load_bmd_reference("synthetic-demo")


@pytest.fixture(scope="module")
def measured(reference: BmdReference) -> Measured:
    return simulate(reference, 3000)


@pytest.fixture(scope="module")
def written(measured: Measured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fit")
    children = out / "children.csv"
    children.write_bytes(b"what was read")
    write_reference(measured, out, NAMING, inputs=[children])
    return out


def test_what_is_written_is_a_reference_with_its_facts(written: Path) -> None:
    reference = load_bmd_reference(str(written / "made-up.csv"))

    assert (reference.label, reference.synthetic) == ("made-up 1", False)
    assert reference.age_range_years(Sex.MALE) == (4.0, 17.5)
    facts = json.loads((written / "made-up.json").read_text(encoding="utf-8"))
    assert facts["children"] == {"M": 1500, "F": 1500}
    assert facts["edf"] == {"L": 3.0, "M": 6.0, "S": 4.0}
    assert set(facts["deviance"]) == set(facts["bic"]) == {"M", "F"}
    (source,) = facts["inputs"]
    assert source["file"] == "children.csv"
    assert len(source["sha256"]) == 64


@pytest.mark.parametrize("picture", ["centiles.png", "worm.png"])
def test_pictures_are_drawn(written: Path, picture: str) -> None:
    pixels = cv2.imread(str(written / picture))

    assert pixels is not None
    assert min(pixels.shape[:2]) > 500
    # blue curves or points on white
    assert ((pixels[..., 0] > 150) & (pixels[..., 2] < 80)).sum() > 500


def test_children_that_were_computed_make_a_synthetic_reference(
    measured: Measured, tmp_path: Path
) -> None:
    table, _ = write_reference(replace(measured, synthetic=True), tmp_path, NAMING)

    assert load_bmd_reference(str(table)).synthetic
    assert load_height_adjustment(tmp_path / HEIGHT_FILE).label == "made-up height 1, synthetic"


def test_a_short_child_can_be_low_for_age_and_not_low_for_height(written: Path) -> None:
    heights = load_height_adjustment(written / HEIGHT_FILE)

    short = heights.adjusted_z(Sex.MALE, 9.0, -2.3, -2.5)
    tall = heights.adjusted_z(Sex.MALE, 9.0, -1.7, 2.0)

    assert short == pytest.approx(-2.3 + SHARED * 2.5, abs=0.25)
    assert short is not None
    assert short > -2.0
    # and a tall one not low for age and low for height
    assert tall is not None
    assert tall < -2.0


def test_there_is_no_adjustment_at_ages_where_nobody_was_measured(written: Path) -> None:
    heights = load_height_adjustment(written / HEIGHT_FILE)

    assert heights.adjusted_z(Sex.FEMALE, 4.0, -2.3, -2.5) is not None
    assert heights.adjusted_z(Sex.FEMALE, 3.9, -2.3, -2.5) is None
    assert heights.adjusted_z(Sex.FEMALE, 17.5, -2.3, -2.5) is None


def test_heights_explain_what_they_were_made_to(
    measured: Measured, reference: BmdReference
) -> None:
    lines = fit_height(measured, reference.table, load_growth_reference())

    assert {line.sex for line in lines} == set(Sex)
    for line in lines:
        assert line.b1 == pytest.approx(SHARED, abs=4 * line.b1_error)
        assert line.b0 == pytest.approx(0, abs=4 * line.b0_error)
        assert line.r2 == pytest.approx(SHARED**2, abs=0.06)


def test_how_well_a_line_is_known_is_written_beside_it(written: Path) -> None:
    facts = json.loads((written / HEIGHT_FILE).with_suffix(".json").read_text(encoding="utf-8"))

    assert facts["of_reference"] == "made-up@1"
    assert sum(band["children"] for band in facts["bands"]) > 2900
    for band in facts["bands"]:
        assert 0 < band["b1_standard_error"] < 0.1
        assert 0 < band["r2"] < 1


def test_without_heights_an_earlier_adjustment_does_not_stay(
    measured: Measured, tmp_path: Path
) -> None:
    (tmp_path / HEIGHT_FILE).write_text("of an earlier fit", encoding="utf-8")

    write_reference(replace(measured, height_cm=np.full(len(measured), np.nan)), tmp_path, NAMING)

    assert not (tmp_path / HEIGHT_FILE).exists()


@pytest.mark.parametrize("name", ["", "two words", "../made-up", "synthetic-demo"])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(
    measured: Measured, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        write_reference(measured, tmp_path / "out", replace(NAMING, name=name))

    assert not (tmp_path / "out").exists()


def test_years_of_few_children_and_of_none_are_told(reference: BmdReference) -> None:
    children = simulate(reference, 700)
    gap = (children.age_years < 9) | (children.age_years >= 10)
    kept = replace(
        children,
        sex=children.sex[gap],
        age_years=children.age_years[gap],
        abmd_g_cm2=children.abmd_g_cm2[gap],
    )

    told = thin_years(fit_reference(kept))

    assert {"boys of 9: 0", "girls of 9: 0"} <= set(told)
    # half a year, with half as many
    assert any(line.startswith("boys of 17: ") for line in told)
    assert not any(line.startswith("boys of 12: ") for line in told)
