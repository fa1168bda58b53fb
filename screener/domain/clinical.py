"""Height and weight of a child: unit sanity, plausibility, the nearest day; nothing invented."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from screener.domain.patient import (
    Absence,
    ClinicalVariables,
    Measured,
    MeasuredKind,
    Measurement,
    Sex,
    Source,
)
from screener.domain.reference import GrowthReference

#: Modified Z-scores (`LmsTable.modified_z`) of a height that may be true. Sick children are often
#: far below the charts: what lies outside is an entry error.
PLAUSIBLE_HEIGHT_Z = (-8.0, 6.0)
#: Of a weight, as CDC draws the line between rare and implausible.
PLAUSIBLE_WEIGHT_Z = (-5.0, 8.0)
#: Body mass index of a living child, kg/m2, by a wide margin.
PLAUSIBLE_BMI = (7.0, 70.0)
#: A newborn to the tallest adults, m: of ages that no chart covers.
PLAUSIBLE_HEIGHT_M = (0.3, 2.3)
#: An extreme preterm to the heaviest, kg; likewise.
PLAUSIBLE_WEIGHT_KG = (0.3, 350.0)

#: A measurement this many days from the film, before or after, still says what the child was: the
#: fastest growing one adds 3 cm in that time. One that lies further away is not used.
MAX_DAYS_APART = 90

#: What a header's number may have been typed in, as (name, factor to metres).
_LENGTH_UNITS = (("m", 1.0), ("cm", 0.01), ("mm", 0.001))
#: Likewise to kilograms.
_MASS_UNITS = (("kg", 1.0), ("g", 0.001))

#: Whose word is taken where two values contradict each other; the lower number is believed.
_TRUST = {Source.OPERATOR: 0, Source.HEADER: 1, Source.HEADER_UNIT_CORRECTED: 1, Source.IMPORTED: 2}

_Plausible = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class _Known:
    """A value that may be true, and where it came from."""

    value: float
    source: Source
    measured_on: date | None = None

    @property
    def trust(self) -> int:
        return _TRUST[self.source]


def clinical_variables(
    *,
    age_years: float,
    sex: Sex,
    patient_size: float | None,
    patient_weight: float | None,
    growth: GrowthReference,
    acquired_on: date | None = None,
    imported: Sequence[Measured] = (),
    corrected: Sequence[Measured] = (),
) -> ClinicalVariables:
    """Choose height and weight: an operator's word, else the film's header, else an import.

    Parameters
    ----------
    age_years, sex
        Of the child on the day of the film.
    patient_size
        (0010,1020), defined in metres; modalities also send centimetres, and 0 for "not entered".
    patient_weight
        (0010,1030), defined in kilograms; some send grams.
    growth
        The charts that plausibility is judged by. Beyond their ages only absolute bounds hold.
    acquired_on
        The day of the film; without it nothing but the header is used.
    imported
        What the site measured elsewhere, m and kg; the nearest plausible one counts, and none that
        lies more than `MAX_DAYS_APART` days from the film.
    corrected
        An operator's values, m and kg; the same bound holds.

    Returns
    -------
    ClinicalVariables
        A value that no unit makes plausible is missing, and says so; the units of other values
        than the header's are known and never guessed. Where height and weight are each plausible
        but give an impossible BMI, the one that is less to be believed is missing; where both come
        from the same source both are, for we cannot tell which is wrong.

    Notes
    -----
    Source: PS3.3 C.7.2.2 (Patient Study Module); CDC cut-offs for biologically implausible values.
    """
    tall, heavy = _height_bounds(age_years, sex, growth), _weight_bounds(age_years, sex, growth)
    height, weight = MeasuredKind.HEIGHT, MeasuredKind.WEIGHT
    heights = [
        *near(corrected, height, acquired_on, tall, Source.OPERATOR),
        *_from_header(patient_size, _LENGTH_UNITS, tall),
        *near(imported, height, acquired_on, tall, Source.IMPORTED),
    ]
    weights = [
        *near(corrected, weight, acquired_on, heavy, Source.OPERATOR),
        *_from_header(patient_weight, _MASS_UNITS, heavy),
        *near(imported, weight, acquired_on, heavy, Source.IMPORTED),
    ]
    while heights and weights and not _is_bmi_plausible(heights[0].value, weights[0].value):
        by_height, by_weight = heights[0].trust, weights[0].trust
        if by_height >= by_weight:
            heights.pop(0)
        if by_weight >= by_height:
            weights.pop(0)
    return ClinicalVariables(
        age_years=age_years,
        sex=sex,
        height_m=_first(heights, patient_size),
        weight_kg=_first(weights, patient_weight),
    )


def near(
    measured: Iterable[Measured],
    kind: MeasuredKind,
    acquired_on: date | None,
    plausible: _Plausible,
    source: Source,
) -> list[_Known]:
    """Return the plausible values near a film, the nearest first.

    A value may be taken before or after the film; of two that are equally near, the one before it
    comes first.
    """
    if acquired_on is None:
        return []
    found = []
    for one in measured:
        on = one.measured_on or acquired_on
        days = (on - acquired_on).days
        if one.kind is kind and abs(days) <= MAX_DAYS_APART and plausible(one.value):
            found.append((abs(days), days, _Known(one.value, source, on)))
    return [known for _, _, known in sorted(found, key=lambda item: item[:2])]


def is_possible(measured: Measured) -> bool:
    """Return whether anybody, of whatever age and sex, has such a height or weight."""
    bounds = {MeasuredKind.HEIGHT: PLAUSIBLE_HEIGHT_M, MeasuredKind.WEIGHT: PLAUSIBLE_WEIGHT_KG}
    low, high = bounds[measured.kind]
    return low <= measured.value <= high


def contradiction(
    measured: Sequence[Measured], *, age_years: float, sex: Sex, growth: GrowthReference
) -> str | None:
    """Return which values a child of this age and sex cannot have, in a sentence, or None."""
    values = {one.kind: one.value for one in measured}
    height, weight = values.get(MeasuredKind.HEIGHT), values.get(MeasuredKind.WEIGHT)
    if height is not None and not _height_bounds(age_years, sex, growth)(height):
        return "no child of this age and sex has such a height"
    if weight is not None and not _weight_bounds(age_years, sex, growth)(weight):
        return "no child of this age and sex has such a weight"
    if height is not None and weight is not None and not _is_bmi_plausible(height, weight):
        return "no child has such a weight at such a height"
    return None


def gains_by_import(before: ClinicalVariables, now: ClinicalVariables) -> bool:
    """Return whether an import gives a value that was missing before."""
    return any(
        old.value is None and new.source is Source.IMPORTED
        for old, new in (
            (before.height_m, now.height_m),
            (before.weight_kg, now.weight_kg),
        )
    )


def _height_bounds(age_years: float, sex: Sex, growth: GrowthReference) -> _Plausible:
    def plausible(height_m: float) -> bool:
        z = growth.modified_height_z(sex=sex, age_years=age_years, height_m=height_m)
        if z is None:
            return PLAUSIBLE_HEIGHT_M[0] <= height_m <= PLAUSIBLE_HEIGHT_M[1]
        return PLAUSIBLE_HEIGHT_Z[0] <= z <= PLAUSIBLE_HEIGHT_Z[1]

    return plausible


def _weight_bounds(age_years: float, sex: Sex, growth: GrowthReference) -> _Plausible:
    def plausible(weight_kg: float) -> bool:
        z = growth.modified_weight_z(sex=sex, age_years=age_years, weight_kg=weight_kg)
        if z is None:
            return PLAUSIBLE_WEIGHT_KG[0] <= weight_kg <= PLAUSIBLE_WEIGHT_KG[1]
        return PLAUSIBLE_WEIGHT_Z[0] <= z <= PLAUSIBLE_WEIGHT_Z[1]

    return plausible


def _is_bmi_plausible(height_m: float, weight_kg: float) -> bool:
    return PLAUSIBLE_BMI[0] <= weight_kg / height_m**2 <= PLAUSIBLE_BMI[1]


def _from_header(
    raw: float | None, units: Sequence[tuple[str, float]], plausible: _Plausible
) -> list[_Known]:
    """Return a header's value in the first unit that makes it plausible."""
    for factor in (factor for _, factor in units):
        if raw is not None and raw > 0 and plausible(raw * factor):
            source = Source.HEADER if factor == 1.0 else Source.HEADER_UNIT_CORRECTED
            return [_Known(raw * factor, source)]
    return []


def _first(known: Sequence[_Known], raw: float | None) -> Measurement:
    """Return the best value that is left, or why the header has none."""
    if known:
        best = known[0]
        return Measurement(value=best.value, source=best.source, measured_on=best.measured_on)
    if raw is None:
        return Measurement(value=None, absence=Absence.NOT_GIVEN)
    if raw <= 0:
        return Measurement(value=None, absence=Absence.ZERO)
    return Measurement(value=None, absence=Absence.IMPLAUSIBLE)
