from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screener.domain.errors import OutsideReference
from screener.domain.patient import Sex
from screener.phantom.cohort import draw_child
from screener.storage.references import load_bmd_reference, load_growth_reference


def test_the_cohort_is_that_of_the_recipe() -> None:
    children = [draw_child(seed) for seed in range(1500)]

    z = np.array([child.z for child in children])
    height_z = np.array([child.height_z for child in children])
    ages = np.array([child.age_years for child in children])
    assert z.mean() == pytest.approx(-0.9, abs=0.15)
    assert z.std() == pytest.approx(1.45, abs=0.12)
    assert (z <= -2).mean() == pytest.approx(0.22, abs=0.04)
    assert np.corrcoef(z, height_z)[0, 1] == pytest.approx(0.35, abs=0.08)
    assert ages.min() >= 3.0
    assert ages.max() <= 17.9
    assert np.median(ages) == pytest.approx(13.0, abs=0.4)


def test_one_seed_is_one_child() -> None:
    assert draw_child(5) == draw_child(5)
    assert draw_child(5).key == draw_child(5).key
    assert draw_child(5) != draw_child(6)


def test_a_given_z_changes_the_mineral_and_nothing_else() -> None:
    child = draw_child(7)

    twin = draw_child(7, z=child.z - 1)

    assert twin.abmd_g_cm2 < child.abmd_g_cm2
    assert replace(twin, z=child.z, abmd_g_cm2=child.abmd_g_cm2) == child
    assert twin.key != child.key


def test_density_height_and_weight_have_the_z_they_are_said_to_have() -> None:
    child = draw_child(11, age_years=9.5, sex=Sex.FEMALE, z=-2.5, height_z=-1.0, weight_z=0.5)

    reference, growth = load_bmd_reference("synthetic-demo"), load_growth_reference()

    assert reference.z_score(
        sex=Sex.FEMALE, age_years=9.5, abmd_g_cm2=child.abmd_g_cm2
    ) == pytest.approx(-2.5)
    height_z = growth.height_z(sex=Sex.FEMALE, age_years=9.5, height_m=child.height_cm / 100)
    assert height_z == pytest.approx(-1.0)
    weight_z = growth.weight_z(sex=Sex.FEMALE, age_years=9.5, weight_kg=child.weight_kg)
    assert weight_z == pytest.approx(0.5)


def test_a_spread_cohort_has_more_children_at_both_ends() -> None:
    plain = np.array([draw_child(seed).z for seed in range(800)])

    flat = np.array([draw_child(seed, z_spread=1.0).z for seed in range(800)])

    for count in (flat <= -3, flat >= 1.5):
        assert count.mean() > 0.15
    assert (plain <= -3).mean() < 0.12
    assert (np.argsort(plain) == np.argsort(flat)).mean() > 0.95


def test_a_spread_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="z_spread"):
        draw_child(1, z_spread=1.5)


def test_an_age_without_a_reference_is_refused() -> None:
    with pytest.raises(OutsideReference):
        draw_child(1, age_years=2.5)
