"""From a calibrated Z to what a prediction says, by the card alone."""

from __future__ import annotations

from typing import Any

import pytest

from screener.predictor.card import PredictorCard
from screener.predictor.estimate import (
    decision_of,
    distribution_of,
    interval_of,
    low_probability_of,
)
from tests.unit.predictor.conftest import make_full_card, make_reference


def test_quantiles_are_the_reference_at_the_estimate_and_its_errors(child: Any) -> None:
    told, reference = child(), make_reference()

    distribution = distribution_of(make_full_card(), reference, told, -1.0)

    assert distribution is not None
    zs = [
        reference.z_score(sex=told.sex, age_years=told.age_years, abmd_g_cm2=value)
        for value in distribution.abmd_g_cm2
    ]
    assert zs == pytest.approx([-2.5, -1.0, 0.0])


def test_the_probability_falls_with_the_z() -> None:
    card = make_full_card()

    values = [p.value for z in (-3.0, -2.0, -1.0) if (p := low_probability_of(card, z))]

    assert values == pytest.approx([0.8808, 0.5, 0.1192], abs=1e-4)


@pytest.mark.parametrize("z", [-1e9, 1e9])
def test_an_absurd_z_has_a_probability_all_the_same(z: float) -> None:
    probability = low_probability_of(make_full_card(), z)

    assert probability is not None
    assert 0 <= probability.value <= 1


def test_a_card_of_before_says_nothing_beyond_its_interval(card: PredictorCard, child: Any) -> None:
    reference = make_reference()

    assert distribution_of(card, reference, child(), -1.0) is None
    assert low_probability_of(card, -1.0) is None
    assert decision_of(card) is None
    low, middle, high = interval_of(card, reference, child(), -1.0)
    assert low < middle < high
