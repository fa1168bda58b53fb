"""L, M and S by sex and age: the one place with the formula between a measurement and its Z."""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from screener.domain.errors import OutsideReference
from screener.domain.patient import Sex

#: |L| below this is computed as L = 0, where the power form loses its digits.
_SMALL_L = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsCurve:
    """L, M and S of one sex over age, linear between the knots.

    Parameters
    ----------
    ages_years
        Rising, at least two.
    l, m, s
        As many values; M in the measurement's unit and above 0, S without unit and above 0.
    """

    ages_years: Sequence[float]
    l: Sequence[float]  # noqa: E741 - the field's own letter
    m: Sequence[float]
    s: Sequence[float]

    def __post_init__(self) -> None:
        """Refuse a table that cannot be one."""
        if not len(self.ages_years) == len(self.l) == len(self.m) == len(self.s) >= 2:  # noqa: PLR2004
            raise ValueError("an LMS curve needs as many L, M and S as ages, and two or more")
        if any(b <= a for a, b in zip(self.ages_years, self.ages_years[1:], strict=False)):
            raise ValueError("the ages of an LMS curve must rise")
        if min(self.m) <= 0 or min(self.s) <= 0:
            raise ValueError("M and S of an LMS curve must be above 0")

    def at(self, age_years: float) -> tuple[float, float, float]:
        """Return L, M and S at an age, or raise `OutsideReference` off the table's ends."""
        ages = self.ages_years
        if not ages[0] <= age_years <= ages[-1]:
            raise OutsideReference(
                f"the reference covers {ages[0]:g} to {ages[-1]:g} years; this age lies outside"
            )
        i = min(bisect_right(ages, age_years), len(ages) - 1)
        w = (age_years - ages[i - 1]) / (ages[i] - ages[i - 1])
        return (
            (1 - w) * self.l[i - 1] + w * self.l[i],
            (1 - w) * self.m[i - 1] + w * self.m[i],
            (1 - w) * self.s[i - 1] + w * self.s[i],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsTable:
    """One measurement's LMS curves by sex.

    Notes
    -----
    Source: Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and penalized
    likelihood. Stat Med 1992;11:1305-1319.
    """

    curves: Mapping[Sex, LmsCurve]

    def z_score(self, sex: Sex, age_years: float, value: float) -> float:
        """Return how many reference SDs a measurement lies from the median for age and sex.

        Parameters
        ----------
        sex, age_years
            The child's; the age within the table.
        value
            The measurement in the table's unit, above 0.

        Raises
        ------
        OutsideReference
            No curve for this sex or age.
        ValueError
            `value` is not above 0.
        """
        if value <= 0:
            raise ValueError("a measurement must be above 0")
        l, m, s = self._curve(sex).at(age_years)  # noqa: E741
        # headers hold any number: an absurd one is infinitely far off, and no error
        ratio = max(value / m, sys.float_info.min)
        if abs(l) < _SMALL_L:
            return math.log(ratio) / s
        try:
            power = float(ratio**l)
        except OverflowError:
            power = math.inf
        return (power - 1) / (l * s)

    def modified_z(self, sex: Sex, age_years: float, value: float) -> float:
        """Return how far a measurement lies from the median, on a scale that skew cannot bend.

        Where L is below 0 the Z-score has an upper end, -1 / (L S): at most ages no weight however
        large has a Z of 6. Values are therefore judged implausible on half the distance between
        the median and 2 SD, on the measurement's own side.

        Raises
        ------
        OutsideReference
            No curve for this sex or age.

        Notes
        -----
        Source: CDC, modified Z-scores in the CDC growth charts; Freedman DS et al. Validity of the
        WHO cutoffs for biologically implausible values. Obesity 2015;23:246-252.
        """
        median = self.value(sex, age_years, 0.0)
        side = 2.0 if value >= median else -2.0
        return side * (value - median) / (self.value(sex, age_years, side) - median)

    def value(self, sex: Sex, age_years: float, z_score: float) -> float:
        """Return the measurement that lies `z_score` reference SDs from the median.

        Raises
        ------
        OutsideReference
            No curve for this sex or age, or the curve does not reach this Z (1 + L S Z <= 0).
        """
        l, m, s = self._curve(sex).at(age_years)  # noqa: E741
        if abs(l) < _SMALL_L:
            return m * math.exp(s * z_score)
        base = 1 + l * s * z_score
        if base <= 0:
            raise OutsideReference(f"the reference's curve ends before Z = {z_score:.1f}")
        return float(m * base ** (1 / l))

    def age_range_years(self, sex: Sex) -> tuple[float, float]:
        """Return the first and the last age of a sex's curve."""
        ages = self._curve(sex).ages_years
        return ages[0], ages[-1]

    def _curve(self, sex: Sex) -> LmsCurve:
        try:
            return self.curves[sex]
        except KeyError:
            raise OutsideReference(f"the reference has no curve for sex {sex.value}") from None
