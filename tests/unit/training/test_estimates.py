"""From raw Z to what a report would say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.domain.threshold import ThresholdSource
from screener.storage.references import load_bmd_reference
from screener.training.estimates import (
    EstimationRules,
    check_truth,
    cluster_keys,
    estimate,
    patterns_told,
)
from tests.unit.training.evaluation_tables import (
    INTERCEPT,
    SLOPE,
    THRESHOLD_Z,
    a_card,
    simulated,
    without_rules,
)


def another_reference() -> BmdReference:
    """Return a reference whose children have 5 % more mineral at every age."""
    own = load_bmd_reference("synthetic-demo")
    curves = {
        sex: LmsCurve(
            ages_years=curve.ages_years, l=curve.l, m=[1.05 * m for m in curve.m], s=curve.s
        )
        for sex, curve in own.table.curves.items()
    }
    return dataclasses.replace(own, name="denser", table=LmsTable(curves=curves), checksum="0" * 64)


def test_z_is_recalibrated_and_abmd_is_that_of_the_reference() -> None:
    table, rules = simulated(20), EstimationRules.of(a_card())

    found = estimate(table, rules)

    expected = INTERCEPT + SLOPE * table.raw_z["none"]
    assert found.z_estimate == pytest.approx(expected)
    assert found.z_shown == pytest.approx(expected, abs=0.0501)
    assert [round(z, 1) for z in found.z_shown.tolist()] == found.z_shown.tolist()
    assert found.abmd_estimate[3] == pytest.approx(
        rules.own.abmd_g_cm2(
            sex=Sex(table.sex[3]), age_years=table.age_years[3], z_score=expected[3]
        )
    )


def test_the_threshold_is_the_cards_under_its_own_reference_alone() -> None:
    own, other = EstimationRules.of(a_card()), EstimationRules.of(a_card(), another_reference())
    bare = EstimationRules.of(without_rules(a_card()))

    assert (own.threshold_z, own.threshold_source) == (THRESHOLD_Z, ThresholdSource.PREDICTOR)
    assert (own.chosen_for, own.chosen_missing) == ("85 % sensitivity", "none")
    for rules in (other, bare):
        assert (rules.threshold_z, rules.threshold_source) == (-2.0, ThresholdSource.DEFINITION)
        assert rules.probability is None


def test_each_film_has_the_interval_of_what_is_missing_of_it() -> None:
    known = np.array([True, True, False, False])
    weight = np.array([True, False, True, False])
    table = simulated(4, height_known=known, weight_known=weight)
    rules = EstimationRules.of(a_card())
    told = ["none", "weight", "height", "height and weight"]

    assert patterns_told(table, "none") == told
    assert patterns_told(table, "height") == ["height", "height and weight"] * 2
    assert estimate(table, rules).half_width_z.tolist() == [rules.half_width_z[n] for n in told]


def test_inside_says_whether_the_interval_holds_the_truth() -> None:
    table, rules = simulated(300), EstimationRules.of(a_card())

    found = estimate(table, rules)

    apart = np.abs(found.z - found.z_estimate)
    assert found.inside.tolist() == (apart <= found.half_width_z).tolist()
    assert 0.8 < found.inside.mean() < 1


def test_another_reference_moves_truth_and_estimate_and_not_what_the_interval_holds() -> None:
    table, card = simulated(50), a_card()

    own = estimate(table, EstimationRules.of(card))
    other = estimate(table, EstimationRules.of(card, another_reference()))

    assert (other.z < own.z - 0.2).all()
    assert (other.z_estimate < own.z_estimate - 0.2).all()
    assert other.inside.tolist() == own.inside.tolist()
    assert other.abmd_estimate.tolist() == own.abmd_estimate.tolist()


def test_a_table_whose_z_is_by_another_reference_is_refused() -> None:
    table, rules = simulated(20), EstimationRules.of(a_card())
    check_truth(table, rules)

    with pytest.raises(ConfigurationError, match="belongs to another predictor"):
        check_truth(dataclasses.replace(table, z=table.z + 0.3), rules)
    with pytest.raises(ConfigurationError, match="no number above 0"):
        check_truth(dataclasses.replace(table, abmd_g_cm2=np.full(20, np.nan)), rules)


def test_films_of_a_group_belong_together() -> None:
    table = simulated(3, patient=("a", "b", "b"), group=("1", "1", ""))

    assert cluster_keys(table) == ("group 1", "group 1", "patient b")


def test_films_are_taken_in_the_order_given() -> None:
    found = estimate(simulated(5), EstimationRules.of(a_card()))

    taken = found.take([4, 1])

    assert taken.patients == (found.patients[4], found.patients[1])
    assert taken.z.tolist() == found.z[[4, 1]].tolist()
    assert taken.probability is not None
    assert found.probability is not None
    assert taken.probability.tolist() == found.probability[[4, 1]].tolist()
