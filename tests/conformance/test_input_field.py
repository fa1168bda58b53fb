"""From a mark on the film to the network's pixel, and to the line that the report draws."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.pixels import Radiograph
from screener.dicom.report import build_report
from screener.domain.identifiers import ScreeningId
from screener.domain.report import ReportClass, ResultForm
from screener.imaging.preprocess import ModelInput, prepare
from tests.conformance.contents import make_content, make_film, make_source

SIZE = 320

#: Rows and columns of the film, spacing in mm, rows and columns under shutters at its edges.
FILMS = {
    "as it is": ((600, 600), (0.2, 0.2), 0),
    "padded at its sides": ((800, 400), (0.2, 0.2), 0),
    "padded above and below": ((400, 800), (0.2, 0.2), 0),
    "cropped": ((1000, 800), (0.15, 0.15), 110),
    "pixels that are not square": ((600, 900), (0.3, 0.15), 0),
    "enlarged": ((200, 180), (1.0, 1.0), 0),
}


def film(shape: tuple[int, int], border: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    smooth = 0.5 + 0.2 * np.sin(7 * x + 1) * np.cos(5 * y) + rng.normal(0, 0.01, shape)
    pixels = np.asarray(np.clip(smooth, 0.2, 0.8), np.float32)
    if border:
        pixels[:border] = pixels[:, -border:] = 0.0
    return pixels


def network_point(prepared: ModelInput, column: float, row: float) -> tuple[float, float]:
    """Map (column, row) of the film into the network's square, by the corners alone."""
    (left, top), (right, _), (_, bottom), _ = prepared.input_field.corners
    return (column - left) / (right - left) * SIZE, (row - top) / (bottom - top) * SIZE


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("share", [(0.2, 0.2), (0.2, 0.8), (0.5, 0.5), (0.8, 0.2), (0.8, 0.8)])
def test_a_mark_on_the_film_is_where_the_field_says_in_the_networks_input(
    name: str, share: tuple[float, float]
) -> None:
    shape, spacing_mm, border = FILMS[name]
    row, column = int(shape[0] * share[0]), int(shape[1] * share[1])
    half = max(1, round(0.8 / spacing_mm[0])), max(1, round(0.8 / spacing_mm[1]))
    marked, plain = film(shape, border), film(shape, border)
    spot = tuple(slice(at - h, at + h + 1) for at, h in zip((row, column), half, strict=True))
    marked[spot], plain[spot] = 1.0, 0.3

    prepared = prepare(Radiograph(pixels=marked, spacing_mm=spacing_mm), SIZE)
    without = prepare(Radiograph(pixels=plain, spacing_mm=spacing_mm), SIZE)

    assert prepared.input_field == without.input_field
    seen = np.abs(prepared.pixels - without.pixels)
    seen[seen < 0.1] = 0.0
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    centre = (columns * seen).sum() / seen.sum(), (rows * seen).sum() / seen.sum()
    assert centre == pytest.approx(network_point(prepared, column + 0.5, row + 0.5), abs=0.6)


@pytest.mark.parametrize("name", FILMS)
def test_the_preparation_turns_and_flips_nothing(name: str) -> None:
    shape, spacing_mm, border = FILMS[name]
    prepared = prepare(Radiograph(pixels=film(shape, border), spacing_mm=spacing_mm), SIZE)

    (left, top), (right, top2), (right2, bottom), (left2, bottom2) = prepared.input_field.corners

    assert (left, top, right, bottom) == (left2, top2, right2, bottom2)
    assert left < right
    assert top < bottom


@pytest.mark.parametrize("report_class", ReportClass)
@pytest.mark.parametrize("name", FILMS)
def test_the_reports_line_is_the_field_clipped_to_the_film(
    name: str, report_class: ReportClass
) -> None:
    (rows, columns), spacing_mm, border = FILMS[name]
    pixels = film((rows, columns), border)
    prepared = prepare(Radiograph(pixels=pixels, spacing_mm=spacing_mm), SIZE)
    field = prepared.input_field
    one = make_film(1)
    facts = replace(one.header.pixels, rows=rows, columns=columns)
    one = replace(
        one,
        header=replace(one.header, pixels=facts),
        prediction=replace(one.prediction, input_field=field),
    )
    source = make_source(1, Rows=rows, Columns=columns, PixelData=bytes(2 * rows * columns))

    made = build_report(
        make_content((one,)), ResultForm(report_class=report_class), {ScreeningId(1): source}
    )

    line = _coordinates(dcmread(BytesIO(made.encoded)))
    closed = [*field.corners, field.corners[0]]
    wanted = [(min(max(x, 0.0), columns), min(max(y, 0.0), rows)) for x, y in closed]
    assert line == [np.float32(number) for point in wanted for number in point]


def _coordinates(item: Dataset) -> list[float]:
    found: list[float] = list(item.get("GraphicData", ()))
    for inner in item.get("ContentSequence", ()):
        found += _coordinates(inner)
    return found
