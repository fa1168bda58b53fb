"""A page of sample films, as one looks at them: greys by the header, beside each its child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from screener.phantom.film import Film
from screener.phantom.make import take
from screener.phantom.odd import ODD_KINDS
from screener.phantom.processing import GreyScale
from screener.phantom.sets import REFUSED_KINDS, Planned, plan
from screener.phantom.vendors import Voi

_COLUMNS = 4
#: Of a film's longer side.
_SIDE_PX = 620
#: Inches of the page: a film, what lies between two, below one, and above all.
_TILE_IN, _GAP_IN, _CAPTION_IN, _TITLE_IN = 4.0, 0.12, 0.52, 0.55
_PAGE = "#161616"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A film as it is shown, ``[620, 620]`` uint8, and what it is, in two lines."""

    grey: NDArray[np.uint8]
    caption: str


def draw_sheet(
    path: Path, *, count: int, seed: int, kinds: Sequence[str] = (), spacing_mm: float = 0.3
) -> None:
    """Draw a page of films.

    Parameters
    ----------
    path
        Of the PNG.
    count, seed
        The first films of the cohort ``main`` of a seed; with `kinds`, as many of each.
    kinds
        Of `sets.REFUSED_KINDS`: films that must not be estimated.
    """
    samples = []
    for index in range(count * max(len(kinds), 1)):
        if kinds:
            # the cohort deals its kinds out in turn
            place = REFUSED_KINDS.index(kinds[index % len(kinds)])
            wanted = plan(place + len(REFUSED_KINDS) * (index // len(kinds)), seed, cohort="odd")
        else:
            wanted = plan(index, seed)
        film = take(wanted, spacing_mm)
        samples.append(_sample(film, wanted))
    _page(samples, title=f"synthetic films of synthetic children, seed {seed}").savefig(
        path, dpi=100, facecolor=_PAGE
    )


def _page(samples: Sequence[Sample], *, title: str) -> Figure:
    rows = -(-len(samples) // _COLUMNS)
    width = _COLUMNS * (_TILE_IN + _GAP_IN) + _GAP_IN
    height = rows * (_TILE_IN + _CAPTION_IN) + _TITLE_IN
    figure = Figure(figsize=(width, height), facecolor=_PAGE)
    figure.text(
        _GAP_IN / width, 1 - 0.6 * _TITLE_IN / height, title, color="0.9", fontsize=14, va="center"
    )
    for place, sample in enumerate(samples):
        row, column = divmod(place, _COLUMNS)
        left = (_GAP_IN + column * (_TILE_IN + _GAP_IN)) / width
        bottom = 1 - (_TITLE_IN + row * (_TILE_IN + _CAPTION_IN) + _TILE_IN) / height
        axes = figure.add_axes((left, bottom, _TILE_IN / width, _TILE_IN / height))
        axes.axis("off")
        axes.imshow(sample.grey, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
        axes.text(
            0, -0.02, sample.caption, color="0.75", fontsize=9.5, va="top",
            transform=axes.transAxes, linespacing=1.35,
        )  # fmt: skip
    return figure


def shown(pixels: NDArray[np.uint16], scale: GreyScale, *, inverted: bool) -> NDArray[np.float32]:
    """Return stored values as the header says to show them, 0 black to 1 white.

    Notes
    -----
    Source: PS3.3 C.11.2.1.2 (linear window), C.11.2.1.3.1 (sigmoid), C.11.2.1.1 (VOI LUT).
    """
    values = pixels.astype(np.float32)
    if scale.voi is Voi.LUT and scale.lut is not None:
        at = np.clip(pixels.astype(np.int64) - scale.first, 0, len(scale.lut) - 1)
        grey = scale.lut[at].astype(np.float32) / 65535
    elif scale.voi is Voi.SIGMOID:
        grey = 1 / (1 + np.exp(-4 * (values - scale.center) / scale.width))
    else:
        grey = np.clip((values - scale.center + 0.5) / (scale.width - 1) + 0.5, 0, 1)
    return np.asarray(1 - grey if inverted else grey, dtype=np.float32)


def _sample(film: Film, wanted: Planned) -> Sample:
    grey = shown(film.pixels, film.grey_scale, inverted=film.photometric_interpretation[-1] == "1")
    scale = _SIDE_PX / max(grey.shape)
    small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    tile = np.zeros((_SIDE_PX, _SIDE_PX), dtype=np.uint8)
    rows, columns = small.shape
    top, left = (_SIDE_PX - rows) // 2, (_SIDE_PX - columns) // 2
    tile[top : top + rows, left : left + columns] = np.clip(small * 255, 0, 255)
    child = wanted.child
    what = film.extras.names.split() if wanted.kind == "chest" else [wanted.kind]
    view = "" if wanted.kind in ODD_KINDS else f" · {film.view.value}"
    return Sample(
        grey=tile,
        caption=f"synthetic · {child.sex.value} {child.age_years:.0f} y{view} · site {film.site}\n"
        + ", ".join(what).replace("_", " "),
    )
