"""Coefficients of the height-adjusted Z, from the same healthy children as the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from screener.domain.lms import LmsTable
from screener.domain.patient import Sex
from screener.domain.reference import GrowthReference
from screener.training.reference_data import Measured

#: Ages of a band, from the first up to, and without, the second; years.
_BANDS = ((3.0, 7.0), (7.0, 11.0), (11.0, 15.0), (15.0, 20.0))
#: Fewer children give a band no line.
_FEWEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightLine:
    """One band's line ``Z = b0 + b1 * height Z``, with standard errors, over the ages measured."""

    sex: Sex
    age_from: float
    age_to: float
    b0: float
    b1: float
    b0_error: float
    b1_error: float
    r2: float
    children: int


def fit_height(measured: Measured, table: LmsTable, growth: GrowthReference) -> list[HeightLine]:
    """Fit what height explains of the Z for age, by sex and age band.

    Parameters
    ----------
    measured
        The children; those without a height, or off the growth chart, are passed over.
    table
        Fitted to them: it gives their Z.
    growth
        Gives their height Z.

    Returns
    -------
    list of HeightLine
        Of bands with 30 children or more.

    Notes
    -----
    Source: Zemel BS et al. J Clin Endocrinol Metab 2010;95:1265.
    """
    lines = []
    for sex in table.curves:
        first, last = table.age_range_years(sex)
        for band_from, band_to in _BANDS:
            # where nobody was measured, nothing is known
            low, high = max(band_from, first), min(band_to, last)
            rows = np.flatnonzero(
                (measured.sex == sex.value)
                & (measured.age_years >= low)
                & (measured.age_years < high)
                & np.isfinite(measured.height_cm)
            )
            pairs = []
            for row in rows:
                age = float(measured.age_years[row])
                height = growth.height_z(
                    sex=sex, age_years=age, height_m=float(measured.height_cm[row]) / 100
                )
                if height is not None:
                    z = table.z_score(sex, age, float(measured.abmd_g_cm2[row]))
                    pairs.append((height, z))
            if len(pairs) < _FEWEST:
                continue
            heights, scores = np.array(pairs).T
            if np.ptp(heights) == 0:
                continue
            line = stats.linregress(heights, scores)
            lines.append(
                HeightLine(
                    sex=sex,
                    age_from=low,
                    age_to=high,
                    b0=float(line.intercept),
                    b1=float(line.slope),
                    b0_error=float(line.intercept_stderr),
                    b1_error=float(line.stderr),
                    r2=float(line.rvalue) ** 2,
                    children=len(pairs),
                )
            )
    return lines
