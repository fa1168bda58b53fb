"""The figures of a set of films, on estimates of known worth and on counts by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from screener.training.estimates import Estimates, EstimationRules, estimate
from screener.training.measures import (
    at_prevalence,
    measure,
    operating_points,
    shares_of,
)
from screener.training.threshold import PREVALENCES, flagged_share, predictive_value
from tests.unit.training.evaluation_tables import R, a_card, simulated, without_rules

RULES = EstimationRules.of(a_card())
BARE = EstimationRules.of(without_rules(a_card()))


def estimates_of(z: list[float], z_estimate: list[float]) -> Estimates:
    truth, found = np.array(z), np.array(z_estimate)
    return Estimates(
        patients=tuple(f"child {i}" for i in range(len(z))),
        z=truth,
        z_estimate=found,
        z_shown=np.round(found, 1),
        abmd_g_cm2=0.7 + 0.08 * truth,
        abmd_estimate=0.7 + 0.08 * found,
        inside=np.abs(truth - found) <= 1,
        half_width_z=np.ones(len(z)),
        probability=None,
    )


def test_bounds_hold_what_the_estimates_were_made_with() -> None:
    told = np.ones(1500, bool)
    table = simulated(1500, height_known=told, weight_known=told)
    measured = measure(estimate(table, RULES), RULES)
    m = measured.metrics

    assert measured.not_computed == {}
    for name, true in (
        ("r_z", R["none"]),
        ("calibration_slope", 1.0),
        ("citl", 0.0),
        ("logistic_slope", 1.0),
        ("logistic_citl", 0.0),
        ("coverage_90", 0.9),
    ):
        assert m[name].low <= true <= m[name].high, name
    assert m["difference_slope_z"].high < 0
    for metric in m.values():
        assert metric.low <= metric.value <= metric.high or metric is m["ece"]
        assert metric.n <= 1500


def test_values_are_those_of_scikit_learn() -> None:
    found = estimate(simulated(400), RULES)

    m = measure(found, RULES).metrics

    assert found.probability is not None
    assert m["auc"].value == pytest.approx(roc_auc_score(found.low, -found.z_estimate))
    assert m["auc_delong"].value == pytest.approx(m["auc"].value)
    assert m["brier"].value == pytest.approx(brier_score_loss(found.low, found.probability))


def test_shares_are_worked_out_by_hand_after_rounding() -> None:
    z = [-3.0, -2.5, -2.0, -1.0, 0.0, 1.0] * 10
    found = estimates_of(z, [-2.4, -1.0, -2.04, -2.1, 0.5, 2.5] * 10)

    m = measure(found, BARE).metrics

    assert m["sensitivity"].value == m["specificity"].value == pytest.approx(2 / 3)
    assert m["sensitivity"].n == m["specificity"].n == 30
    assert m["sensitivity"] == m["sensitivity_at_definition"]
    assert m["auc"].value == pytest.approx(7 / 9)
    assert m["mae_z"].value == pytest.approx((0.6 + 1.5 + 0.04 + 1.1 + 0.5 + 1.5) / 6)
    assert m["coverage_90"].value == pytest.approx(3 / 6)


def test_few_low_children_show_no_sensitivity_and_it_is_said_why() -> None:
    z = [-3.0] * 9 + [0.5, 1.0] * 20
    measured = measure(estimates_of(z, [value + 0.1 for value in z]), BARE)

    for name in ("sensitivity", "ppv", "sensitivity_at_definition", "auc", "auc_delong"):
        assert name not in measured.metrics
        assert measured.not_computed[name] == "fewer than 10 films of low children (9)"
    assert measured.metrics["specificity"].value == 1.0
    assert measured.metrics["r_z"].n == 49


def test_a_card_without_probability_gives_none_and_says_so() -> None:
    measured = measure(estimate(simulated(100), BARE), BARE)

    for name in ("brier", "ece", "logistic_slope"):
        assert name not in measured.metrics
        assert "gives no probability" in measured.not_computed[name]


def test_a_handful_of_films_shows_nothing() -> None:
    measured = measure(estimates_of([-3.0, 0.0, 1.0], [-2.0, 0.0, 1.0]), BARE)

    assert measured.metrics == {}
    assert measured.not_computed["r_z"] == "3 films"
    assert (measured.films, measured.positives) == (3, 1)


def test_an_estimate_off_the_reference_is_left_out_of_abmd_alone() -> None:
    found = estimate(simulated(60), RULES)
    abmd = found.abmd_estimate.copy()
    abmd[:5] = np.nan

    m = measure(dataclasses.replace(found, abmd_estimate=abmd), RULES).metrics

    assert (m["r_abmd"].n, m["r_z"].n) == (55, 60)


def test_both_thresholds_are_shown_with_their_counts() -> None:
    found = estimate(simulated(600), RULES)

    decision, definition = operating_points(found, RULES)

    assert (decision.threshold_z, definition.threshold_z) == (-1.5, -2.0)
    for point in (decision, definition):
        flagged = found.z_shown <= point.threshold_z
        assert point.true_positives == (flagged & found.low).sum()
        assert point.true_positives + point.false_negatives == found.low.sum()
        assert point.false_positives + point.true_negatives == (~found.low).sum()
        assert point.clustered["sensitivity"].value == point.shares["sensitivity"].value
        assert tuple(point.at_prevalence) == PREVALENCES
    assert decision.shares["sensitivity"].value > definition.shares["sensitivity"].value
    assert decision.shares["specificity"].value < definition.shares["specificity"].value


def test_predictive_values_at_a_prevalence_are_those_of_calibration() -> None:
    sensitivity, specificity = np.array([0.82]), np.array([0.85])

    found = at_prevalence(sensitivity, specificity, 0.1)

    assert found["ppv"][0] == pytest.approx(predictive_value(0.82, 0.85, 0.1))
    assert found["ppv"][0] == pytest.approx(0.378, abs=0.001)
    assert found["npv"][0] == pytest.approx(0.977, abs=0.001)
    assert found["flags_per_1000"][0] == pytest.approx(1000 * flagged_share(0.82, 0.85, 0.1))


def test_predictive_values_rise_with_the_prevalence() -> None:
    point = operating_points(estimate(simulated(600), RULES), RULES)[0]

    worth = [found["ppv"] for found in point.at_prevalence.values()]

    assert [m.value for m in worth] == sorted(m.value for m in worth)
    assert all(m.low < m.value < m.high for m in worth)


def test_shares_of_nobody_are_none() -> None:
    found = shares_of(np.array([True, True]), np.array([False, False]))

    assert found["specificity"] is None
    assert found["ppv"] is None
    assert found["sensitivity"] is not None
    assert found["sensitivity"].value == 0
