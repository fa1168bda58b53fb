"""Draws synthetic children: age, sex, build, and bone mineral density for age.

The cohort is one of sick children (domain.md 5.6): somewhat short, with low mineral in about a
fifth. Every number comes from the seed, and each draw has its own stream, so that fixing one of
them leaves the others as they were: two children of one seed that differ in Z only are twins.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from screener.domain.errors import OutsideReference
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference, GrowthReference
from screener.storage.references import load_bmd_reference, load_growth_reference

#: The reference that gives synthetic children their aBMD.
REFERENCE_NAME = "synthetic-demo"

_AGE_RANGE_YEARS = (3.0, 17.9)
_HEIGHT_Z = (-0.5, 1.2)
_Z = (-0.9, 1.45)
_Z_HEIGHT_CORRELATION = 0.35
_FLAT_Z = (-4.5, 3.0)
_Z_LIMITS = (-4.5, 4.0)
#: The growth charts' skewed ends describe nobody beyond these.
_GROWTH_Z_LIMITS = (-3.5, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A synthetic child and its true lumbar density.

    Parameters
    ----------
    seed
        Of every draw; the child's anatomy follows from it too.
    age_years, sex
        Decimal years; M or F.
    height_cm, weight_kg, height_z, weight_z
        Measurements and their Z for age and sex (CDC 2000).
    z
        True Z-score of the aBMD by the synthetic reference.
    abmd_g_cm2
        True L1-L4 areal bone mineral density.
    """

    seed: int
    age_years: float
    sex: Sex
    height_cm: float
    weight_kg: float
    height_z: float
    weight_z: float
    z: float
    abmd_g_cm2: float

    @property
    def key(self) -> str:
        """A digest that tells this child from every other, twins of one seed included."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def draw_child(
    seed: int,
    *,
    z: float | None = None,
    age_years: float | None = None,
    sex: Sex | None = None,
    height_z: float | None = None,
    weight_z: float | None = None,
    z_spread: float = 0.0,
) -> Child:
    """Draw a child.

    Parameters
    ----------
    seed
        0 or more.
    z, age_years, sex, height_z, weight_z
        Override single draws; the other draws stay what the seed made them. Ages are those of the
        synthetic reference, 3 to 18 years.
    z_spread
        0 draws Z as the cohort has it, N(-0.9, 1.45); 1 draws it evenly from -4.5 to 3, with the
        same rank, for a training set that sees as much of the ends as of the middle; between, a
        mixture.

    Raises
    ------
    OutsideReference
        The reference or the growth charts have nothing for this age.
    ValueError
        `z_spread` lies outside 0 to 1.

    Notes
    -----
    Source: domain.md 5.4 (build) and 5.6 (cohort).
    """
    if not 0 <= z_spread <= 1:
        raise ValueError("z_spread must lie between 0 and 1")
    years = _draw_age(seed) if age_years is None else age_years
    drawn_sex = Sex.MALE if _stream(seed, "sex").random() < 0.55 else Sex.FEMALE
    child_sex = drawn_sex if sex is None else sex
    height_score, weight_score, z_score = (
        float(score) for score in _stream(seed, "build").standard_normal(3)
    )
    drawn_height_z = _held(_HEIGHT_Z[0] + _HEIGHT_Z[1] * height_score, _GROWTH_Z_LIMITS)
    stature_z = drawn_height_z if height_z is None else height_z
    drawn_weight_z = _held(0.65 * stature_z + 0.76 * weight_score, _GROWTH_Z_LIMITS)
    heft_z = drawn_weight_z if weight_z is None else weight_z
    rho = _Z_HEIGHT_CORRELATION
    score = rho * height_score + math.sqrt(1 - rho**2) * z_score
    child_z = _draw_z(score, z_spread) if z is None else z
    growth, reference = _references()
    return Child(
        seed=seed,
        age_years=years,
        sex=child_sex,
        height_cm=growth.height_cm.value(child_sex, years, stature_z),
        weight_kg=growth.weight_kg.value(child_sex, years, heft_z),
        height_z=stature_z,
        weight_z=heft_z,
        z=child_z,
        abmd_g_cm2=_abmd(reference, child_sex, years, child_z),
    )


@lru_cache(maxsize=1)
def _references() -> tuple[GrowthReference, BmdReference]:
    return load_growth_reference(), load_bmd_reference(REFERENCE_NAME)


def _abmd(reference: BmdReference, sex: Sex, years: float, z: float) -> float:
    value = reference.abmd_g_cm2(sex=sex, age_years=years, z_score=z)
    if not 0.1 < value < 2.0:
        raise OutsideReference(f"Z = {z:.1f} is no density that a child can have")
    return value


def _draw_age(seed: int) -> float:
    # Beta(2.2, 1.25) on 3 to 17.9 years has its median at 13.0
    low, high = _AGE_RANGE_YEARS
    return low + (high - low) * float(_stream(seed, "age").beta(2.2, 1.25))


def _draw_z(score: float, spread: float) -> float:
    low, high = _FLAT_Z
    rank = 0.5 * (1 + math.erf(score / math.sqrt(2)))
    mixed = (1 - spread) * (_Z[0] + _Z[1] * score) + spread * (low + (high - low) * rank)
    return _held(mixed, _Z_LIMITS)


def _held(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _stream(seed: int, purpose: str) -> np.random.Generator:
    return stream(seed, "cohort", purpose)


def stream(*parts: int | str) -> np.random.Generator:
    """Return the random stream that belongs to some parts, the same on every machine."""
    text = "\0".join(str(part) for part in parts)
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))
