from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from screener.phantom.processing import GreyScale
from screener.phantom.sheet import draw_sheet, shown
from screener.phantom.vendors import Voi


def test_a_page_has_a_tile_for_each_film(tmp_path: Path) -> None:
    one, five = tmp_path / "one.png", tmp_path / "five.png"

    draw_sheet(one, count=1, seed=3, spacing_mm=2.0)
    draw_sheet(five, count=5, seed=3, spacing_mm=2.0)

    first, both = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (one, five))
    assert first is not None
    assert both is not None
    assert both.shape[0] > 1.8 * first.shape[0]
    # a film has blacks, greys and whites
    tile = np.asarray(first)[80:450, 20:400]
    assert np.ptp(tile) > 200
    assert tile.std() > 30


def test_a_page_of_films_that_must_not_be_estimated(tmp_path: Path) -> None:
    draw_sheet(tmp_path / "p.png", count=1, seed=3, kinds=("brace", "hand"), spacing_mm=2.0)

    assert (tmp_path / "p.png").stat().st_size > 20_000


def test_greys_are_those_of_the_window() -> None:
    scale = GreyScale(voi=Voi.WINDOW, center=100.5, width=201.0)
    values = np.array([[0, 100, 200]], dtype=np.uint16)

    grey = shown(values, scale, inverted=False)

    assert np.allclose(grey, [[0.0, 0.5, 1.0]])
    assert np.allclose(shown(values, scale, inverted=True), 1 - grey)
