"""The network's square: exposed area, greys, geometry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from screener.dicom.pixels import Radiograph
from screener.domain.errors import ImplausibleValue
from screener.imaging.preprocess import (
    ModelInput,
    find_exposed_area,
    grey_range,
    make_thumbnail,
    prepare,
    resize,
    window,
)

Pixels = npt.NDArray[np.float32]


def body(rows: int = 900, columns: int = 700, seed: int = 0) -> Pixels:
    """Return smooth structure with noise, 0.2 to 0.8: nothing of it looks like a shutter."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    smooth = 0.5 + 0.2 * np.sin(7 * x + 1) * np.cos(5 * y) + 0.05 * np.sin(40 * x)
    noisy = smooth + rng.normal(0, 0.01, smooth.shape)
    return np.asarray(np.clip(noisy, 0.2, 0.8), np.float32)


def radiograph(pixels: Pixels, spacing_mm: tuple[float, float] = (0.2, 0.2)) -> Radiograph:
    return Radiograph(pixels=pixels, spacing_mm=spacing_mm)


def film_point(prepared: ModelInput, column: float, row: float) -> tuple[float, float]:
    """Map a point of the network's square to (column, row) of the film by its corners alone."""
    (left, top), (right, _), (_, bottom), _ = prepared.input_field.corners
    size = prepared.pixels.shape[0]
    return left + column / size * (right - left), top + row / size * (bottom - top)


def test_film_without_border_is_taken_whole() -> None:
    film = body()

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert (area.top, area.left, area.bottom, area.right) == (0, 0, 900, 700)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_shutter_is_cut_off_on_every_side(level: float) -> None:
    film = body()
    film[:100] = film[-150:] = level
    film[:, :60] = film[:, -90:] = level

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    step = 900 / 256
    for found, true in zip(
        (area.top, area.left, 900 - area.bottom, 700 - area.right), (100, 60, 150, 90), strict=True
    ):
        assert true <= found <= true + 2.5 * step


def test_scatter_behind_a_lead_shutter_does_not_hide_it() -> None:
    film = body()
    film[:, :80] = 1.0
    film[600:, :80] = np.linspace(1.0, 0.93, 80, dtype=np.float32)

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert 80 <= area.left <= 88


def test_a_saturated_abdomen_is_no_shutter() -> None:
    film = body()
    film[650:, 120:580] = 1.0

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert area.bottom == 900


@pytest.mark.parametrize("shape", [(1803, 2347), (999, 701), (257, 255)])
def test_no_line_of_an_uncut_film_is_lost_to_rounding(shape: tuple[int, int]) -> None:
    film = body(*shape)

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert (area.top, area.left, area.bottom, area.right) == (0, 0, *shape)


def test_marker_and_text_in_the_border_do_not_end_it() -> None:
    film = body()
    film[:120] = 0.0
    film[30:60, 100:180] = 1.0
    film[70:75, 50:400] = 0.9

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert 120 <= area.top <= 130


def test_dark_air_beside_the_body_is_no_border_where_it_fills_no_column() -> None:
    film = body()
    film[:500, :200] = 0.0

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert area.left == 0


def test_tilted_shutter_does_not_steer_the_greys() -> None:
    film = body()
    plain = grey_range(make_thumbnail(film), np.ones(make_thumbnail(film).shape, bool))
    y, x = np.mgrid[0:900, 0:700]
    film[y < 80 + 0.05 * x] = 0.0
    film[x < 60 + 0.05 * y] = 1.0

    area = find_exposed_area(make_thumbnail(film), film.shape)

    assert area is not None
    assert grey_range(make_thumbnail(film), area.exposed) == pytest.approx(plain, abs=0.03)


def test_film_of_one_grey_has_no_exposed_area() -> None:
    film = np.full((300, 400), 0.7, np.float32)

    assert find_exposed_area(make_thumbnail(film), film.shape) is None


def test_film_of_one_grey_is_prepared_all_the_same() -> None:
    prepared = prepare(radiograph(np.full((300, 400), 0.7, np.float32)), 64)

    assert prepared.pixels.max() == 0.0


