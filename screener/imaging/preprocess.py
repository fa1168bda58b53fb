"""From a radiograph to what the network is given: one pure function per step, one `prepare`.

Training and service call the same `prepare`, so a film looks to the network as its training films
did.

    exposed_area -> grey_range -> crop, resize, window -> pad to a square
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from screener.dicom.pixels import Radiograph
from screener.domain.errors import ImplausibleValue
from screener.domain.prediction import InputField

#: Changes whenever the same film gives another input: prepared training sets are then made anew.
PREPARATION_VERSION = 1

#: Plausible detector spacing, mm; the limits of every projection radiography detector on sale.
SPACING_RANGE_MM = (0.05, 2.0)

#: Long side of the film's thumbnail, pixels: statistics do not depend on the detector's own pixel.
_THUMBNAIL_PX = 256
#: What lies this near to the film's darkest or brightest value, in shares of its range, may be a
#: shutter.
_BORDER_TOLERANCE = 0.015
#: Likewise near to the brightest behind a lead shutter, into which the body beside it scatters.
_SCATTER_TOLERANCE = 0.1
#: A row or column is border when this share of it is; the rest are markers and burnt-in text.
_BORDER_SHARE = 0.85
#: Behind a lead shutter this share is without scatter.
_UNSCATTERED_SHARE = 0.5
#: Percentiles of the exposed area that become 0 and 1.
_GREY_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposedArea:
    """The rectangle of a film inside its collimation.

    Parameters
    ----------
    top, left, bottom, right
        Film pixels; `bottom` and `right` are the first ones outside.
    exposed
        ``[height, width]`` bool over the thumbnail: inside the rectangle, and not the wedge of a
        tilted shutter that reaches into it.
    """

    top: int
    left: int
    bottom: int
    right: int
    exposed: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """What the network is given of a film.

    Parameters
    ----------
    pixels
        ``[size, size]`` float32, 0 to 1, bone bright, padded with 0.
    mm_per_pixel
        Detector millimetres that one network pixel covers, equal in both directions.
    input_field
        The network's square on the film's own pixel grid. Padding makes it reach beyond the film;
        who draws it clips it.
    digest
        SHA-256 of `pixels`, hexadecimal.
    preparation_version
        Of the code that made it; a predictor takes the preparation that it was trained with.
    """

    pixels: npt.NDArray[np.float32]
    mm_per_pixel: float
    input_field: InputField
    digest: str
    preparation_version: int = PREPARATION_VERSION


def prepare(radiograph: Radiograph, size_px: int) -> ModelInput:
    """Turn a radiograph into the square that a network of `size_px` is given.

    Parameters
    ----------
    radiograph
        Pixels ``[height, width]`` float32 in 0..1, bone bright; spacing in mm, row then column.
    size_px
        Side of the network's square, pixels.

    Returns
    -------
    ModelInput
        The exposed area with its aspect kept, in the middle of the square. Where nothing is
        exposed the whole film is taken: `quality.assess` is what refuses such a film.

    Raises
    ------
    ImplausibleValue
        The spacing lies outside 0.05 to 2 mm.

    Notes
    -----
    Spacing is at the detector, not corrected for magnification.

    Source: PS3.3 (0018,1164) Imager Pixel Spacing, C.18.6.1.2 Graphic Data; percentile window as
    in Sato Y et al. Biomedicines 2022;10:2323 and its relatives.
    """
    for name, spacing_mm in zip(
        ("row spacing", "column spacing"), radiograph.spacing_mm, strict=True
    ):
        if not SPACING_RANGE_MM[0] <= spacing_mm <= SPACING_RANGE_MM[1]:
            raise ImplausibleValue(name, spacing_mm, "mm", *SPACING_RANGE_MM)
    thumbnail = make_thumbnail(radiograph.pixels)
    area = find_exposed_area(thumbnail, radiograph.pixels.shape) or _whole(radiograph, thumbnail)
    low, high = grey_range(thumbnail, area.exposed)

    rows, columns = area.bottom - area.top, area.right - area.left
    height_mm, width_mm = rows * radiograph.spacing_mm[0], columns * radiograph.spacing_mm[1]
    mm_per_pixel = max(height_mm, width_mm) / size_px
    height = max(1, round(height_mm / mm_per_pixel))
    width = max(1, round(width_mm / mm_per_pixel))

    inside = radiograph.pixels[area.top : area.bottom, area.left : area.right]
    pad_top, pad_left = (size_px - height) // 2, (size_px - width) // 2
    pixels = np.zeros((size_px, size_px), np.float32)
    # windowed after the resize: the same to 3e-5, and a tenth of the work
    pixels[pad_top : pad_top + height, pad_left : pad_left + width] = window(
        resize(inside, height, width), low, high
    )

    row_step, column_step = rows / height, columns / width
    top, left = area.top - pad_top * row_step, area.left - pad_left * column_step
    bottom, right = top + size_px * row_step, left + size_px * column_step
    return ModelInput(
        pixels=pixels,
        mm_per_pixel=mm_per_pixel,
        input_field=InputField(
            corners=((left, top), (right, top), (right, bottom), (left, bottom))
        ),
        digest=hashlib.sha256(pixels.tobytes()).hexdigest(),
    )


def make_thumbnail(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Make a film small by area means: long side 256 pixels, or its own if that is less.

    Parameters
    ----------
    pixels
        ``[height, width]`` float32.

    Returns
    -------
    numpy.ndarray
        ``[height, width]`` float32, the same value range, without the detector's noise.
    """
    rows, columns = pixels.shape
    shrink = max(1.0, max(rows, columns) / _THUMBNAIL_PX)
    return resize(pixels, max(1, round(rows / shrink)), max(1, round(columns / shrink)))


