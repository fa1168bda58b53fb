"""Pictures as PNG files, for people who have no DICOM viewer at hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt


def film_picture(pixels: npt.NDArray[np.float32], longest_side: int = 900) -> npt.NDArray[np.uint8]:
    """Return a film as a small grey picture.

    Parameters
    ----------
    pixels
        ``[height, width]`` float32 in 0..1, bone bright.
    longest_side
        Of the picture, pixels; a smaller film keeps its size.

    Returns
    -------
    numpy.ndarray
        ``[height, width]`` uint8.
    """
    scale = min(1.0, longest_side / max(pixels.shape))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(shown, alpha=255.0), np.uint8)


def write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write ``[height, width]`` or ``[height, width, 3]`` RGB uint8 as a PNG file."""
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)  # noqa: PLR2004
    _, encoded = cv2.imencode(".png", bgr)
    path.write_bytes(encoded.tobytes())
