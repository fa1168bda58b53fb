"""Pneumonia and effusion: soft tissue where lung was, on one side."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from screener.phantom.anatomy import build_body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3
from screener.phantom.cohort import draw_child
from screener.phantom.opacities import Opacity, draw_opacity, with_opacity
from screener.phantom.projection import Geometry, Grid
from screener.phantom.thorax import trunk

GEOMETRY = Geometry(
    sid_cm=180.0, axis_to_detector_cm=12.0, facing=1, axis_z=8.0, centre=(0.0, 15.0)
)
GRID = Grid(left=-18.0, top=-18.0, pixel=0.2, rows=180, columns=180)


def test_one_film_in_ten_has_an_opacity_whatever_the_mineral() -> None:
    drawn = Counter(o.kind for s in range(4000) if (o := draw_opacity(s, 1)) is not None)

    assert drawn.total() / 4000 == pytest.approx(0.10, abs=0.02)
    assert drawn["effusion"] / drawn.total() == pytest.approx(0.4, abs=0.1)


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


def _lost(kind: str, *, supine: bool = False, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return the lung of a child along each ray, and how much of it is filled."""
    body = build_body(draw_child(3, age_years=9.0))
    clear = trunk(body, GEOMETRY, GRID, arm_deg=20.0, thicker_cm=0.0)
    opacity = Opacity(kind=kind, side=-1, seed=seed)
    filled = with_opacity(clear, opacity, body, GEOMETRY, GRID, supine=supine)
    return clear.lung_cm, clear.lung_cm - filled.lung_cm


def _height(of: np.ndarray) -> float:
    """Return the mean row of something, over that of the grid."""
    return float((of * np.arange(GRID.rows)[:, None]).sum() / of.sum() / GRID.rows)


def test_fluid_sinks_in_a_child_who_stands_and_spreads_in_one_who_lies() -> None:
    lung, upright = _lost("effusion")
    _, lying = _lost("effusion", supine=True)

    assert _height(upright) > _height(lung) + 0.03
    assert _height(upright) > _height(lying)
    apex = np.flatnonzero((lung > 2).any(axis=1))[:8]
    assert lying[apex].max() > 0.2
    assert upright[apex].max() < 0.01


def test_fluid_fills_the_angle_between_diaphragm_and_ribs() -> None:
    for seed in range(8):
        lung, lost = _lost("effusion", seed=seed)
        # the lowest lung at the child's right side
        columns = slice(0, GRID.columns // 3)
        lowest = np.flatnonzero((lung[:, columns] > 0.5).any(axis=1))[-1]
        here = lung[lowest, columns] > 0.5
        assert (lost[lowest, columns][here] / lung[lowest, columns][here]).max() > 0.5


def test_pneumonia_leaves_air_in_the_lung() -> None:
    for seed in range(8):
        lung, lost = _lost("pneumonia", seed=seed)
        assert (lost[lung > 1] / lung[lung > 1]).max() < 0.9
