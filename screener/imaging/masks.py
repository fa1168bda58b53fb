"""Pictures that cover a film, seen through the network's square."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from screener.domain.prediction import InputField


def read_picture(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return a picture's greys, ``[height, width]`` uint8; None where it cannot be read."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if picture is None else np.asarray(picture, np.uint8)


def on_network(
    picture: npt.NDArray[np.uint8],
    film_shape: tuple[int, ...],
    field: InputField,
    side_px: int,
) -> npt.NDArray[np.uint8]:
    """Return a picture of a film on the network's square.

    Parameters
    ----------
    picture
        ``[height, width]`` uint8 of any size; it covers the whole film.
    film_shape
        Rows and columns of the film.
    field
        The network's square on the film, in the film's pixels.
    side_px
        Side of what is returned.

    Returns
    -------
    numpy.ndarray
        ``[side, side]`` uint8, 0 beyond the film. Sampled at twice the side and halved, so that thin
        things leave their share.
    """
    rows, columns = film_shape[:2]
    scale = np.array([picture.shape[1] / columns, picture.shape[0] / rows])
    corners = np.array(field.corners[:3], np.float64) * scale
    fine = 2 * side_px
    # outer corners of pixels, as the field has them, against centres, as OpenCV has them
    target = np.array([[0, 0], [fine, 0], [fine, fine]], np.float64)
    move = cv2.getAffineTransform(
        (target - 0.5).astype(np.float32), (corners - 0.5).astype(np.float32)
    )
    drawn = cv2.warpAffine(
        picture, move, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=0.0
    )
    small = cv2.resize(drawn, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
