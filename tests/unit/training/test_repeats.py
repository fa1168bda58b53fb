"""Several films of a child."""

from __future__ import annotations

import numpy as np
import pytest

from screener.training.estimates import EstimationRules, estimate
from screener.training.repeats import films_per_child, repeatability
from tests.unit.training.evaluation_tables import SD_Z, R, a_card, simulated

RULES = EstimationRules.of(a_card())


def test_each_row_counts_children_with_so_many_films_once() -> None:
    table = simulated(900, films_per_patient=3)
    found = films_per_child(table, estimate(table, RULES), RULES)

    assert [(row.films, row.children) for row in found] == [(1, 300), (2, 300), (3, 300)]
    first = found[0]
    assert first.mean == first.any_flagged == first.first_film
    for row in found:
        assert row.mean["sensitivity"].n == row.positives
        assert row.mean["specificity"].n == row.children - row.positives
        assert row.first_film == first.first_film


def test_a_mean_finds_as_much_with_fewer_in_vain_and_any_flags_more() -> None:
    table = simulated(2000, films_per_patient=4)
    found = films_per_child(table, estimate(table, RULES), RULES)[-1]

    assert found.mean["specificity"].value > found.first_film["specificity"].value
    assert found.any_flagged["sensitivity"].value > found.mean["sensitivity"].value
    assert found.any_flagged["specificity"].value < found.first_film["specificity"].value - 0.1


def test_one_film_a_child_and_twins_are_no_repeats() -> None:
    once = simulated(100)
    twins = simulated(
        100, films_per_patient=2, group=tuple(str(i // 2) for i in range(100)),
        variant=("lower", "higher") * 50,
    )  # fmt: skip

    for table in (once, twins):
        estimates = estimate(table, RULES)
        assert films_per_child(table, estimates, RULES) == ()
        assert repeatability(table, estimates) is None


def test_the_sd_within_a_child_is_that_of_the_noise() -> None:
    table = simulated(900, films_per_patient=3)

    found = repeatability(table, estimate(table, RULES))

    assert found is not None
    noise = SD_Z * R["none"] * np.sqrt(1 - R["none"] ** 2)
    assert found.children == 300
    assert found.within_child_sd_z.low < noise < found.within_child_sd_z.high
    assert found.repeatability_z.value == pytest.approx(
        2.772 * found.within_child_sd_z.value, rel=0.001
    )
