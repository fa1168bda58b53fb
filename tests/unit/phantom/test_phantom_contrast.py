from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from screener.phantom.anatomy import build_body
from screener.phantom.cohort import draw_child
from screener.phantom.contrast import Filling, contrast
from screener.phantom.paint import Canvas
from screener.phantom.projection import Geometry, Grid

_BODY = build_body(draw_child(3, age_years=9.0))
_CANVAS = Canvas(
    geometry=Geometry(
        sid_cm=180.0,
        axis_to_detector_cm=12.0,
        facing=1,
        axis_z=_BODY.half_depth,
        centre=(0.0, 20.0),
    ),
    grid=Grid(left=-16.0, top=-22.0, pixel=0.1, rows=440, columns=320),
)


def _filled(supine: bool, wanted: Callable[[Filling], bool]) -> Filling:
    """Return the first filling of a kind."""
    drawn = (
        contrast(_BODY, _CANVAS, np.random.default_rng(seed), supine=supine) for seed in range(30)
    )
    return next(filling for filling in drawn if wanted(filling))


def test_medium_lies_below_the_diaphragm_and_over_the_lumbar_spine() -> None:
    x, y = _CANVAS.at(_BODY.half_depth)
    x, y = x[0], y[:, 0]
    spine = np.abs(x) < _BODY.level("L2").width
    rows = (y > _BODY.top("L1")) & (y < _BODY.level("L4").centre[1])
    crossed = 0
    for seed in range(12):
        medium = contrast(_BODY, _CANVAS, np.random.default_rng(seed), supine=False).medium_g_cm2
        assert medium[y < _BODY.top("T10")].max() == 0.0
        crossed += bool((medium[rows][:, spine] > 0.3).any())
    assert crossed >= 11


def test_medium_is_denser_than_bone() -> None:
    for seed in range(6):
        medium = contrast(_BODY, _CANVAS, np.random.default_rng(seed), supine=True).medium_g_cm2
        assert medium.min() >= 0.0
        assert medium.max() > 1.0


def test_barium_of_a_child_who_stands_has_a_level_with_gas_above_it() -> None:
    standing = _filled(False, lambda filling: bool(filling.gas_cm.any()))

    gas, medium = standing.gas_cm > 0.3, standing.medium_g_cm2 > 1.0
    level = np.flatnonzero(gas.any(axis=1)).max()
    assert np.flatnonzero(medium[:, gas.any(axis=0)].any(axis=1)).min() == pytest.approx(
        level, abs=4
    )


def test_a_child_who_lies_has_no_level() -> None:
    assert not any(
        contrast(_BODY, _CANVAS, np.random.default_rng(seed), supine=True).gas_cm.any()
        for seed in range(10)
    )


def test_kidneys_excrete_on_both_sides() -> None:
    def paired(filling: Filling) -> bool:
        half = filling.medium_g_cm2.shape[1] // 2
        sums = filling.medium_g_cm2[:, :half].sum(), filling.medium_g_cm2[:, half:].sum()
        return bool(0.85 < sums[0] / sums[1] < 1.18 and filling.medium_g_cm2.max() < 3)

    kidneys = _filled(True, paired)

    assert 0.002 < (kidneys.medium_g_cm2 > 0.3).mean() < 0.05
