"""Is there a film to estimate from? A blank one is a value with its reason, not an error."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from screener.dicom.pixels import Radiograph
from screener.domain.screening import NotScoredReason
from screener.imaging.preprocess import find_exposed_area, make_thumbnail

#: A smaller share of the film inside its collimation holds no chest.
MIN_EXPOSED_SHARE = 0.05
#: Less structure than this, in shares of the film's grey scale, is no body: chests have 0.1 to 0.3.
MIN_STRUCTURE = 0.03

#: Area means over so many pixels leave a body's structure, and little of the detector's noise.
_COARSE_PX = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What a film's pixels say of themselves.

    Parameters
    ----------
    exposed_share
        Of the film's area, inside the collimation; 0 to 1.
    structure
        Standard deviation of the greys there that no smooth slope explains; 0 to about 0.5.
    reason
        Why the film cannot be scored, or None.
    """

    exposed_share: float
    structure: float
    reason: NotScoredReason | None


def assess(radiograph: Radiograph) -> QualityReport:
    """Look whether a radiograph shows anything.

    Parameters
    ----------
    radiograph
        Pixels ``[height, width]`` float32 in 0..1, bone bright.

    Returns
    -------
    QualityReport
        `BLANK_FILM` where nothing is exposed, or where the exposed area shows noise and the slope
        of the beam (heel effect, distance) but no body. A vendor's automatic window stretches such
        a film to full contrast, so its range of greys tells nothing.
    """
    rows, columns = radiograph.pixels.shape
    area = find_exposed_area(make_thumbnail(radiograph.pixels), radiograph.pixels.shape)
    if area is None:
        return QualityReport(exposed_share=0.0, structure=0.0, reason=NotScoredReason.BLANK_FILM)
    exposed = radiograph.pixels[area.top : area.bottom, area.left : area.right]
    exposed_share = exposed.size / (rows * columns)
    structure = _structure(exposed)
    blank = exposed_share < MIN_EXPOSED_SHARE or structure < MIN_STRUCTURE
    return QualityReport(
        exposed_share=exposed_share,
        structure=structure,
        reason=NotScoredReason.BLANK_FILM if blank else None,
    )


def _structure(exposed: npt.NDArray[np.float32]) -> float:
    """Return the standard deviation that a quadratic surface leaves of the coarse film."""
    if min(exposed.shape) < _COARSE_PX:
        return 0.0
    coarse = cv2.resize(exposed, (_COARSE_PX, _COARSE_PX), interpolation=cv2.INTER_AREA)
    row, column = np.mgrid[-1 : 1 : _COARSE_PX * 1j, -1 : 1 : _COARSE_PX * 1j]
    terms = np.stack(
        [np.ones_like(row), row, column, row * column, row**2, column**2], axis=-1
    ).reshape(-1, 6)
    values = coarse.reshape(-1).astype(np.float64)
    coefficients, *_ = np.linalg.lstsq(terms, values, rcond=None)
    return float((values - terms @ coefficients).std())
