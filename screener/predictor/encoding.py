"""What the network is told beside the film, as numbers. Training and service call the same."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from screener.domain.patient import ClinicalVariables, Sex

#: Columns of the encoded vector. The last two are 1 where height and weight are known, else 0.
CLINICAL_COLUMNS = (
    "age_years",
    "male",
    "height_m",
    "weight_kg",
    "log_mm_per_pixel",
    "height_known",
    "weight_known",
)
AGE, MALE, HEIGHT, WEIGHT, LOG_MM, HEIGHT_KNOWN, WEIGHT_KNOWN = range(len(CLINICAL_COLUMNS))


def encode_clinical(clinical: ClinicalVariables, mm_per_pixel: float) -> npt.NDArray[np.float32]:
    """Return the clinical variables and the film's scale as the network takes them.

    Parameters
    ----------
    clinical
        Age in years, sex, height in m and weight in kg or missing.
    mm_per_pixel
        Detector millimetres that one network pixel covers, above 0.

    Returns
    -------
    numpy.ndarray
        ``[7]`` float32 in the order of `CLINICAL_COLUMNS`. A missing value is 0 and known as
        missing by its mask; the network standardises the rest itself.
    """
    height, weight = clinical.height_m.value, clinical.weight_kg.value
    return np.array(
        [
            clinical.age_years,
            1.0 if clinical.sex is Sex.MALE else 0.0,
            height or 0.0,
            weight or 0.0,
            math.log(mm_per_pixel),
            0.0 if height is None else 1.0,
            0.0 if weight is None else 1.0,
        ],
        dtype=np.float32,
    )


def forget(
    encoded: npt.NDArray[np.float32], *, height: bool = False, weight: bool = False
) -> npt.NDArray[np.float32]:
    """Return a copy of encoded rows ``[..., 7]`` without the height, the weight or both."""
    copy = encoded.copy()
    for column, mask, wanted in ((HEIGHT, HEIGHT_KNOWN, height), (WEIGHT, WEIGHT_KNOWN, weight)):
        if wanted:
            copy[..., [column, mask]] = 0.0
    return copy
