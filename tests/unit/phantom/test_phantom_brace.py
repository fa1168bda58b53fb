from __future__ import annotations

import numpy as np

from screener.phantom.anatomy import build_body
from screener.phantom.brace import brace
from screener.phantom.cohort import draw_child
from screener.phantom.paint import Canvas
from screener.phantom.projection import Geometry, Grid

_BODY = build_body(draw_child(3, age_years=12.0))
_CANVAS = Canvas(
    geometry=Geometry(
        sid_cm=180.0,
        axis_to_detector_cm=12.0,
        facing=1,
        axis_z=_BODY.half_depth,
        centre=(0.0, 20.0),
    ),
    grid=Grid(left=-18.0, top=-24.0, pixel=0.1, rows=480, columns=360),
)
_SEEDS = range(10)


def _axes() -> tuple[np.ndarray, np.ndarray]:
    """Return x of the columns and y of the rows."""
    x, y = _CANVAS.at(_BODY.half_depth)
    return x[0], y[:, 0]


def _braces() -> list[np.ndarray]:
    return [brace(_BODY, _CANVAS, np.random.default_rng(seed)) for seed in _SEEDS]


def test_a_shell_lies_over_the_lumbar_spine_and_none_over_the_shoulders() -> None:
    x, y = _axes()
    flank = np.abs(np.abs(x) - 0.7 * _BODY.half_width) < 1.0
    waist = np.abs(y - _BODY.level("L2").centre[1]) < 1.0
    shoulders = y < _BODY.top("T2")
    for shell in _braces():
        assert shell[np.ix_(waist, flank)].min() > 0.05
        assert np.median(shell[np.ix_(shoulders, flank)]) == 0.0


def test_a_shell_is_brightest_at_its_sides_where_the_ray_runs_along_it() -> None:
    x, y = _axes()
    waist = np.abs(y - _BODY.level("L2").centre[1]) < 0.5
    flank = np.abs(x - 0.6 * _BODY.half_width) < 1.0
    side = (x > 0.90 * _BODY.half_width) & (x < 1.10 * _BODY.half_width)
    for shell in _braces():
        assert shell[waist][:, side].max() > 2 * np.median(shell[waist][:, flank])


def test_some_are_plaster_and_some_plastic() -> None:
    _, y = _axes()
    waist = np.abs(y - _BODY.top("L5")) < 1.0
    mean = np.array([np.median(shell[waist][:, 100:140]) for shell in _braces()])

    # two walls of 4 mm polyethylene, or of 6 mm plaster
    assert (mean < 0.45).any()
    assert (mean > 0.45).any()
