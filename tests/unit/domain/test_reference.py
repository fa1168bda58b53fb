from typing import Any

import pytest

from screener.domain.errors import OutsideReference
from screener.domain.patient import Sex
from screener.storage.references import load_growth_reference
from tests.unit.domain.values import BMD, GROWTH


def test_a_reference_is_named_with_its_version() -> None:
    assert BMD.label == "flat 1"


def test_an_abmd_and_its_z_are_two_names_of_one_thing() -> None:
    assert BMD.z_score(sex=Sex.MALE, age_years=10, abmd_g_cm2=0.6) == pytest.approx(-2.0)
    assert BMD.abmd_g_cm2(sex=Sex.FEMALE, age_years=10, z_score=-2.0) == pytest.approx(0.6)


def test_a_reference_says_for_which_ages_it_has_values() -> None:
    assert BMD.age_range_years(Sex.MALE) == (0.0, 25.0)
    with pytest.raises(OutsideReference):
        BMD.z_score(sex=Sex.MALE, age_years=25.1, abmd_g_cm2=0.6)


def test_growth_is_asked_in_metres_and_kilograms() -> None:
    ten: dict[str, Any] = {"sex": Sex.MALE, "age_years": 10.0}

    assert GROWTH.height_z(**ten, height_m=1.26) == pytest.approx(-2.0)
    assert GROWTH.weight_z(**ten, weight_kg=42.0) == pytest.approx(1.0)
    assert GROWTH.bmi_z(**ten, bmi_kg_m2=17.0) == pytest.approx(0.0)
    assert GROWTH.modified_height_z(**ten, height_m=1.26) == pytest.approx(-2.0)
    assert GROWTH.modified_weight_z(**ten, weight_kg=42.0) == pytest.approx(1.0)


@pytest.mark.parametrize("age_years", [0.5, 2.0, 20.5])
def test_growth_has_no_z_at_ages_that_its_charts_do_not_cover(age_years: float) -> None:
    cdc = load_growth_reference()
    child: dict[str, Any] = {"sex": Sex.FEMALE, "age_years": age_years}

    assert cdc.height_z(**child, height_m=1.0) is None
    assert cdc.weight_z(**child, weight_kg=15.0) is None
    assert cdc.bmi_z(**child, bmi_kg_m2=15.0) is None
    assert cdc.modified_height_z(**child, height_m=1.0) is None
    assert cdc.modified_weight_z(**child, weight_kg=15.0) is None
