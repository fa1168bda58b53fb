"""What an operator says of a study's child in place of its films' headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from screener.domain.clinical import MAX_DAYS_APART, contradiction, is_possible
from screener.domain.instance import InstanceHeader
from screener.domain.judgement import age_on_film, sex_on_film
from screener.domain.patient import Measured, MeasuredKind, Sex
from screener.domain.reference import GrowthReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One correction of a study, as an operator enters it.

    Parameters
    ----------
    height_m, weight_kg
        Metres and kilograms.
    sex, birth_date
        Of the child.
    measured_on
        When height and weight were taken; None stands for each film's own day.
    """

    height_m: float | None = None
    weight_kg: float | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    measured_on: date | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The names of what it corrects, in a fixed order."""
        named = (
            ("height", self.height_m),
            ("weight", self.weight_kg),
            ("sex", self.sex),
            ("birth date", self.birth_date),
        )
        return tuple(name for name, value in named if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What holds of a study's corrections: of each value the latest."""

    height: Measured | None = None
    weight: Measured | None = None
    sex: Sex | None = None
    birth_date: date | None = None

    @property
    def measured(self) -> tuple[Measured, ...]:
        """The corrected height and weight."""
        return tuple(value for value in (self.height, self.weight) if value is not None)

    def header(self, header: InstanceHeader) -> InstanceHeader:
        """Return a header as eligibility is asked of it; the film's own stays what it is.

        Patient's Age goes with the birth date that it was computed from.
        """
        identity = header.identity
        if self.sex is not None:
            identity = replace(identity, sex=self.sex.value)
        if self.birth_date is None:
            return replace(header, identity=identity)
        identity = replace(identity, birth_date=self.birth_date)
        return replace(header, identity=identity, patient_age=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What is known of a film's child beside the film's header."""

    imported: tuple[Measured, ...] = ()
    corrected: Corrected = field(default_factory=Corrected)


def in_force(corrections: Sequence[Correction]) -> Corrected:
    """Return what holds of a study's corrections, given from the first to the last."""
    corrected = Corrected()
    for one in corrections:
        if one.height_m is not None:
            height = Measured(
                kind=MeasuredKind.HEIGHT, value=one.height_m, measured_on=one.measured_on
            )
            corrected = replace(corrected, height=height)
        if one.weight_kg is not None:
            weight = Measured(
                kind=MeasuredKind.WEIGHT, value=one.weight_kg, measured_on=one.measured_on
            )
            corrected = replace(corrected, weight=weight)
        corrected = replace(
            corrected,
            sex=one.sex or corrected.sex,
            birth_date=one.birth_date or corrected.birth_date,
        )
    return corrected


def objection(
    correction: Correction,
    *,
    before: Sequence[Correction],
    headers: Sequence[InstanceHeader],
    growth: GrowthReference,
    today: date,
) -> str | None:
    """Return why a correction cannot be true, in a sentence, or None where it may be.

    Parameters
    ----------
    correction
        The new one.
    before
        Those that the study has already.
    headers
        Of the study's films, as far as they were read.
    growth
        The charts that plausibility is judged by.
    today
        No day after it is one on which something was measured.
    """
    days = [header.acquired_on for header in headers if header.acquired_on is not None]
    on = correction.measured_on
    if not correction.values:
        return "give one or more of height, weight, sex and birth date"
    if on is not None and correction.height_m is None and correction.weight_kg is None:
        return "a day of measurement goes with a height or a weight"
    if on is not None and on > today:
        return "the day of measurement lies in the future"
    if on is not None and days and min(abs((day - on).days) for day in days) > MAX_DAYS_APART:
        return (
            f"the measurement lies more than {MAX_DAYS_APART} days from every film of the study: "
            "a child grows, and the value is not used"
        )
    if correction.birth_date is not None and correction.birth_date > min(days, default=today):
        return "the birth date lies after the film"
    corrected = in_force((*before, correction))
    if not all(is_possible(value) for value in corrected.measured):
        return "no child has such a height or weight"
    for header in headers:
        if said := _implausible(corrected, header, growth):
            return said
    return None


def _implausible(
    corrected: Corrected, header: InstanceHeader, growth: GrowthReference
) -> str | None:
    """Return which corrected value a child of this age and sex cannot have."""
    judged = corrected.header(header)
    age, sex = age_on_film(judged), sex_on_film(judged)
    if age is None or sex is None:
        return None
    return contradiction(corrected.measured, age_years=age, sex=sex, growth=growth)
