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
        ``[side, side]`` uint8, 0 beyond the film. Sampled at twice the side and halved, so that
        thin things leave their share.
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


def cover(
    film: npt.NDArray[np.float32], region: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return a film with a region replaced by the greys about it, so that nothing of it is left.

    Parameters
    ----------
    film, region
        ``[side, side]`` float32, 0 to 1.
    """
    wide = _grown(region, film.shape[0])
    outside = (1 - wide) * (film > 0)
    sigma = 0.04 * film.shape[0]
    around = cv2.GaussianBlur(film * outside, (0, 0), sigma)
    weight = cv2.GaussianBlur(outside, (0, 0), sigma)
    # in the middle of a wide region, where none of them reaches, their mean
    mean = float((film * outside).sum() / max(float(outside.sum()), 1.0))
    filled = np.where(weight > 1e-3, around / np.maximum(weight, 1e-3), mean)  # noqa: PLR2004
    covered = np.where(film > 0, (1 - wide) * film + wide * filled, film)
    return np.asarray(covered, np.float32)


def keep_only(
    film: npt.NDArray[np.float32], region: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return a film with nothing but a region, the rest 0; arrays as for `cover`."""
    return np.asarray(film * _grown(region, film.shape[0]), np.float32)


def _grown(region: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    """Return a region grown by a fiftieth of the film: pedicles and processes reach beyond it."""
    reach = 2 * round(side / 50) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    grown = cv2.dilate((region > 0.1).astype(np.float32), kernel)  # noqa: PLR2004 - some of it
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), max(side / 200, 0.5)), np.float32)
