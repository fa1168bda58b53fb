"""Thresholds for a target, and their price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.predictor.facts import Decision
from screener.training.threshold import (
    Target,
    choices,
    choose_decision,
    flagged_share,
    predictive_value,
    share_of,
)

RNG = np.random.default_rng(0)
Z = RNG.normal(-0.9, 1.45, 2000)
#: A calibrated estimate with r = 0.85, drawn to the mean as every regression is.
ESTIMATE = -0.9 + 0.7225 * (Z + 0.9) + RNG.normal(0, 1.45 * 0.85 * np.sqrt(1 - 0.7225), 2000)


def chosen(kind: Any, value: float, **changes: Any) -> Decision | None:
    asked: dict[str, Any] = {
        "target": Target(kind=kind, value=value),
        "prevalence": 0.05,
        "films": 2000,
        "reference": "flat 1",
        "missing": "none",
    }
    return choose_decision(
        changes.pop("z", Z), changes.pop("z_estimate", ESTIMATE), **(asked | changes)
    )


@pytest.mark.parametrize("target", [0.6, 0.85, 0.95])
def test_the_lowest_threshold_that_reaches_a_sensitivity_is_chosen(target: float) -> None:
    decision = chosen("sensitivity", target)

    assert decision is not None
    assert decision.sensitivity.value >= target
    at = {round(cut, 1): sensitivity for cut, sensitivity, _ in choices(Z, ESTIMATE)}
    assert at[round(decision.threshold_z - 0.1, 1)] < target


def test_the_highest_threshold_that_keeps_a_specificity_is_chosen() -> None:
    decision = chosen("specificity", 0.95)

    assert decision is not None
    assert decision.specificity.value >= 0.95
    at = {round(cut, 1): specificity for cut, _, specificity in choices(Z, ESTIMATE)}
    assert at[round(decision.threshold_z + 0.1, 1)] < 0.95


def test_an_estimate_drawn_to_the_mean_needs_a_cut_above_the_definition() -> None:
    decision = chosen("sensitivity", 0.85)

    assert decision is not None
    assert decision.definition_z == -2.0
    assert -1.9 < decision.threshold_z < -1.0


def test_what_is_expected_at_a_prevalence_follows_from_both_shares() -> None:
    decision = chosen("sensitivity", 0.85)

    assert decision is not None
    s, t = decision.sensitivity.value, decision.specificity.value
    assert set(decision.expected_ppv) == {"0.023", "0.05", "0.1", "0.2"}
    assert decision.expected_ppv["0.05"] == pytest.approx(s * 0.05 / (s * 0.05 + (1 - t) * 0.95))
    assert decision.expected_flags_per_1000["0.1"] == pytest.approx(
        1000 * (s * 0.1 + (1 - t) * 0.9)
    )


def test_the_sites_own_prevalence_is_among_them() -> None:
    decision = chosen("sensitivity", 0.85, prevalence=0.26)

    assert decision is not None
    assert "0.26" in decision.expected_ppv


def test_the_estimate_is_compared_as_it_is_printed() -> None:
    z = np.repeat([-3.0, 1.0], 30)
    estimate = np.repeat([-1.95, 0.0], 30)

    decision = chosen("sensitivity", 0.9, z=z, z_estimate=estimate)

    assert decision is not None
    # -1.95 is printed as -2.0
    assert decision.threshold_z == -2.0


def test_few_low_children_choose_no_threshold() -> None:
    z = np.concatenate([np.full(19, -3.0), np.full(100, 0.0)])

    assert chosen("sensitivity", 0.85, z=z, z_estimate=z) is None


def test_a_target_that_no_threshold_reaches_chooses_none() -> None:
    z = np.repeat([-3.0, 0.0], 30)

    assert chosen("sensitivity", 0.85, z=z, z_estimate=np.full(60, 1.0)) is None


@pytest.mark.parametrize(
    "text", ["0.85", "sensitivity=85", "sensitivity=1.0", "auc=0.9", "sensitivity=0.0"]
)
def test_a_target_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="target"):
        Target.parse(text)


def test_a_target_is_read() -> None:
    assert Target.parse(" specificity=0.95 ") == Target(kind="specificity", value=0.95)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(50, 84, 0.488, 0.694), (54, 66, 0.709, 0.893), (210, 248, 0.797, 0.886)],
)
def test_bounds_are_wilsons(hits: int, n: int, low: float, high: float) -> None:
    share = share_of(np.arange(n) < hits)

    assert (share.low, share.high) == pytest.approx((low, high), abs=0.001)


def test_nobody_flagged_has_no_predictive_value() -> None:
    assert predictive_value(0.0, 1.0, 0.05) == 0.0
    assert flagged_share(1.0, 0.0, 0.05) == 1.0
