"""Reliability, decision curve, coverage."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from screener.training.calibration_curves import (
    THRESHOLDS,
    coverage_of,
    decision_curve,
    reliability_of,
)
from screener.training.estimates import EstimationRules, estimate
from tests.unit.training.evaluation_tables import a_card, simulated, without_rules

RULES = EstimationRules.of(a_card())


def test_bins_hold_equally_many_films_and_are_those_of_scikit_learn() -> None:
    found = estimate(simulated(1000), RULES)
    reliability = reliability_of(found)

    assert reliability is not None
    assert found.probability is not None
    shares, means = calibration_curve(found.low, found.probability, n_bins=10, strategy="quantile")
    assert [b.low.n for b in reliability.bins] == [100] * 10
    assert [b.low.value for b in reliability.bins] == pytest.approx(shares)
    assert [b.mean_probability for b in reliability.bins] == pytest.approx(means)


def test_the_smooth_curve_follows_a_true_probability_inside_its_band() -> None:
    reliability = reliability_of(estimate(simulated(2000), RULES))

    assert reliability is not None
    smooth = reliability.smooth
    assert smooth is not None
    assert smooth.share == pytest.approx(smooth.probability, abs=0.08)
    assert np.all(np.array(smooth.band_low) <= np.array(smooth.band_high))


def test_a_good_predictor_is_worth_more_than_all_or_none() -> None:
    found = estimate(simulated(1000), RULES)
    curve = decision_curve(found, np.full(1000, found.low.mean()))

    assert curve is not None
    assert curve.thresholds == (*THRESHOLDS.tolist(),)
    assert (curve.thresholds[0], curve.thresholds[-1]) == (0.05, 0.4)
    prevalence = found.low.mean()
    at_20 = curve.thresholds.index(0.2)
    assert curve.all_referred[at_20] == pytest.approx(prevalence - (1 - prevalence) * 0.25)
    assert curve.model[at_20].low > max(curve.all_referred[at_20], 0)
    assert curve.clinical_only is not None
    assert curve.clinical_only[at_20] == pytest.approx(curve.all_referred[at_20])
    assert curve.clinical_only[-1] == 0


def test_without_a_probability_there_is_neither_curve() -> None:
    found = estimate(simulated(100), EstimationRules.of(without_rules(a_card())))

    assert reliability_of(found) is None
    assert decision_curve(found, None) is None


def test_coverage_is_told_by_what_is_withheld_and_along_the_estimate() -> None:
    table = simulated(1500)

    coverage = coverage_of(table, estimate(table, RULES), RULES)

    assert [part.name for part in coverage.by_missing] == list(RULES.half_width_z)
    for part in coverage.by_missing:
        assert part.covered.low < 0.9 < part.covered.high
        assert part.half_width_z == pytest.approx(RULES.half_width_z[part.name])
    assert coverage.by_missing[-1].covered.n == 1500
    assert coverage.by_missing[0].covered.n == int((table.height_known & table.weight_known).sum())
    assert [part.covered.n for part in coverage.by_estimate] == [300] * 5


def test_films_of_unknown_size_show_one_pattern_alone() -> None:
    nothing = np.zeros(40, bool)
    table = dataclasses.replace(simulated(40), height_known=nothing, weight_known=nothing)

    coverage = coverage_of(table, estimate(table, RULES), RULES)

    assert [part.name for part in coverage.by_missing] == ["height and weight"]
