"""The cohorts and their controls: who is number i of a set, and what its film shows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from screener.phantom.anatomy import LEVELS, build_body
from screener.phantom.cohort import stream
from screener.phantom.confounders import Extras, objects
from screener.phantom.film import MASK_SHRINK, Film
from screener.phantom.make import take
from screener.phantom.overlays import draws_new_confounder
from screener.phantom.projection import draw
from screener.phantom.scene import place
from screener.phantom.sets import COHORTS, REFUSED_KINDS, Planned, plan
from screener.phantom.technique import draw_collimation, draw_technique

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
    assert replace(lower.child, z=0.0, abmd_g_cm2=0.0) == replace(
        higher.child, z=0.0, abmd_g_cm2=0.0
    )
    a, b = film(lower), film(higher)
    assert (a.technique, a.extras, a.visible) == (b.technique, b.extras, b.visible)
    assert np.array_equal(a.spine_mask, b.spine_mask)


def test_twins_with_the_same_mineral_have_the_same_film() -> None:
    lower, higher = (plan(i, 5, cohort="twins", site="A") for i in (6, 7))

    swapped = replace(higher, shown=lower.shown)

    assert np.array_equal(film(swapped).pixels, film(lower).pixels)
    assert not np.array_equal(film(higher).pixels, film(lower).pixels)


def test_twins_of_extreme_children_stay_within_what_a_child_can_have() -> None:
    z = [plan(i, 5, cohort="twins", z_spread=1.0).child.z for i in range(400)]

    assert min(z) >= -4.5
    assert max(z) <= 4.0


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
    assert a.technique == b.technique
    assert np.array_equal(a.spine_mask, b.spine_mask)
    changed = np.abs(a.pixels.astype(float) - b.pixels) > 0.04 * a.pixels.max()
    assert changed.any()
    # in the beam, nothing but the port and its catheter differs
    near = cv2.dilate(_port_on(with_port), np.ones((9, 9), np.uint8))
    near = cv2.resize(near, changed.shape[::-1], interpolation=cv2.INTER_NEAREST)
    assert not (changed & (near == 0)).any()


def _port_on(planned: Planned) -> np.ndarray:
    """Return 1 where a film shows the child's port, at the pixels at which things are drawn."""
    child, of = planned.child, partial(stream, planned.child.seed, "film", planned.film_seed)
    body = build_body(child)
    technique = draw_technique(child, of("technique"), site=planned.site)
    field = draw_collimation(child.age_years, of("collimation"))
    placement = place(body, technique, field, pixel_mm=_COARSE_MM, rng=of("placement"))
    none = Extras(letter="", ecg_leads=False, port=True, tube=False, buttons=False, necklace=False)
    cloud = objects(body, none, np.random.default_rng(0))
    assert cloud is not None
    return np.asarray(draw(cloud, placement.geometry, placement.drawn) > 0, dtype=np.uint8)


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
    assert np.array_equal(with_it.spine_mask, without.spine_mask)
    changed = np.abs(with_it.pixels.astype(float) - without.pixels) > 0.03 * without.pixels.max()
    spine = np.repeat(np.repeat(with_it.spine_mask, MASK_SHRINK, 0), MASK_SHRINK, 1)
    spine = spine[: changed.shape[0], : changed.shape[1]]
    assert changed[spine].mean() > 0.02


def test_a_turned_trunk_and_a_curve_are_as_marked_as_their_kind_says() -> None:
    turned = film(plan(REFUSED_KINDS.index("rotated"), 10, cohort="odd"))
    curved = film(plan(REFUSED_KINDS.index("scoliosis"), 10, cohort="odd"))

    assert 25 <= abs(turned.turn_deg) <= 40
    assert 40 <= curved.cobb_deg <= 70


def test_a_marked_curve_has_its_cobb_angle_and_the_head_over_the_pelvis() -> None:
    for i in range(6):
        planned = plan(REFUSED_KINDS.index("scoliosis") + i * len(REFUSED_KINDS), 10, cohort="odd")
        body = build_body(planned.child, cobb_deg=planned.staging.cobb_deg)

        rolls = np.degrees([v.roll for v in body.vertebrae])

        assert planned.staging.cobb_deg is not None
        assert np.ptp(rolls) == pytest.approx(planned.staging.cobb_deg, rel=0.12)
        assert body.level("T1").centre[0] == pytest.approx(0.0, abs=1e-6)
        apex = max(body.vertebrae, key=lambda v: abs(v.centre[0])).name
        assert apex in {"T6", "T7", "T8", "T9", "T10"}


def test_films_of_one_child_are_several_and_alike_in_label() -> None:
    films = [plan(i, 11, films_per_child=3) for i in range(4)]

    assert [p.film_seed for p in films] == [1, 2, 3, 1]
    assert films[0].child == films[2].child
    assert films[3].child != films[0].child


def test_a_clear_set_has_no_opacity_shield_or_rods() -> None:
    planned = (plan(i, 12, clear=True) for i in range(200))
    drawn = [p for p in planned if draws_new_confounder(p.child.seed, p.film_seed)][:5]

    extras = [film(p).extras for p in drawn]

    assert len(extras) == 5
    assert not any(e.opacity or e.shield or e.over_spine for e in extras)
