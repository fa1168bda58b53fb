"""A quantity that changes along the body's length alone, looked up for every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screener.phantom.beam import FloatArray

#: Step of the tables over y, in cm.
_STEP = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A quantity over y.

    Parameters
    ----------
    start
        The y of the first value, cm.
    values
        In steps of 0.05 cm.
    """

    start: float
    values: FloatArray

    def at(self, y: FloatArray) -> FloatArray:
        """Return the quantity at each y; beyond the ends, that of the end."""
        index = ((y - self.start) * (1 / _STEP)).astype(np.int32)
        return np.asarray(self.values[np.clip(index, 0, len(self.values) - 1)])


def profile(knots: list[float], values: list[float], smooth_cm: float = 0.0) -> Profile:
    """Return the quantity through some knots, smoothed over a length in cm."""
    y = np.arange(knots[0], knots[-1] + _STEP, _STEP)
    dense = np.interp(y, knots, values)
    width = int(smooth_cm / _STEP)
    if width > 1:
        kernel = np.hanning(width + 2)[1:-1]
        padded = np.pad(dense, width // 2, mode="edge")
        dense = np.convolve(padded, kernel / kernel.sum(), mode="same")
        dense = dense[width // 2 : width // 2 + len(y)]
    return Profile(start=knots[0], values=dense.astype(np.float32))
