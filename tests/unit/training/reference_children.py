"""Computed children, spread evenly over ages and centiles of a known curve."""

from __future__ import annotations

import numpy as np
from scipy import stats

from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.storage.references import load_growth_reference
from screener.training.reference_data import Measured

#: How much of Z goes with height.
SHARED = 0.4


def simulate(reference: BmdReference, count: int) -> Measured:
    """Return children of 4 to 17.5 years, half of them boys, as even as a sample can be.

    An even sample shows what the fit does, where a random one would show its own luck as well.
    """
    growth = load_growth_reference()
    rows = []
    for seed, sex in enumerate(Sex):
        unit = stats.qmc.Halton(3, scramble=True, seed=seed).random(count // 2)
        ages = 4 + 13.5 * unit[:, 0]
        height_z, other = stats.norm.ppf(unit[:, 1:]).T
        scores = SHARED * height_z + np.sqrt(1 - SHARED**2) * other
        rows += [
            (
                sex.value,
                age,
                reference.abmd_g_cm2(sex=sex, age_years=age, z_score=z),
                growth.height_cm.value(sex, age, h),
            )
            for age, z, h in zip(ages.tolist(), scores.tolist(), height_z.tolist(), strict=True)
        ]
    sex_of, age_years, abmd, height_cm = zip(*rows, strict=True)
    return Measured(
        sex=np.array(sex_of),
        age_years=np.array(age_years),
        abmd_g_cm2=np.array(abmd),
        height_cm=np.array(height_cm),
        left_out={},
    )
