"""What we know of a child: sex, age, height and weight, each with where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date
from enum import StrEnum


class Sex(StrEnum):
    """Sex as the references and the predictor know it, (0010,0040) M or F."""

    #: Male.
    MALE = "M"
    #: Female.
    FEMALE = "F"


class Source(StrEnum):
    """Where a clinical variable came from."""

    #: As the film's header has it.
    HEADER = "HEADER"
    #: From the header, after its unit was corrected (138 read as centimetres, not metres).
    HEADER_UNIT_CORRECTED = "HEADER_UNIT_CORRECTED"
    #: Computed from the header's birth date and acquisition date.
    HEADER_DATES = "HEADER_DATES"


class Absence(StrEnum):
    """Why a clinical variable is missing. It then goes to the predictor as missing."""

    #: The header does not have it, or has it empty.
    NOT_GIVEN = "NOT_GIVEN"
    #: The header says 0 or less, which modalities send for "not entered".
    ZERO = "ZERO"
    #: No unit makes the value one that a child of this age and sex can have.
    IMPLAUSIBLE = "IMPLAUSIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A clinical variable: its value, or why there is none; and its source."""

    value: float | None
    source: Source | None = None
    absence: Absence | None = None

    def __post_init__(self) -> None:
        """Either a value with its source, or the reason for its absence."""
        if (self.value is None) == (self.absence is None) or (self.value is None) == (
            self.source is not None
        ):
            raise ValueError("a measurement has a value and a source, or an absence")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalVariables:
    """What the predictor is told of a child beside the film.

    Parameters
    ----------
    age_years
        Decimal years on the day of the film, 0 to 120.
    sex
        M or F; other children are not scored.
    height_m, weight_kg
        Metres and kilograms, or missing.
    """

    age_years: float
    sex: Sex
    height_m: Measurement
    weight_kg: Measurement

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables that the predictor gets as missing, in a fixed order."""
        named = (("height", self.height_m), ("weight", self.weight_kg))
        return tuple(name for name, measurement in named if measurement.value is None)


def age_years(born_on: date, on: date) -> float:
    """Return the age in decimal years: completed years plus the share of the running one.

    Counting birthdays, and not days over 365.25, makes a child exactly 18.0 on the 18th birthday
    and less on the day before, whatever the leap years.

    Raises
    ------
    ValueError
        `on` lies before `born_on`.
    """
    if on < born_on:
        raise ValueError("the film is older than the child")
    completed = on.year - born_on.year
    if _birthday(born_on, on.year) > on:
        completed -= 1
    last = _birthday(born_on, born_on.year + completed)
    if last.year == MAXYEAR:  # 31 December 9999 is sent for "unknown"
        return float(completed)
    following = _birthday(born_on, last.year + 1)
    return completed + (on - last).days / (following - last).days


def _birthday(born_on: date, year: int) -> date:
    """Return the birthday in a year; 29 February is kept on 1 March where there is none."""
    try:
        return born_on.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
