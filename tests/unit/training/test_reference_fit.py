"""A known curve found again from computed children."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.storage.references import load_bmd_reference
from screener.training.reference_data import Measured
from screener.training.reference_fit import FittedReference, fit_reference
from tests.unit.training.reference_children import simulate


@pytest.fixture(scope="module")
def reference() -> BmdReference:
    return load_bmd_reference("synthetic-demo")


@pytest.fixture(scope="module")
def measured(reference: BmdReference) -> Measured:
    return simulate(reference, 3000)


@pytest.fixture(scope="module")
def fitted(measured: Measured) -> FittedReference:
    return fit_reference(measured)


@pytest.mark.parametrize("sex", list(Sex))
@pytest.mark.parametrize("age", [5.0, 8.0, 11.0, 14.0, 16.5])
def test_a_known_curve_is_found_again(
    fitted: FittedReference, reference: BmdReference, sex: Sex, age: float
) -> None:
    _, m, s = fitted.table.curves[sex].at(age)
    _, true_m, true_s = reference.table.curves[sex].at(age)

    assert m == pytest.approx(true_m, rel=0.01)
    assert s == pytest.approx(true_s, rel=0.10)
    # what decides: the line at -2 SD, in units of SD
    low = fitted.table.value(sex, age, -2.0)
    assert reference.z_score(sex=sex, age_years=age, abmd_g_cm2=low) == pytest.approx(-2, abs=0.15)


def test_as_many_children_lie_below_a_centile_as_it_says(fitted: FittedReference) -> None:
    for one in fitted.sexes.values():
        assert 0.015 < (one.z < -2).mean() < 0.032
        assert (one.z < 0).mean() == pytest.approx(0.5, abs=0.02)
        assert one.z.std() == pytest.approx(1.0, abs=0.02)


def test_z_of_the_fit_is_that_of_the_table_it_makes(
    fitted: FittedReference, measured: Measured
) -> None:
    boys = np.flatnonzero(measured.sex == Sex.MALE.value)

    by_table = [
        fitted.table.z_score(Sex.MALE, float(measured.age_years[i]), float(measured.abmd_g_cm2[i]))
        for i in boys
    ]

    assert np.abs(by_table - fitted.sexes[Sex.MALE].z).max() < 0.05


def test_the_table_has_every_half_year_that_the_children_cover(fitted: FittedReference) -> None:
    ages = fitted.table.curves[Sex.FEMALE].ages_years

    assert (ages[0], ages[-1]) == (4.0, 17.5)
    assert {b - a for a, b in pairwise(ages)} == {0.5}
    assert sum(fitted.sexes[Sex.FEMALE].per_year.values()) == 1500


def test_fewer_degrees_of_freedom_make_straight_lines(measured: Measured) -> None:
    curve = fit_reference(measured, edf=(2.0, 2.0, 2.0)).table.curves[Sex.MALE]

    for values in (curve.l, np.log(curve.m), np.log(curve.s)):
        assert np.abs(np.diff(values, 2)).max() < 1e-3
    # lines, and not where the search began
    assert abs(curve.l[-1] - curve.l[0]) > 0.05


def test_more_degrees_of_freedom_lower_the_deviance_and_bic_asks_a_price(
    measured: Measured, fitted: FittedReference
) -> None:
    stiff, bent = (
        fit_reference(measured, edf=(3.0, freedom, 4.0)).sexes[Sex.MALE] for freedom in (2.0, 16.0)
    )
    middle = fitted.sexes[Sex.MALE]

    assert bent.deviance < middle.deviance < stiff.deviance
    assert middle.bic < min(stiff.bic, bent.bic)


def test_one_sex_alone_makes_a_table_of_one_sex(measured: Measured) -> None:
    girls = measured.sex == Sex.FEMALE.value
    alone = replace(
        measured,
        sex=measured.sex[girls],
        age_years=measured.age_years[girls],
        abmd_g_cm2=measured.abmd_g_cm2[girls],
    )

    assert set(fit_reference(alone).sexes) == {Sex.FEMALE}


def test_few_children_of_a_sex_are_refused(reference: BmdReference) -> None:
    with pytest.raises(ConfigurationError, match="75 children of sex M are too few"):
        fit_reference(simulate(reference, 150))


def test_ages_that_make_no_curve_are_refused(measured: Measured) -> None:
    with pytest.raises(ConfigurationError, match="2 years or more"):
        fit_reference(replace(measured, age_years=8 + measured.age_years / 100))


@pytest.mark.parametrize("edf", [(1.0, 5.0, 3.0), (3.0, 17.0, 3.0), (3.0, float("nan"), 3.0)])
def test_degrees_of_freedom_that_cannot_be_had_are_refused(
    measured: Measured, edf: tuple[float, float, float]
) -> None:
    with pytest.raises(ConfigurationError, match="between 2"):
        fit_reference(measured, edf=edf)


def test_more_degrees_of_freedom_than_ages_are_refused(measured: Measured) -> None:
    whole = replace(measured, age_years=np.floor(measured.age_years / 3) * 3)

    with pytest.raises(ConfigurationError, match="are they decimal"):
        fit_reference(whole, edf=(3.0, 8.0, 3.0))
