"""Arms and seeds on the same films."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.training.comparisons import (
    cross_fitted_probability,
    matched,
    measure_seeds,
    other_arm,
    read_arms,
    withheld_arms,
)
from screener.training.estimates import EstimationRules, estimate
from screener.training.measures import measure
from screener.training.predictions import PredictionTable, write_table
from tests.unit.training.evaluation_tables import MEAN_Z, a_card, calibrated, simulated

RULES = EstimationRules.of(a_card())


def arm_of(table: PredictionTable, r: float, seed: int = 9) -> PredictionTable:
    """Return another network's table of the same films, on a scale of its own."""
    rng = np.random.default_rng(seed)
    raw = {name: 5 + 3 * calibrated(table.z, r, rng) for name in table.raw_z}
    return dataclasses.replace(table, raw_z=raw)


@pytest.fixture(scope="module")
def table() -> PredictionTable:
    told = np.ones(800, bool)
    return simulated(800, height_known=told, weight_known=told)


def test_withholding_costs_what_the_estimates_were_made_with(table: PredictionTable) -> None:
    arms = withheld_arms(table, estimate(table, RULES), RULES)

    assert list(arms) == ["no_height", "no_weight", "no_height_no_weight"]
    both = arms["no_height_no_weight"]
    assert both.measured.metrics["r_z"].low < 0.80 < both.measured.metrics["r_z"].high
    assert both.difference["r_z"].high < 0
    assert both.difference["auc"].value < 0
    assert (
        both.measured.metrics["coverage_90"].low < 0.9 < both.measured.metrics["coverage_90"].high
    )


def test_another_arm_is_judged_by_rank_and_line_alone(table: PredictionTable) -> None:
    fused = estimate(table, RULES)

    arm = other_arm(table, fused, arm_of(table, 0.5))

    m = arm.measured.metrics
    assert m["r_z"].low < 0.5 < m["r_z"].high
    assert m["auc_delong"].value == pytest.approx(m["auc"].value)
    assert "mae_z" not in m
    assert "calibration of its own" in arm.measured.not_computed["mae_z"]
    assert arm.difference["auc"].high < 0
    own = measure(fused, RULES).metrics["auc"].value
    assert arm.difference["auc"].value == pytest.approx(m["auc"].value - own)


def test_a_difference_is_paired(table: PredictionTable) -> None:
    fused = estimate(table, RULES)
    raw = {name: values + 1.0 for name, values in table.raw_z.items()}

    same = other_arm(table, fused, dataclasses.replace(table, raw_z=raw))

    assert (same.difference["r_z"].low, same.difference["r_z"].high) == pytest.approx((0, 0))
    assert same.difference["auc"].value == 0


def test_films_are_matched_by_patient_and_path_in_any_order(table: PredictionTable) -> None:
    other = arm_of(table, 0.5).take([7, 3, 5])

    rows, raw = matched(table, other)

    assert rows == [3, 5, 7]
    assert raw.tolist() == other.raw_z["none"][[1, 2, 0]].tolist()


def test_tables_without_the_films_are_refused(table: PredictionTable) -> None:
    other = dataclasses.replace(table, patient=tuple(f"x{p}" for p in table.patient))

    with pytest.raises(ConfigurationError, match="none of the films evaluated"):
        matched(table, other)
    with pytest.raises(ConfigurationError, match="twice"):
        matched(table, table.take([0, 0]))


def test_arms_are_read_by_name(table: PredictionTable, tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", table.take(range(5)))

    arms = read_arms([f"clinical-only={tmp_path / 'a.csv'}"])

    assert list(arms) == ["clinical_only"]
    for wrong, said in (
        ("a.csv", "write NAME=FILE"),
        ("=a.csv", "write NAME=FILE"),
        ("no_height=a.csv", "there is an arm no_height already"),
        ("other=nowhere.csv", "cannot be read"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_arms([wrong])


def test_seeds_are_told_by_run(table: PredictionTable) -> None:
    runs = [arm_of(table, 0.8, seed) for seed in (21, 22, 23)]

    seeds = measure_seeds(table, estimate(table, RULES), runs)

    assert (seeds.runs, seeds.films) == (3, 800)
    assert seeds.values["r_z"] == pytest.approx([0.8] * 3, abs=0.04)
    assert len(set(seeds.values["auc"])) == 3
    with pytest.raises(ConfigurationError, match="5 of the 800 films"):
        measure_seeds(table, estimate(table, RULES), [runs[0].take(range(5))])


def test_a_cross_fitted_probability_never_saw_its_own_child() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(MEAN_Z, 1.45, 500)
    low = z <= -2
    patients = [f"{i // 2}" for i in range(500)]

    useless = cross_fitted_probability(rng.normal(0, 1, 500), low, patients)
    good = cross_fitted_probability(z, low, patients)

    assert useless is not None
    assert good is not None
    assert useless == pytest.approx(np.full(500, low.mean()), abs=0.15)
    assert good[low].mean() > 0.9
    assert cross_fitted_probability(z[:4], low[:4], patients[:4]) is None
    assert cross_fitted_probability(z, np.zeros(500, bool), patients) is None
