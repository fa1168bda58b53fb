"""From header values to clinical variables: unit sanity, plausibility, nothing invented."""

from __future__ import annotations

from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.domain.reference import GrowthReference

#: Modified Z-scores (`LmsTable.modified_z`) of a height that may be true. Sick children are often
#: far below the charts: what lies outside is an entry error.
PLAUSIBLE_HEIGHT_Z = (-8.0, 6.0)
#: Of a weight, as CDC draws the line between rare and implausible.
PLAUSIBLE_WEIGHT_Z = (-5.0, 8.0)
#: Body mass index of a living child, kg/m2, by a wide margin.
PLAUSIBLE_BMI = (7.0, 70.0)

#: What a header's number may have been typed in, as (name, factor to metres).
_LENGTH_UNITS = (("m", 1.0), ("cm", 0.01), ("mm", 0.001))
#: Likewise to kilograms.
_MASS_UNITS = (("kg", 1.0), ("g", 0.001))


def clinical_variables(
    *,
    age_years: float,
    sex: Sex,
    patient_size: float | None,
    patient_weight: float | None,
    growth: GrowthReference,
) -> ClinicalVariables:
    """Read height and weight as a film's header has them.

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

    Returns
    -------
    ClinicalVariables
        A value that no unit makes plausible is missing, and says so. Where height and weight are
        each plausible but give an impossible BMI, both are missing: we cannot tell which is wrong.

    Notes
    -----
    Source: PS3.3 C.7.2.2 (Patient Study Module); CDC cut-offs for biologically implausible values.
    """
    height = _height(patient_size, age_years, sex, growth)
    weight = _weight(patient_weight, age_years, sex, growth)
    if height.value is not None and weight.value is not None:
        bmi = weight.value / height.value**2
        if not PLAUSIBLE_BMI[0] <= bmi <= PLAUSIBLE_BMI[1]:
            height = weight = Measurement(value=None, absence=Absence.IMPLAUSIBLE)
    return ClinicalVariables(age_years=age_years, sex=sex, height_m=height, weight_kg=weight)


def _height(raw: float | None, age_years: float, sex: Sex, growth: GrowthReference) -> Measurement:
    def plausible(height_m: float) -> bool:
        z = growth.modified_height_z(sex=sex, age_years=age_years, height_m=height_m)
        if z is None:
            return 0.3 <= height_m <= 2.3  # noqa: PLR2004 - a newborn to the tallest adults, m
        return PLAUSIBLE_HEIGHT_Z[0] <= z <= PLAUSIBLE_HEIGHT_Z[1]

    for name, factor in _LENGTH_UNITS:
        if raw is not None and raw > 0 and plausible(raw * factor):
            return _found(raw * factor, corrected=name != "m")
    return _absent(raw)


def _weight(raw: float | None, age_years: float, sex: Sex, growth: GrowthReference) -> Measurement:
    def plausible(weight_kg: float) -> bool:
        z = growth.modified_weight_z(sex=sex, age_years=age_years, weight_kg=weight_kg)
        if z is None:
            return 0.3 <= weight_kg <= 350  # noqa: PLR2004 - an extreme preterm to the heaviest, kg
        return PLAUSIBLE_WEIGHT_Z[0] <= z <= PLAUSIBLE_WEIGHT_Z[1]

    for name, factor in _MASS_UNITS:
        if raw is not None and raw > 0 and plausible(raw * factor):
            return _found(raw * factor, corrected=name != "kg")
    return _absent(raw)


def _found(value: float, *, corrected: bool) -> Measurement:
    source = Source.HEADER_UNIT_CORRECTED if corrected else Source.HEADER
    return Measurement(value=value, source=source)


def _absent(raw: float | None) -> Measurement:
    if raw is None:
        return Measurement(value=None, absence=Absence.NOT_GIVEN)
    if raw <= 0:
        return Measurement(value=None, absence=Absence.ZERO)
    return Measurement(value=None, absence=Absence.IMPLAUSIBLE)
