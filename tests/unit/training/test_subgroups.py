"""Subgroups: who belongs to which, what is not given, and gaps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from screener.training.estimates import EstimationRules, estimate
from screener.training.subgroups import gaps_of, levels_of, measure_subgroups
from tests.unit.training.evaluation_tables import INTERCEPT, SLOPE, a_card, simulated

RULES = EstimationRules.of(a_card())


def test_every_film_is_in_one_level_of_every_subgroup() -> None:
    table = simulated(200)

    for name, levels in levels_of(table).items():
        assert np.sum(list(levels.values()), axis=0).tolist() == [1] * 200, name


def test_bands_of_age_end_before_a_birthday() -> None:
    ages = np.array([2.9, 3.0, 6.99, 7.0, 10.99, 11.0, 14.99, 15.0, 17.99, 18.0])
    levels = levels_of(simulated(10, age_years=ages))["age_band"]

    assert {name: np.flatnonzero(member).tolist() for name, member in levels.items()} == {
        "under 3": [0], "3-6": [1, 2], "7-10": [3, 4], "11-14": [5, 6], "15-17": [7, 8],
        "18 and over": [9],
    }  # fmt: skip


def test_an_unknown_height_and_an_unnamed_make_are_levels_of_their_own() -> None:
    table = simulated(4, height_z=np.array([-2.0, -1.9, np.nan, 0.0]), vendor=("b", "", "a", "b"))
    levels = levels_of(table)

    assert {k: v.tolist() for k, v in levels["height_z"].items()} == {
        "<= -2": [True, False, False, False],
        "> -2": [False, True, False, True],
        "unknown": [False, False, True, False],
    }
    assert list(levels["vendor"]) == ["a", "b", "not given"]


def test_a_level_with_few_low_children_has_no_sensitivity() -> None:
    table = simulated(300)
    site = ["A"] * 300
    for row in np.flatnonzero(table.z <= -2)[:9]:
        site[row] = "small"
    for row in np.flatnonzero(table.z > -2)[:40]:
        site[row] = "small"
    table = dataclasses.replace(table, site=tuple(site))

    found = measure_subgroups(table, estimate(table, RULES), RULES)["site"]

    assert (found["small"].films, found["small"].positives) == (49, 9)
    assert "sensitivity" not in found["small"].metrics
    assert "(9)" in found["small"].not_computed["sensitivity"]
    assert found["small"].metrics["specificity"].n == 40
    assert "sensitivity" in found["A"].metrics


def test_a_site_that_reads_too_high_shows_as_a_gap() -> None:
    table = simulated(1000)
    worse = np.array([site == "C" for site in table.site])
    raw = {name: values + worse * 1.0 / SLOPE for name, values in table.raw_z.items()}
    shifted = dataclasses.replace(table, raw_z=raw)
    estimates = estimate(shifted, RULES)
    subgroups = measure_subgroups(shifted, estimates, RULES)

    gap = gaps_of(shifted, estimates, RULES, subgroups)["site"]

    assert gap.least == "C"
    assert gap.sensitivity.low > 0
    assert subgroups["site"]["C"].metrics["citl"].high < 0
    best = subgroups["site"][gap.most].metrics["sensitivity"].value
    least = subgroups["site"]["C"].metrics["sensitivity"].value
    assert gap.sensitivity.value == pytest.approx(best - least)


def test_one_level_has_no_gap() -> None:
    table = simulated(100, sex=("M",) * 100)
    constant = np.full(100, (-3 - INTERCEPT) / SLOPE)
    flagged = dataclasses.replace(table, raw_z=dict.fromkeys(table.raw_z, constant))
    estimates = estimate(flagged, RULES)
    subgroups = measure_subgroups(flagged, estimates, RULES)

    gaps = gaps_of(flagged, estimates, RULES, subgroups)

    assert "sex" not in gaps
    assert "view" not in gaps
