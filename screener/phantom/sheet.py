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
from screener.phantom.processing import GreyScale
from screener.phantom.sets import REFUSED_KINDS, plan
from screener.phantom.vendors import Voi

_COLUMNS = 4
_SIDE_PX = 620


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A film as it is shown, ``[height, width]`` uint8, and what it is, in two lines."""

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
        samples.append(_sample(film, wanted.kind, wanted.child.age_years, wanted.child.sex.value))
    rows = -(-len(samples) // _COLUMNS)
    figure = Figure(figsize=(4.2 * _COLUMNS, 4.7 * rows + 0.5), facecolor="black")
    figure.suptitle("synthetic films of synthetic children", color="white", fontsize=15, y=0.995)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, sample in zip(grid.flat, samples, strict=False):
        axes.imshow(sample.grey, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
        axes.set_title(sample.caption, color="0.75", fontsize=10)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=1 - 0.45 / (4.7 * rows + 0.5),
                           wspace=0.03, hspace=0.12)  # fmt: skip
    figure.savefig(path, dpi=90, facecolor="black")


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


def _sample(film: Film, kind: str, age_years: float, sex: str) -> Sample:
    grey = shown(film.pixels, film.grey_scale, inverted=film.photometric_interpretation[-1] == "1")
    scale = _SIDE_PX / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    what = "" if kind == "chest" else f" · {kind.replace('_', ' ')}"
    extras = f" · {film.extras.names}" if film.extras.names and kind == "chest" else ""
    return Sample(
        grey=np.clip(np.asarray(small) * 255, 0, 255).astype(np.uint8),
        caption=f"synthetic · {sex} {age_years:.0f} y · {film.view.value} · site {film.site}"
        f"{what}{extras}",
    )