def test_percentiles_of_the_exposed_area_become_black_and_white() -> None:
    film = body()
    film[:200] = 1.0

    prepared = prepare(radiograph(film), 256)

    inside = prepared.pixels[:, 30:-30]
    assert inside.min() == 0.0
    assert inside.max() == 1.0
    assert 0.3 < np.median(inside) < 0.7


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "border"),
    [
        ((900, 700), (0.2, 0.2), 0),
        ((700, 900), (0.2, 0.2), 0),
        ((1000, 800), (0.15, 0.15), 110),
        ((600, 900), (0.3, 0.15), 70),
        ((200, 180), (1.0, 1.0), 0),
    ],
)
def test_a_bright_dot_is_found_back_to_the_pixel(
    shape: tuple[int, int], spacing_mm: tuple[float, float], border: int
) -> None:
    film = body(*shape)
    if border:
        film[:border] = 0.0
        film[:, -border:] = 0.0
    row, column = int(shape[0] * 0.62), int(shape[1] * 0.31)
    half = 4 if min(shape) > 300 else 1
    dotted, plain = film.copy(), film.copy()
    spot = slice(row - half, row + half + 1), slice(column - half, column + half + 1)
    dotted[spot], plain[spot] = 1.0, 0.3

    prepared = prepare(radiograph(dotted, spacing_mm), 320)
    difference = np.abs(prepared.pixels - prepare(radiograph(plain, spacing_mm), 320).pixels)
    difference[difference < 0.1] = 0.0
    rows, columns = np.mgrid[0:320, 0:320] + 0.5
    centre = (
        float((columns * difference).sum() / difference.sum()),
        float((rows * difference).sum() / difference.sum()),
    )

    found = film_point(prepared, *centre)

    assert found == pytest.approx((column + 0.5, row + 0.5), abs=1.0)


def test_pixels_become_square_where_spacings_differ() -> None:
    film = body(400, 800)

    prepared = prepare(radiograph(film, (0.4, 0.2)), 200)

    assert prepared.mm_per_pixel == pytest.approx(160 / 200)
    (left, top), (right, _), (_, bottom), _ = prepared.input_field.corners
    assert (left, top, right, bottom) == pytest.approx((0, 0, 800, 400))


def test_aspect_is_kept_and_the_film_lies_in_the_middle() -> None:
    prepared = prepare(radiograph(body(800, 400)), 200)

    assert not prepared.pixels[:, :50].any()
    assert not prepared.pixels[:, 150:].any()
    assert prepared.pixels[:, 60:140].any(axis=0).all()
    (left, _), (right, _), _, _ = prepared.input_field.corners
    assert (left, right) == pytest.approx((-200, 600))


def test_scale_follows_spacing_and_not_the_number_of_pixels() -> None:
    fine, coarse = body(1000, 800), resize(body(1000, 800), 500, 400)

    prepared = [prepare(radiograph(fine, (0.1, 0.1)), 256), prepare(radiograph(coarse), 256)]

    assert prepared[0].mm_per_pixel == pytest.approx(prepared[1].mm_per_pixel)
    assert np.abs(prepared[0].pixels - prepared[1].pixels).mean() < 0.02


@pytest.mark.parametrize("spacing_mm", [(0.0, 0.2), (0.2, 12.0), (0.04, 0.2)])
def test_implausible_spacing_is_refused(spacing_mm: tuple[float, float]) -> None:
    with pytest.raises(ImplausibleValue):
        prepare(radiograph(body(100, 100), spacing_mm), 64)


def test_digest_tells_films_apart_and_repeats() -> None:
    first, again, other = (prepare(radiograph(body(seed=s)), 64) for s in (1, 1, 2))

    assert first.digest == again.digest
    assert first.digest != other.digest
    assert np.array_equal(first.pixels, again.pixels)


def test_pixels_are_what_the_contract_says() -> None:
    film = body()
    before = film.copy()

    prepared = prepare(radiograph(film), 128)

    assert prepared.pixels.dtype == np.float32
    assert prepared.pixels.shape == (128, 128)
    assert prepared.pixels.min() >= 0.0
    assert prepared.pixels.max() <= 1.0
    assert np.array_equal(film, before)


def test_window_without_width_gives_black() -> None:
    assert not window(np.ones((2, 2), np.float32), 0.5, 0.5).any()
