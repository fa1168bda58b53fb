"""Recalibration, probability and conformal intervals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.predictor.facts import MISSING_PATTERNS
from screener.training.calibrate import (
    QUANTILE_LEVELS,
    calibrate,
    conformal_half_width,
    error_quantiles,
    first_films,
    fit_probability,
    fit_recalibration,
)
from tests.unit.training.tables import make_table


def test_recalibration_finds_the_line() -> None:
    raw = np.random.default_rng(0).normal(-1, 1.2, 500)

    slope, intercept = fit_recalibration(raw, 1.3 * raw - 0.4)

    assert (slope, intercept) == pytest.approx((1.3, -0.4))


@pytest.mark.parametrize("raw", [np.zeros(50), -np.arange(50.0), np.zeros(0)])
def test_estimates_that_do_not_rise_with_the_truth_are_refused(
    raw: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    with pytest.raises(ConfigurationError, match="do not rise"):
        fit_recalibration(raw, np.arange(float(len(raw))))


@pytest.mark.parametrize(("count", "expected"), [(9, 9.0), (10, 10.0), (19, 18.0), (99, 90.0)])
def test_half_width_is_the_next_errors_quantile(count: int, expected: float) -> None:
    errors = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))

    assert conformal_half_width(errors, 0.9) == expected


def test_too_few_errors_have_no_half_width() -> None:
    assert conformal_half_width(np.ones(8), 0.9) is None


def test_half_width_covers_new_errors_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)

    covered = [
        np.abs(rng.standard_t(3)) <= (conformal_half_width(np.abs(rng.standard_t(3, 60)), 0.9) or 0)
        for _ in range(4000)
    ]

    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_quantiles_hold_the_next_error_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)

    below = [rng.normal() <= np.array(error_quantiles(rng.normal(size=199))) for _ in range(3000)]

    assert np.mean(below, axis=0) == pytest.approx(QUANTILE_LEVELS, abs=0.025)


def test_calibration_has_a_line_and_a_width_for_every_pattern() -> None:
    fitted = calibrate(make_table(), synthetic=True)

    # the least squares line of the truth on an estimate with error is flatter than the model's
    assert fitted.calibration.slope == pytest.approx(0.8 * 1.45**2 / (1.45**2 + 0.7**2), rel=0.08)
    widths = fitted.interval.half_width_z
    assert set(widths) == set(MISSING_PATTERNS.values())
    assert widths["none"] < widths["height and weight"]
    assert fitted.interval.statement == (
        "90 % split-conformal interval, calibrated on 400 synthetic children."
    )


def test_children_are_synthetic_only_where_they_are() -> None:
    assert "400 children" in calibrate(make_table(), synthetic=False).interval.statement


def test_each_patient_counts_once() -> None:
    table = make_table(400, films_per_patient=4)

    fitted = calibrate(table, synthetic=True)

    assert (fitted.calibration.films, fitted.calibration.patients) == (400, 100)
    assert first_films(table).tolist() == list(range(0, 400, 4))


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="8 patients; an interval of 90% needs at least 9"):
        calibrate(make_table(8), synthetic=True)


def test_a_pattern_that_nobody_shows_has_the_widest_width() -> None:
    table = make_table(height_known=np.zeros(400, bool))

    widths = calibrate(table, synthetic=True).interval.half_width_z

    assert widths["none"] == widths["weight"] == max(widths.values())


def test_intervals_of_new_children_cover_as_they_say() -> None:
    fitted = calibrate(make_table(2000, seed=1), synthetic=True)
    new = make_table(2000, seed=2)

    for name, width in fitted.interval.half_width_z.items():
        line = fitted.calibration
        errors = np.abs(new.z - (line.intercept + line.slope * new.raw_z[name]))
        assert np.mean(errors <= width) == pytest.approx(0.9, abs=0.025)


def test_the_probability_is_the_share_that_is_low() -> None:
    fitted = calibrate(make_table(4000, seed=3), synthetic=True, local=True)
    new = make_table(4000, seed=4)
    platt = fitted.probability
    assert platt is not None

    estimate = fitted.calibration.intercept + fitted.calibration.slope * new.raw_z["none"]
    said = 1 / (1 + np.exp(-(platt.intercept + platt.slope * estimate)))

    low = new.z <= -2.0
    for least, most in ((0.1, 0.4), (0.4, 0.7)):
        those = (said >= least) & (said < most)
        assert low[those].mean() == pytest.approx(said[those].mean(), abs=0.06)
    assert platt.local
    assert platt.prevalence == pytest.approx((make_table(4000, seed=3).z <= -2.0).mean())


def test_few_low_children_give_no_probability() -> None:
    low = np.arange(100) < 9

    assert fit_probability(np.linspace(-4, 2, 100), low, films=100, local=False) is None


def test_a_probability_that_does_not_fall_with_the_z_is_none() -> None:
    low = np.arange(100) >= 50

    assert fit_probability(np.linspace(-4, 2, 100), low, films=100, local=False) is None


def test_a_perfect_separation_stays_finite() -> None:
    z = np.linspace(-4, 2, 100)

    platt = fit_probability(z, z <= -2.0, films=100, local=False)

    assert platt is not None
    assert -200 < platt.slope < -1


def test_films_without_an_error_need_no_probability_to_have_intervals() -> None:
    table = dataclasses.replace(make_table(60), z=np.linspace(-1, 1, 60))
    table = dataclasses.replace(table, raw_z=dict.fromkeys(table.raw_z, np.linspace(-1, 1, 60)))

    fitted = calibrate(table, synthetic=True)

    assert fitted.probability is None
    assert max(fitted.interval.half_width_z.values()) < 1e-9
