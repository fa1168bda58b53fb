"""Paints flat things in patient coordinates onto a film: lead, straps, rims, cords of contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from screener.phantom.beam import DoubleArray, FloatArray
from screener.phantom.cohort import stream
from screener.phantom.fields import uneven
from screener.phantom.projection import Geometry, Grid

#: Sub-pixel bits of OpenCV's drawing.
_SHIFT = 4

Points = Sequence[tuple[float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """Where things are painted: how the child is placed, and the pixels."""

    geometry: Geometry
    grid: Grid

    def at(self, z: float) -> tuple[FloatArray, FloatArray]:
        """Return x and y in cm of every pixel's ray at a depth."""
        return self.geometry.patient_plane(self.grid, z)

    def empty(self) -> FloatArray:
        """Return ``[rows, columns]`` of 0."""
        return np.zeros((self.grid.rows, self.grid.columns), dtype=np.float32)

    def rough(self, *scales: tuple[float, float], seed: int) -> FloatArray:
        """Return smooth random fields; see `screener.phantom.fields.uneven`."""
        return uneven(self.grid, scales, stream(seed, "rough"))

    def filled(self, outline: DoubleArray) -> FloatArray:
        """Return 1 within a polygon, ``[n, 2]`` u and v in cm on the detector; 0 outside it."""
        image = np.zeros((self.grid.rows, self.grid.columns), dtype=np.uint8)
        cv2.fillPoly(image, [self._fixed(outline)], 255, cv2.LINE_AA, _SHIFT)
        return np.asarray(image * np.float32(1 / 255), dtype=np.float32)

    def stroke(self, path: Points, width_cm: float, *, closed: bool = False) -> FloatArray:
        """Return 1 on a line of a width, given in patient coordinates; 0 beside it."""
        image = np.zeros((self.grid.rows, self.grid.columns), dtype=np.uint8)
        u, v, m = self.geometry.project(np.array(path, dtype=np.float32))
        thick = max(round(width_cm * float(m[0]) / self.grid.pixel), 1)
        line = self._fixed(np.stack([u, v], axis=1).astype(np.float64))
        cv2.polylines(image, [line], closed, 255, thick, cv2.LINE_AA, _SHIFT)
        return np.asarray(image * np.float32(1 / 255), dtype=np.float32)

    def _fixed(self, uv: DoubleArray) -> NDArray[np.int32]:
        pixels = (uv - [self.grid.left, self.grid.top]) / self.grid.pixel - 0.5
        return np.asarray(np.rint(pixels * 2**_SHIFT), dtype=np.int32)


def hose(
    x: FloatArray, y: FloatArray, path: DoubleArray, radius: DoubleArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the length of each ray in a hose of changing width.

    Parameters
    ----------
    x, y
        Of each ray, cm.
    path, radius
        ``[n, 2]`` and ``[n]`` cm along it, closer together than the hose is wide.

    Returns
    -------
    tuple of FloatArray
        The length in cm; how far along the hose the ray meets it, cm; and how far off its middle,
        0 to 1.
    """
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    chord = np.zeros(shape, dtype=np.float32)
    along, off = np.zeros_like(chord), np.zeros_like(chord)
    widest = float(radius.max())
    low, high = path.min(axis=0) - widest, path.max(axis=0) + widest
    inside = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return chord, along, off
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    px, py, best = x[window], y[window], chord[window]
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    for (cx, cy), r, s in zip(path, radius, far, strict=True):
        d2 = (px - np.float32(cx)) ** 2 + (py - np.float32(cy)) ** 2
        here = np.sqrt(np.clip(np.float32(r * r) - d2, 0, None))
        more = here > best
        best[more] = here[more]
        along[window][more] = s
        off[window][more] = np.sqrt(d2[more]) / np.float32(r)
    chord *= 2
    return chord, along, off
