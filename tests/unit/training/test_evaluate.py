"""Metrics against values worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from screener.training.evaluate import Estimates, Evaluation, auc, measure, write_evaluation


def estimates(z: list[float], z_estimate: list[float], patients: int | None = None) -> Estimates:
    truth, estimate = np.array(z), np.array(z_estimate)
    return Estimates(
        patients=tuple(f"child-{i % (patients or len(z))}" for i in range(len(z))),
        z=truth,
        z_estimate=estimate,
        abmd=0.7 + 0.08 * truth,
        abmd_estimate=0.7 + 0.08 * estimate,
        abmd_low=0.7 + 0.08 * (estimate - 1),
        abmd_high=0.7 + 0.08 * (estimate + 1),
    )


def test_metrics_are_those_worked_out_by_hand() -> None:
    z = [-3.0, -2.5, -2.0, -1.0, 0.0, 1.0]
    measured = measure(estimates(z, [-2.4, -1.0, -2.2, -2.1, 0.5, 2.5]))

    assert measured["sensitivity"].value == pytest.approx(2 / 3)
    assert measured["specificity"].value == pytest.approx(2 / 3)
    assert measured["auc"].value == pytest.approx(8 / 9)
    assert measured["mae_z"].value == pytest.approx((0.6 + 1.5 + 0.2 + 1.1 + 0.5 + 1.5) / 6)
    assert measured["coverage_90"].value == pytest.approx(3 / 6)
    assert measured["r_z"].value == pytest.approx(measured["r_abmd"].value)


def test_bounds_hold_the_value_and_narrow_with_more_children() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for count in (60, 600):
        z = rng.normal(-1, 1.5, count)
        metric = measure(estimates(list(z), list(z + rng.normal(0, 0.7, count))))["r_z"]
        assert metric.low < metric.value < metric.high
        assert metric.n == count
        widths.append(metric.high - metric.low)

    assert widths[1] < widths[0] / 2


def test_bounds_are_wider_where_films_belong_to_fewer_children() -> None:
    rng = np.random.default_rng(1)
    per_child = rng.normal(0, 0.8, 40)
    z = np.tile(rng.normal(-1, 1.5, 40), 6)
    estimate = z + np.tile(per_child, 6) + rng.normal(0, 0.05, 240)

    alone = measure(estimates(list(z), list(estimate)))["mae_z"]
    grouped = measure(estimates(list(z), list(estimate), patients=40))["mae_z"]

    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_metrics_that_cannot_be_had_are_left_out() -> None:
    measured = measure(estimates([0.0, 0.5, 1.0, 1.5], [0.1, 0.3, 1.2, 1.4]))

    assert "auc" not in measured
    assert "sensitivity" not in measured
    assert measured["specificity"].value == 1.0


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([1, 1, 1, 1], 0.5), ([1, 3, 2, 3], 0.625)],
)
def test_auc_counts_pairs_and_half_ties(scores: list[float], expected: float) -> None:
    positive = np.array([False, False, True, True])

    assert auc(np.array(scores, float), positive) == pytest.approx(expected)


def test_evaluation_is_written_with_value_bounds_and_number(tmp_path: Path) -> None:
    measured = measure(estimates([-3.0, -2.5, 0.0, 1.0], [-2.4, -2.0, -0.1, 0.7]))
    evaluation = Evaluation(
        synthetic=True,
        predictor="tiny",
        films=4,
        patients=4,
        overall=measured,
        arms={"no_height_no_weight": measured},
    )

    write_evaluation(tmp_path / "evaluation.json", evaluation)

    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert set(written["overall"]["auc"]) == {"value", "low", "high", "n"}
    assert evaluation.values()["no_height_no_weight.r_z"] == round(measured["r_z"].value, 4)
    assert evaluation.summary().startswith("synthetic: 4 films of 4 children: r_z ")
