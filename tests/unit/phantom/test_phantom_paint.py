from __future__ import annotations

import numpy as np
import pytest

from screener.phantom.paint import Canvas, hose
from screener.phantom.projection import Geometry, Grid

_CANVAS = Canvas(
    geometry=Geometry(
        sid_cm=180.0, axis_to_detector_cm=0.0, facing=1, axis_z=0.0, centre=(0.0, 0.0)
    ),
    grid=Grid(left=-5.0, top=-5.0, pixel=0.1, rows=100, columns=100),
)


def test_a_polygon_covers_its_own_area() -> None:
    square = np.array([[-2.0, -1.0], [2.0, -1.0], [2.0, 3.0], [-2.0, 3.0]])

    painted = _CANVAS.filled(square)

    assert painted.sum() * 0.1**2 == pytest.approx(16.0, rel=0.08)
    assert painted[50, 50] == 1.0
    assert painted[5, 5] == 0.0


def test_a_line_is_as_wide_as_asked_for() -> None:
    painted = _CANVAS.stroke([(-4.0, 0.0, 0.0), (4.0, 0.0, 0.0)], 1.0)

    assert painted[:, 50].sum() * 0.1 == pytest.approx(1.0, abs=0.2)


def test_a_hose_is_as_deep_as_it_is_wide() -> None:
    x, y = _CANVAS.at(0.0)
    path = np.stack([np.linspace(-3, 3, 60), np.zeros(60)], axis=1)

    chord, along, off = hose(x, y, path, np.full(60, 1.0))

    assert chord.max() == pytest.approx(2.0, abs=0.02)
    assert chord[50, 50] == pytest.approx(2.0, abs=0.02)
    assert along[50, 50] == pytest.approx(3.0, abs=0.15)
    assert off[58, 50] > 0.7
    assert chord[70:].max() == 0.0


def test_a_hose_beyond_the_film_leaves_nothing() -> None:
    x, y = _CANVAS.at(0.0)
    path = np.stack([np.linspace(20, 23, 30), np.zeros(30)], axis=1)

    assert hose(x, y, path, np.full(30, 0.5))[0].max() == 0.0
