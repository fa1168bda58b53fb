"""Twins and the trap."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from screener.training.controls import measure_trap, measure_twins
from screener.training.estimates import EstimationRules, estimate
from screener.training.predictions import Floats, PredictionTable
from tests.unit.training.evaluation_tables import INTERCEPT, SLOPE, a_card, simulated

RULES = EstimationRules.of(a_card())
PAIRS = 150


def paired(variants: tuple[str, str], z: Floats, estimated: Floats) -> PredictionTable:
    """Return films in pairs; estimates are calibrated Z."""
    table = simulated(2 * PAIRS, films_per_patient=2)
    abmd = np.array(
        [
            RULES.own.abmd_g_cm2(sex=sex, age_years=float(age), z_score=float(value))
            for sex, age, value in zip(table.sexes, table.age_years, z, strict=True)
        ]
    )
    return dataclasses.replace(
        table,
        z=z,
        abmd_g_cm2=abmd,
        raw_z=dict.fromkeys(table.raw_z, (estimated - INTERCEPT) / SLOPE),
        group=tuple(str(i // 2) for i in range(2 * PAIRS)),
        variant=variants * PAIRS,
    )


def test_twins_show_order_and_slope() -> None:
    rng = np.random.default_rng(0)
    middle = np.repeat(rng.uniform(-3, 2, PAIRS), 2)
    z = middle + np.tile([-1.0, 1.0], PAIRS)
    estimated = middle + 0.7 * np.tile([-1.0, 1.0], PAIRS) + rng.normal(0, 0.05, 2 * PAIRS)
    estimated[:2] = estimated[1::-1]
    table = paired(("lower", "higher"), z, estimated)

    twins = measure_twins(table, estimate(table, RULES))

    assert twins is not None
    assert twins.pairs == PAIRS
    assert twins.ordered.value == pytest.approx((PAIRS - 1) / PAIRS)
    assert twins.slope.value == pytest.approx(0.7, abs=0.02)
    assert twins.slope.low < twins.slope.value < twins.slope.high


def test_a_predictor_that_leans_on_ports_falls_into_the_trap() -> None:
    rng = np.random.default_rng(1)
    z = np.repeat(np.clip(rng.normal(-0.9, 1.45, PAIRS), -4, 3), 2)
    port = (rng.random(PAIRS) < np.where(z[::2] <= -2, 0.9, 0.1)).repeat(2)
    shown = port * np.tile([1.0, 0.0], PAIRS)
    weak = 0.2 * z + np.repeat(rng.normal(0, 1, PAIRS), 2)
    leaning = paired(("as_drawn", "port_removed"), z, weak - 3 * shown)
    honest = paired(("as_drawn", "port_removed"), z, weak)

    caught, passed = (measure_trap(t, estimate(t, RULES)) for t in (leaning, honest))

    assert caught is not None
    assert passed is not None
    assert caught.pairs == PAIRS
    assert caught.difference.high < -0.1
    assert caught.moved_z.value == pytest.approx(3 * port[::2].mean())
    assert caught.difference.value == pytest.approx(
        caught.auc["port_removed"].value - caught.auc["as_drawn"].value
    )
    assert (passed.difference.value, passed.moved_z.value) == pytest.approx((0, 0))


def test_films_without_pairs_have_neither() -> None:
    table = simulated(200)
    estimates = estimate(table, RULES)

    assert measure_twins(table, estimates) is None
    assert measure_trap(table, estimates) is None
