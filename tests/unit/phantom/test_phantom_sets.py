"""The cohorts and their controls: who is number i of a set, and what its film shows."""

from __future__ import annotations

import numpy as np
import pytest

from screener.phantom.anatomy import LEVELS
from screener.phantom.film import Film
from screener.phantom.make import take
from screener.phantom.sets import COHORTS, REFUSED_KINDS, Planned, plan

_COARSE_MM = 1.6


def film(planned: Planned) -> Film:
    return take(planned, _COARSE_MM)


def test_cohorts_of_one_seed_share_no_child() -> None:
    seeds = {plan(i, 3, cohort=cohort).child.seed for cohort in COHORTS for i in (0, 2)}

    assert len(seeds) == 2 * len(COHORTS)


def test_the_null_cohort_shows_the_same_film_whatever_the_label() -> None:
    planned = plan(0, 4, cohort="null", site="B")
    other = plan(0, 4, cohort="null", site="B", z_spread=1.0)

    assert planned.child.z != other.child.z
    assert planned.shown.z == other.shown.z == 0.0
    assert np.array_equal(film(planned).pixels, film(other).pixels)


def test_twins_differ_by_two_sd_of_mineral_and_in_nothing_else() -> None:
    lower, higher = (plan(i, 5, cohort="twins", site="A") for i in (6, 7))

    assert higher.child.z - lower.child.z == pytest.approx(2.0)
    assert (lower.group, lower.variant, higher.variant) == (higher.group, "lower", "higher")
    a, b = film(lower), film(higher)
    assert a.technique == b.technique
    assert np.array_equal(a.spine_mask, b.spine_mask)
    assert not np.array_equal(a.pixels, b.pixels)


def test_ports_go_with_low_z_in_the_trap() -> None:
    drawn = [plan(2 * i, 6, cohort="trap") for i in range(600)]

    ports = np.array([p.staging.port for p in drawn], float)
    z = np.array([p.child.z for p in drawn])

    assert 0.2 < ports.mean() < 0.45
    # a latent correlation of 0.6 is one of about 0.46 between Z and a yes or no
    assert np.corrcoef(-z, ports)[0, 1] == pytest.approx(0.46, abs=0.08)


def test_a_port_is_removed_and_nothing_else_is_changed() -> None:
    pairs = [(plan(2 * i, 6, cohort="trap", site="A"), plan(2 * i + 1, 6, cohort="trap", site="A"))
             for i in range(12)]  # fmt: skip
    with_port, without = next(pair for pair in pairs if pair[0].staging.port)

    a, b = film(with_port), film(without)

    assert (a.extras.port, b.extras.port) == (True, False)
    assert with_port.child == without.child
    assert with_port.group == without.group
    changed = np.abs(a.pixels.astype(float) - b.pixels) > 0.05 * a.pixels.max()
    assert 0 < changed.mean() < 0.08


def test_a_cropped_field_ends_above_the_lumbar_spine() -> None:
    for i in range(4):
        lowest = film(plan(i, 7, cohort="cropped")).lowest_visible
        assert LEVELS.index(lowest) <= LEVELS.index("T11")


def test_refused_films_are_dealt_out_evenly() -> None:
    kinds = [plan(i, 8, cohort="odd").kind for i in range(3 * len(REFUSED_KINDS))]

    assert all(kinds.count(kind) == 3 for kind in REFUSED_KINDS)


@pytest.mark.parametrize("kind", ["rods", "contrast", "brace"])
def test_what_lies_over_the_spine_changes_the_film_there(kind: str) -> None:
    planned = plan(REFUSED_KINDS.index(kind), 9, cohort="odd", site="A")
    with_it = film(planned)

    assert with_it.extras.over_spine == kind
    without = take(
        Planned(child=planned.child, shown=planned.child, film_seed=1, site="A",
                staging=type(planned.staging)(lowest=planned.staging.lowest, clear=True)),
        _COARSE_MM,
    )  # fmt: skip
    assert with_it.pixels.shape == without.pixels.shape
    assert not np.array_equal(with_it.pixels, without.pixels)


def test_a_turned_trunk_and_a_curve_are_as_marked_as_their_kind_says() -> None:
    turned = film(plan(REFUSED_KINDS.index("rotated"), 10, cohort="odd"))
    curved = film(plan(REFUSED_KINDS.index("scoliosis"), 10, cohort="odd"))

    assert 25 <= abs(turned.turn_deg) <= 40
    assert 40 <= curved.cobb_deg <= 70


def test_films_of_one_child_are_several_and_alike_in_label() -> None:
    films = [plan(i, 11, films_per_child=3) for i in range(4)]

    assert [p.film_seed for p in films] == [1, 2, 3, 1]
    assert films[0].child == films[2].child
    assert films[3].child != films[0].child


def test_a_clear_set_has_no_opacity_shield_or_rods() -> None:
    extras = [film(plan(i, 12, clear=True)).extras for i in range(12)]

    assert not any(e.opacity or e.shield or e.over_spine for e in extras)
