from __future__ import annotations

import numpy as np
import pytest

from screener.phantom.anatomy import Body, build_body
from screener.phantom.cohort import draw_child, stream
from screener.phantom.paint import Canvas
from screener.phantom.scene import Placement, body_outlines, place
from screener.phantom.shields import shield
from screener.phantom.technique import draw_collimation, draw_technique


def _placed(seed: int) -> tuple[Body, Placement, Canvas]:
    child = draw_child(seed)
    body = build_body(child)
    placement = place(
        body,
        draw_technique(child, stream("test", "technique", seed), site="A"),
        draw_collimation(child.age_years, stream("test", "field", seed)),
        pixel_mm=1.6,
        rng=stream("test", "place", seed),
    )
    return body, placement, Canvas(geometry=placement.geometry, grid=placement.drawn)


@pytest.fixture(scope="module")
def worn() -> list[tuple[Body, Placement, Canvas, np.ndarray]]:
    """Return shields that reach into the field, of many children."""
    found = []
    for seed in range(120):
        body, placement, canvas = _placed(seed)
        lead = shield(body, placement, canvas, stream("test", "shield", seed))
        if lead is not None:
            found.append((body, placement, canvas, lead))
    return found


def test_some_shields_are_in_the_field_and_some_are_not(
    worn: list[tuple[Body, Placement, Canvas, np.ndarray]],
) -> None:
    assert 15 < len(worn) < 100


def test_shields_are_collars_and_aprons(
    worn: list[tuple[Body, Placement, Canvas, np.ndarray]],
) -> None:
    above = [lead[: len(lead) // 2].sum() > lead[len(lead) // 2 :].sum() for *_, lead in worn]

    assert 0 < sum(above) < len(above)


def test_no_shield_covers_a_vertebra_from_t1_to_l4(
    worn: list[tuple[Body, Placement, Canvas, np.ndarray]],
) -> None:
    for body, placement, canvas, lead in worn:
        grid = canvas.grid
        outlines = body_outlines(body, placement.geometry)
        for name, outline in outlines.items():
            if name in {"C6", "C7", "L5"}:
                continue
            columns = ((outline[:, 0] - grid.left) / grid.pixel).astype(int)
            rows = ((outline[:, 1] - grid.top) / grid.pixel).astype(int)
            inside = (rows >= 0) & (rows < grid.rows) & (columns >= 0) & (columns < grid.columns)
            assert not lead[rows[inside], columns[inside]].any(), name


def test_lead_lets_nothing_through(
    worn: list[tuple[Body, Placement, Canvas, np.ndarray]],
) -> None:
    assert all(lead.max() > 5 for *_, lead in worn)
