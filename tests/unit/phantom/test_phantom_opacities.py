"""Pneumonia and effusion, shields and rods: drawn apart from the mineral, and soft where soft."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from screener.phantom.anatomy import build_body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3
from screener.phantom.cohort import draw_child
from screener.phantom.film import Staging, expose, spine_mask_of
from screener.phantom.opacities import Opacity, draw_opacity, with_opacity
from screener.phantom.overlays import has_rods, has_shield, shield
from screener.phantom.projection import Geometry, Grid
from screener.phantom.thorax import trunk

GEOMETRY = Geometry(
    sid_cm=180.0, axis_to_detector_cm=12.0, facing=1, axis_z=8.0, centre=(0.0, 15.0)
)
GRID = Grid(left=-18.0, top=-18.0, pixel=0.2, rows=180, columns=180)


def test_chances_are_those_of_the_recipe() -> None:
    seeds = range(4000)
    drawn = Counter(o.kind for s in seeds if (o := draw_opacity(s, 1)) is not None)

    assert sum(drawn.values()) / 4000 == pytest.approx(0.10, abs=0.02)
    assert drawn["effusion"] / sum(drawn.values()) == pytest.approx(0.4, abs=0.1)
    assert np.mean([has_shield(s, 1) for s in seeds]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([has_rods(s) for s in seeds]) == pytest.approx(0.01, abs=0.006)


@pytest.mark.parametrize("kind", ["pneumonia", "effusion"])
@pytest.mark.parametrize("side", [-1, 1])
def test_an_opacity_fills_lung_of_its_side_with_soft_tissue(kind: str, side: int) -> None:
    body = build_body(draw_child(3, age_years=9.0))
    clear = trunk(body, GEOMETRY, GRID, arm_deg=20.0, thicker_cm=0.0)

    filled = with_opacity(clear, Opacity(kind=kind, side=side, seed=5), body, GEOMETRY, GRID)

    lost = clear.lung_cm - filled.lung_cm
    assert lost.min() >= -1e-5
    assert 0.02 < lost.sum() / clear.lung_cm.sum() < 0.6
    gained = filled.soft_g_cm2 - clear.soft_g_cm2
    assert gained == pytest.approx((SOFT_G_CM3 - LUNG_G_CM3) * lost, abs=1e-4)
    x, _ = GEOMETRY.patient_plane(GRID, body.half_depth)
    other_side = np.broadcast_to(side * x < -0.5, lost.shape)
    assert lost[other_side].max() < 0.05


def test_an_effusion_lies_at_the_bottom_of_the_lung() -> None:
    body = build_body(draw_child(3, age_years=9.0))
    clear = trunk(body, GEOMETRY, GRID, arm_deg=20.0, thicker_cm=0.0)
    filled = with_opacity(clear, Opacity(kind="effusion", side=-1, seed=5), body, GEOMETRY, GRID)

    rows = np.arange(GRID.rows)[:, None]
    lost = clear.lung_cm - filled.lung_cm
    assert (lost * rows).sum() / lost.sum() > (clear.lung_cm * rows).sum() / clear.lung_cm.sum()


def test_a_shield_covers_the_pelvis_and_not_the_lumbar_spine() -> None:
    body = build_body(draw_child(8))
    rng = np.random.default_rng(0)

    lead = shield(body, body.level("L5").centre[1] + 10.0, rng)

    assert lead is not None
    assert lead.xyz[:, 1].min() > body.top("L5")
    assert shield(body, body.top("L3"), rng) is None


def test_chance_is_left_alone_by_what_is_drawn_apart() -> None:
    child = next(c for s in range(200) if draw_opacity((c := draw_child(s)).seed, 1) is not None)

    with_it = expose(child, seed=1, spacing_mm=1.6)
    without = expose(child, seed=1, spacing_mm=1.6, staging=Staging(clear=True))

    assert with_it.extras.opacity
    assert not without.extras.opacity
    assert with_it.technique == without.technique
    assert np.array_equal(with_it.spine_mask, without.spine_mask)


def test_a_mask_needs_no_film() -> None:
    child = draw_child(14)

    mask = spine_mask_of(child, seed=2, site="C", spacing_mm=1.6)

    assert np.array_equal(mask, expose(child, seed=2, site="C", spacing_mm=1.6).spine_mask)
