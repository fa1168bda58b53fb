"""Bounds by drawing patients again."""

from __future__ import annotations

import numpy as np
import pytest

from screener.training.predictions import Floats
from screener.training.resampling import RESAMPLES, Figures, bounded, draw, groups_of


def mean_of(values: Floats) -> Figures:
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def test_bounds_of_a_mean_are_those_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)

    drawn = draw(mean_of(values), range(400), np.zeros(400, bool))
    metric = drawn.metric("mean", 400)

    assert metric is not None
    assert metric.value == pytest.approx(values.mean())
    reach = 1.96 * values.std(ddof=1) / 20
    assert (metric.low, metric.high) == pytest.approx(
        (values.mean() - reach, values.mean() + reach), abs=0.03
    )
    assert len(drawn.draws["mean"]) == RESAMPLES


def test_bounds_are_wider_where_films_belong_to_fewer_children() -> None:
    values = np.tile(np.random.default_rng(1).normal(0, 1, 50), 4)
    nobody = np.zeros(200, bool)

    alone = draw(mean_of(values), range(200), nobody).metric("mean", 200)
    grouped = draw(mean_of(values), [i % 50 for i in range(200)], nobody).metric("mean", 200)

    assert alone is not None
    assert grouped is not None
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(2, rel=0.1)


def test_every_resample_has_as_many_patients_with_and_without_a_positive() -> None:
    patients = [0, 0, 1, 2, 3, 4]
    positive = np.array([True, False, False, True, False, False])
    seen: list[Floats] = []

    def figures(weights: Floats) -> dict[str, Floats]:
        seen.append(weights)
        return {"films": weights.sum(axis=1)}

    draw(figures, patients, positive)
    weights = np.concatenate(seen[1:])

    assert seen[0].tolist() == [[1.0] * 6]
    assert weights.shape == (RESAMPLES, 6)
    assert np.array_equal(weights[:, 0], weights[:, 1])
    assert (weights[:, 0] + weights[:, 3]).tolist() == [2.0] * RESAMPLES
    assert weights[:, [2, 4, 5]].sum(axis=1).tolist() == [3.0] * RESAMPLES


def test_the_same_seed_draws_the_same_patients() -> None:
    values = np.random.default_rng(2).normal(0, 1, 30)
    runs = [draw(mean_of(values), range(30), values > 1, seed=s).draws["mean"] for s in (0, 0, 1)]

    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_figure_that_resamples_seldom_show_is_none() -> None:
    draws = np.arange(100.0)
    holes = draws.copy()
    holes[:11] = np.nan

    assert bounded(50.0, draws, 100) is not None
    assert bounded(50.0, holes, 100) is None
    assert bounded(float("nan"), draws, 100) is None


def test_patients_are_numbered_as_they_appear() -> None:
    assert groups_of(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
