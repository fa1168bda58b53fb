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
    #: From a table that the site imported, measured within 90 days of the film.
    IMPORTED = "IMPORTED"
    #: An operator's correction at this node.
    OPERATOR = "OPERATOR"


class Absence(StrEnum):
    """Why a clinical variable is missing. It then goes to the predictor as missing."""

    #: The header does not have it, or has it empty.
    NOT_GIVEN = "NOT_GIVEN"
    #: The header says 0 or less, which modalities send for "not entered".
    ZERO = "ZERO"
    #: No unit makes the value one that a child of this age and sex can have.
    IMPLAUSIBLE = "IMPLAUSIBLE"


class MeasuredKind(StrEnum):
    """What can be measured elsewhere than at the film."""

    #: Standing height, m.
    HEIGHT = "HEIGHT"
    #: Body weight, kg.
    WEIGHT = "WEIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A height (m) or weight (kg) that did not come with a film.

    `measured_on` is None where it was taken with each film, on the film's own day.
    """

    kind: MeasuredKind
    value: float
    measured_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A clinical variable: its value, or why there is none; and its source.

    `measured_on` is the day of a value that did not come with the film; None of one that did.
    """

    value: float | None
    source: Source | None = None
    absence: Absence | None = None
    measured_on: date | None = None

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
    sex_source, age_source
        OPERATOR where sex or birth date was corrected at this node.
    """

    age_years: float
    sex: Sex
    height_m: Measurement
    weight_kg: Measurement
    sex_source: Source = Source.HEADER
    age_source: Source = Source.HEADER_DATES

    @property
    def from_elsewhere(self) -> tuple[str, ...]:
        """The values that did not come with the film, each with its source, in a fixed order."""
        found = []
        if self.sex_source is Source.OPERATOR:
            found.append(f"sex {self.sex.value} {self.sex_source.value}")
        if self.age_source is Source.OPERATOR:
            found.append(f"age {self.age_years:.1f} {self.age_source.value}")
        for name, given in (("height", self.height_m), ("weight", self.weight_kg)):
            if given.value is not None and given.source in {Source.IMPORTED, Source.OPERATOR}:
                found.append(f"{name} {given.value:.2f} {given.source.value} {given.measured_on}")
        return tuple(found)

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
