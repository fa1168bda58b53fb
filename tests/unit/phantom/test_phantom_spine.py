from __future__ import annotations

import numpy as np
import pytest

from screener.domain.patient import Sex
from screener.phantom.anatomy import LEVELS, build_body, lumbar_width
from screener.phantom.cohort import Child, draw_child
from screener.phantom.projection import Geometry, Grid, draw
from screener.phantom.spine import dxa_boxes, lumbar_at_dxa, spine_bones

_CHILDREN = [
    draw_child(1, age_years=4.0, sex=Sex.FEMALE, z=-3.0),
    draw_child(2, age_years=10.0, sex=Sex.MALE, z=0.0),
    draw_child(3, age_years=16.5, sex=Sex.MALE, z=1.5),
]


@pytest.mark.parametrize("child", _CHILDREN, ids=lambda child: f"{child.age_years:g} years")
def test_integrating_the_lumbar_spine_over_the_dxa_area_gives_the_label(child: Child) -> None:
    body = build_body(child, mineral_seed=9)
    boxes = dxa_boxes(body)
    # parallel rays: the focus is a long way off
    geometry = Geometry(
        sid_cm=1e7, axis_to_detector_cm=0.0, facing=1, axis_z=0.0, centre=(0.0, 0.0)
    )
    pixel = 0.02
    grid = Grid(
        left=-4.0,
        top=float(boxes[0, 2]) - 2,
        pixel=pixel,
        rows=int((boxes[-1, 3] - boxes[0, 2] + 4) / pixel),
        columns=400,
    )

    density = draw(lumbar_at_dxa(body), geometry, grid)

    u, v = grid.axes()
    inside = np.zeros(density.shape, dtype=bool)
    for left, right, top, bottom in boxes:
        inside |= (u >= left) & (u < right) & (v >= top) & (v < bottom)
    mass = density[inside].sum(dtype=float) * pixel**2
    area = ((boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])).sum()
    assert mass / area == pytest.approx(child.abmd_g_cm2, rel=0.005)


def test_the_mean_volume_density_is_one_that_bone_can_have() -> None:
    for child in _CHILDREN:
        body = build_body(child)
        vertebra = body.level("L3")
        # two thirds of the mineral lie in the body (domain.md 5.4)
        volume = vertebra.dxa_area_cm2 * vertebra.depth
        mean = child.abmd_g_cm2 * vertebra.dxa_area_cm2 / volume
        assert 0.10 < mean < 0.40


def test_twins_differ_in_the_mineral_of_their_spines_alone() -> None:
    child = draw_child(4, z=0.0)
    low = draw_child(4, z=-2.0)

    bones = spine_bones(build_body(child, mineral_seed=3))
    fewer = spine_bones(build_body(low, mineral_seed=3))

    assert np.array_equal(bones.xyz, fewer.xyz)
    ratio = low.abmd_g_cm2 / child.abmd_g_cm2
    assert fewer.total / bones.total == pytest.approx(ratio, rel=0.02)


def test_the_spine_has_the_size_that_the_formulas_give() -> None:
    child = draw_child(6, age_years=10.0, sex=Sex.MALE, height_z=0.0)
    body = build_body(child)

    thoracic_cm = body.top("L1") - body.top("T1")

    assert [vertebra.name for vertebra in body.vertebrae] == list(LEVELS)
    assert thoracic_cm == pytest.approx(0.160 * child.height_cm, rel=0.05)
    assert lumbar_width(child) == pytest.approx(3.55, abs=0.02)
    assert body.level("L3").pitch == pytest.approx(0.0187 * child.height_cm)
