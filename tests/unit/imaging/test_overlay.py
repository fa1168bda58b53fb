from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from screener.domain.catalogue import ENGLISH
from screener.domain.prediction import AttentionMap, InputField
from screener.domain.report import ScoredFilm
from screener.imaging.overlay import render_overlay, wash
from tests.conformance.contents import make_film

Film = npt.NDArray[np.float32]


def grey_film(rows: int = 1200, columns: int = 1000) -> Film:
    return np.full((rows, columns), 0.5, np.float32)


def film_with(attention: Film | None, field: InputField | None) -> ScoredFilm:
    film = make_film(1)
    grid = None
    if attention is not None:
        rows, columns = attention.shape
        values = tuple(float(v) for v in attention.ravel())
        grid = AttentionMap(rows=rows, columns=columns, values=values)
    prediction = replace(film.prediction, attention=grid, input_field=field)
    return replace(film, prediction=prediction)


def one_cell(row: int, column: int) -> Film:
    attention = np.zeros((8, 8), np.float32)
    attention[row, column] = 1.0
    return attention


def box(left: float, top: float, right: float, bottom: float) -> InputField:
    return InputField(corners=((left, top), (right, top), (right, bottom), (left, bottom)))


def colourfulness(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.int_]:
    channels = picture.astype(int)
    spread: npt.NDArray[np.int_] = channels.max(axis=2) - channels.min(axis=2)
    return spread


@pytest.mark.parametrize(
    ("field", "row", "column", "centre"),
    [
        (box(0, 0, 1000, 1200), 5, 2, (825.0, 312.5)),
        (box(-100, 0, 1100, 1200), 6, 4, (975.0, 575.0)),
        # a quarter turn: the network's top left is the film's top right
        (
            InputField(corners=((1000, 0), (1000, 1200), (0, 1200), (0, 0))),
            1,
            6,
            (975.0, 812.5),
        ),
    ],
)
def test_attention_falls_on_the_films_own_pixels(
    field: InputField, row: int, column: int, centre: tuple[float, float]
) -> None:
    film = film_with(one_cell(row, column), field)

    picture = render_overlay(grey_film(), film, say=ENGLISH, synthetic=False)

    strength = colourfulness(picture[60:1190, 10:990]).astype(float)
    strength[strength < 40] = 0
    y, x = np.indices(strength.shape)
    found = (
        (y * strength).sum() / strength.sum() + 60.5,
        (x * strength).sum() / strength.sum() + 10.5,
    )
    assert found == pytest.approx(centre, abs=3)


def test_faint_attention_leaves_the_film_as_it_is() -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (4, 1))

    washed = wash(grey, np.full(grey.shape, 0.15, np.float32))

    assert np.abs(washed.astype(int) - grey[:, :, None]).max() <= 1


def test_the_strongest_wash_keeps_the_films_edges_visible() -> None:
    grey = np.array([[90, 180]], np.uint8)

    dark, bright = wash(grey, np.ones(grey.shape, np.float32))[0].astype(int)

    assert (bright - dark).mean() > 30


def test_the_ramp_rises_in_lightness_with_attention() -> None:
    grey = np.full((1, 256), 120, np.uint8)
    attention = np.linspace(0, 1, 256, dtype=np.float32)[None]

    washed = wash(grey, attention)[0].astype(float)

    lightness = washed @ [0.2126, 0.7152, 0.0722]
    above = np.flatnonzero(attention[0] > 0.45)
    assert (np.diff(lightness[above]) >= -1.5).all()
    assert lightness[-1] > lightness[above[0]] + 25


def test_the_film_keeps_its_grid_and_the_caption_stands_below_it() -> None:
    pixels = grey_film(1000, 800)
    pixels[::7, ::5] = 0.9
    film = film_with(None, None)

    picture = render_overlay(pixels, film, say=ENGLISH, synthetic=False)

    assert picture.shape[1] == 800
    assert picture.shape[0] > 1000
    assert np.abs(picture[:1000, :, 0] / 255 - pixels).max() < 0.003
    assert (picture[1000:].max(axis=2) > 200).any()


def test_a_large_film_is_shrunk_to_the_longest_side() -> None:
    picture = render_overlay(grey_film(2400, 2000), make_film(1), say=ENGLISH, synthetic=False)

    assert picture.shape[1] == round(2000 * 1600 / 2400)


def test_a_small_film_is_enlarged_by_a_whole_factor() -> None:
    picture = render_overlay(
        grey_film(300, 250), film_with(None, None), say=ENGLISH, synthetic=False
    )

    assert picture.shape[1] == 750


def test_the_input_field_is_outlined_where_it_lies() -> None:
    film = film_with(np.zeros((8, 8), np.float32), box(100, 200, 900, 1100))

    picture = render_overlay(grey_film(), film, say=ENGLISH, synthetic=False)

    blue = picture.astype(int)[:, :, 2] - picture.astype(int)[:, :, 0]
    rows, columns = np.nonzero(blue[:1200] > 90)
    assert (columns.min(), rows.min()) == pytest.approx((100, 200), abs=3)
    assert (columns.max(), rows.max()) == pytest.approx((900, 1100), abs=3)


def test_a_field_beyond_the_film_is_outlined_at_the_films_edge() -> None:
    film = film_with(np.zeros((8, 8), np.float32), box(-100, 0, 1100, 1200))

    picture = render_overlay(grey_film(), film, say=ENGLISH, synthetic=False)

    assert colourfulness(picture[300:1100, :8]).max() > 90
    assert colourfulness(picture[300:1100, -8:]).max() > 90


def test_a_synthetic_picture_differs_in_its_caption_only() -> None:
    pixels, film = grey_film(), make_film(1)

    real = render_overlay(pixels, film, say=ENGLISH, synthetic=False)
    synthetic = render_overlay(pixels, film, say=ENGLISH, synthetic=True)

    assert np.array_equal(real[:1200], synthetic[:1200])
    assert real.shape != synthetic.shape or not np.array_equal(real, synthetic)


def test_the_same_film_gives_the_same_picture() -> None:
    pixels, film = grey_film(), make_film(1)

    once = render_overlay(pixels, film, say=ENGLISH, synthetic=True, reference="synthetic-demo 1")
    again = render_overlay(pixels, film, say=ENGLISH, synthetic=True, reference="synthetic-demo 1")

    assert np.array_equal(once, again)


@pytest.mark.parametrize("shape", [(700, 2400), (2400, 700), (64, 48)])
def test_films_of_unusual_shape_get_their_caption(shape: tuple[int, int]) -> None:
    picture = render_overlay(grey_film(*shape), make_film(1), say=ENGLISH, synthetic=True)

    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    # nothing is cut off at the right: the caption's last columns are empty
    assert picture[-40:, -4:].max() == 0
