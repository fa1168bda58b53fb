"""Smooth random fields over a film: what tissue has of unevenness."""

from __future__ import annotations

import math

import cv2
import numpy as np

from screener.phantom.beam import FloatArray
from screener.phantom.projection import Grid


def uneven(
    grid: Grid, scales: tuple[tuple[float, float], ...], rng: np.random.Generator
) -> FloatArray:
    """Return smooth random fields, added up.

    Parameters
    ----------
    grid
        The pixels.
    scales
        Pairs of a field's length in cm and its SD.
    rng
        Draws as many numbers whatever the pixel size, so that films of one seed are alike.

    Returns
    -------
    FloatArray
        ``[rows, columns]``, about a mean of 0.
    """
    out = np.zeros((grid.rows, grid.columns), dtype=np.float32)
    for length_cm, sd in scales:
        rows = max(math.ceil(grid.rows * grid.pixel / length_cm), 2) + 3
        columns = max(math.ceil(grid.columns * grid.pixel / length_cm), 2) + 3
        coarse = rng.standard_normal((rows, columns), dtype=np.float32)
        field = cv2.resize(coarse, (grid.columns, grid.rows), interpolation=cv2.INTER_CUBIC)
        out += np.float32(sd * 1.3) * field
    return out
