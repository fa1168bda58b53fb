"""What local pairs buy."""

from __future__ import annotations

import dataclasses

import pytest

from screener.domain.errors import ConfigurationError
from screener.predictor.card import PredictorCard
from screener.training.calibrate import calibrate
from screener.training.recalibration_cost import recalibration_cost
from tests.unit.predictor.conftest import make_card
from tests.unit.training.tables import make_table


def card_for(seed: int) -> PredictorCard:
    fitted = calibrate(make_table(1000, seed), synthetic=True)
    return dataclasses.replace(
        make_card(), calibration=fitted.calibration, interval=fitted.interval
    )


def test_at_its_own_site_a_card_needs_no_pairs() -> None:
    cost = recalibration_cost(make_table(1200, 5), card_for(1), pairs=200, draws=40)

    assert cost.before == pytest.approx(0.9, abs=0.03)
    assert cost.mean == pytest.approx(0.9, abs=0.015)
    assert 0.005 < cost.sd < 0.05
    assert cost.low < cost.mean < cost.high


def test_at_a_site_that_reads_lower_pairs_bring_the_coverage_back() -> None:
    elsewhere = make_table(1200, 5, intercept=1.2)

    cost = recalibration_cost(elsewhere, card_for(1), pairs=200, draws=40)

    assert cost.before < 0.8
    assert cost.mean == pytest.approx(0.9, abs=0.015)
    assert "after recalibration on 200 pairs" in cost.line()


def test_children_count_once() -> None:
    cost = recalibration_cost(
        make_table(1200, 5, films_per_patient=3), card_for(1), pairs=100, draws=5
    )

    assert cost.children == 400


def test_too_few_children_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="too few to draw 200 pairs"):
        recalibration_cost(make_table(250), card_for(1), pairs=200)