def find_exposed_area(
    thumbnail: npt.NDArray[np.float32], film_shape: tuple[int, ...]
) -> ExposedArea | None:
    """Find the rectangle inside the shutters, black or white, drawn by the vendor or real.

    Parameters
    ----------
    thumbnail
        ``[height, width]`` float32 of the whole film.
    film_shape
        Rows and columns of the film itself.

    Returns
    -------
    ExposedArea or None
        None where all of the film is one grey. Without shutters, the whole film.

    Notes
    -----
    A shutter lies at one end of the film's greys, reaches the film's edge and fills whole rows or
    columns but for markers, burnt-in text and scatter. Saturated parts of the body reach the edge
    too, but fill no row: they stay. Each side is cut at the shutter nearest to the middle of the
    exposed pixels, so that text in the border does not end it; one more thumbnail pixel is trimmed,
    which holds the penumbra.
    """
    low, high = float(thumbnail.min()), float(thumbnail.max())
    near, nearer = _SCATTER_TOLERANCE * (high - low), _BORDER_TOLERANCE * (high - low)
    unexposed = _reaches_edge((thumbnail <= low + nearer) | (thumbnail >= high - nearer))
    scattered = _reaches_edge(thumbnail >= high - near)
    exposed = ~unexposed
    if not exposed.any():
        return None
    middle_row, middle_column = (int(np.median(found)) for found in np.nonzero(exposed))
    rows, columns = slice(0, thumbnail.shape[0]), slice(0, thumbnail.shape[1])
    # twice: beside thick side shutters, rows are judged by the columns between them
    for _ in range(2):
        rows = _between_borders(unexposed[:, columns], scattered[:, columns], middle_row)
        columns = _between_borders(unexposed[rows].T, scattered[rows].T, middle_column)
    exposed_inside = np.zeros_like(exposed)
    exposed_inside[rows, columns] = exposed[rows, columns]
    top, bottom = _on_film(rows, thumbnail.shape[0], film_shape[0])
    left, right = _on_film(columns, thumbnail.shape[1], film_shape[1])
    return ExposedArea(
        top=top,
        left=left,
        bottom=bottom,
        right=right,
        exposed=exposed_inside,
    )


def grey_range(
    thumbnail: npt.NDArray[np.float32], exposed: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the greys that become 0 and 1: percentiles 0.5 and 99.5 of the exposed pixels."""
    low, high = np.percentile(thumbnail[exposed], _GREY_PERCENTILES)
    return float(low), float(high)


def window(pixels: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.float32]:
    """Stretch `low`..`high` to 0..1, and clip. A range without width gives 0."""
    if high <= low:
        return np.zeros_like(pixels)
    stretched: npt.NDArray[np.float32] = (pixels - np.float32(low)) / np.float32(high - low)
    return np.clip(stretched, 0.0, 1.0, out=stretched)


def resize(pixels: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.float32]:
    """Resize to ``[height, width]``: area means when shrinking, linear when growing.

    Outer corners stay on outer corners, so a point maps by the ratio of the sides alone.
    """
    shrinks = height <= pixels.shape[0] and width <= pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, (width, height), interpolation=method)
    return resized.astype(np.float32, copy=False)


def _reaches_edge(candidates: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the candidates that are connected to the film's edge."""
    framed = np.pad(candidates, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(framed, connectivity=4)
    connected: npt.NDArray[np.bool_] = labels[1:-1, 1:-1] == labels[0, 0]
    return connected


def _between_borders(
    unexposed: npt.NDArray[np.bool_], scattered: npt.NDArray[np.bool_], middle: int
) -> slice:
    """Return the run of rows around `middle` that are not border, trimmed by one where cut."""
    share = unexposed.mean(axis=1)
    behind_lead = (scattered.mean(axis=1) >= _BORDER_SHARE) & (share >= _UNSCATTERED_SHARE)
    is_border = (share >= _BORDER_SHARE) | behind_lead
    before = np.flatnonzero(is_border[:middle])
    after = np.flatnonzero(is_border[middle + 1 :])
    start = int(before[-1]) + 2 if before.size else 0
    stop = middle + int(after[0]) if after.size else is_border.size
    # a slit is no field: at least the middle line stays
    return slice(min(start, middle), max(stop, middle + 1))


def _on_film(lines: slice, thumbnail_lines: int, film_lines: int) -> tuple[int, int]:
    """Return the film's whole lines inside a run of the thumbnail's lines."""
    return -(
        -lines.start * film_lines // thumbnail_lines
    ), lines.stop * film_lines // thumbnail_lines


def _whole(radiograph: Radiograph, thumbnail: npt.NDArray[np.float32]) -> ExposedArea:
    rows, columns = radiograph.pixels.shape
    return ExposedArea(
        top=0,
        left=0,
        bottom=rows,
        right=columns,
        exposed=np.ones(thumbnail.shape, np.bool_),
    )
