from __future__ import annotations

import numpy as np

from screener.phantom.anatomy import build_body
from screener.phantom.cohort import draw_child
from screener.phantom.rods import rods


def test_two_rods_run_along_the_spine_on_both_sides() -> None:
    body = build_body(draw_child(3, age_years=13.0))

    cloud = rods(body, np.random.default_rng(1))

    x, y = cloud.xyz[:, 0], cloud.xyz[:, 1]
    assert y.min() < body.level("T6").centre[1]
    assert y.max() > body.level("T12").centre[1]
    middle = np.interp(
        y, [v.centre[1] for v in body.vertebrae], [v.centre[0] for v in body.vertebrae]
    )
    aside = (x - middle) / body.level("T9").width
    left, right = float(cloud.mass[aside > 0.2].sum()), float(cloud.mass[aside < -0.2].sum())
    assert 0.5 < left / right < 2.0
    assert np.abs(aside).max() < 1.2


def test_screws_reach_into_the_bodies() -> None:
    body = build_body(draw_child(3, age_years=13.0))

    cloud = rods(body, np.random.default_rng(1))

    for name in ("T6", "T12"):
        v = body.level(name)
        near = np.abs(cloud.xyz[:, 1] - v.centre[1]) < v.height / 2
        assert cloud.xyz[near, 2].min() < v.centre[2] - v.depth


def test_small_children_have_thinner_rods() -> None:
    small, tall = (build_body(draw_child(3, age_years=years)) for years in (4.0, 16.0))

    masses = [rods(body, np.random.default_rng(2)).total / body.height for body in (small, tall)]

    assert masses[0] < 0.8 * masses[1]
