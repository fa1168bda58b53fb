"""The phrases that sentences and pictures are made of: numbers, ages, coded reasons, inputs."""

from __future__ import annotations

import math
import re
from datetime import date

from screener.domain.catalogue import Catalogue
from screener.domain.patient import ClinicalVariables, Measurement, Sex, Source


def abmd_words(say: Catalogue, low: float, value: float, high: float) -> str:
    """Return an aBMD with its interval, two decimals, g/cm2."""
    return say("abmd", low=low, value=value, high=high)


def z_words(say: Catalogue, low: float, value: float, high: float) -> str:
    """Return a Z-score with its interval, one decimal."""
    return say("z", low=low, value=value, high=high)


def age_words(say: Catalogue, age_years: float) -> str:
    """Return an age with one decimal, never rounded up to the next birthday."""
    return say("age", years=math.floor(age_years * 10) / 10)


def sex_words(say: Catalogue, sex: Sex) -> str:
    """Return a sex in words."""
    return say(f"sex.{sex.value}")


def reason_words(say: Catalogue, reason: str) -> str:
    """Return a coded reason in words; an unknown code in its own."""
    return say.known(f"reason.{reason}") or reason.lower().replace("_", " ")


def input_words(say: Catalogue, name: str) -> str:
    """Return one of the predictor's inputs in a clinician's words."""
    return say.known(f"input.{name}") or name


def clinical_words(
    say: Catalogue, clinical: ClinicalVariables, acquired_on: date | None = None
) -> str:
    """Return the clinical variables used and missing, each with its source.

    Parameters
    ----------
    clinical
        What the predictor was told.
    acquired_on
        The day of the film; values from elsewhere say how far from it they were measured.
    """
    age, sex = ("", "")
    if clinical.age_source is Source.OPERATOR:
        age = ".corrected"
    if clinical.sex_source is Source.OPERATOR:
        sex = ".corrected"
    used = [
        say(f"used.age{age}", age=age_words(say, clinical.age_years)),
        say(f"used.sex{sex}", sex=sex_words(say, clinical.sex)),
    ]
    missing = []
    for name, measurement in (("height", clinical.height_m), ("weight", clinical.weight_kg)):
        if measurement.value is None:
            missing.append(say(f"missing.{name}", absence=_absence_words(say, measurement)))
        else:
            source = _source_words(say, measurement, acquired_on)
            used.append(say(f"used.{name}", value=measurement.value, source=source))
    join = say("join.list").join
    return say("variables", used=join(used), missing=join(missing) or say("none"))


def _source_words(say: Catalogue, measurement: Measurement, acquired_on: date | None) -> str:
    source = say(f"source.{measurement.source}")
    if measurement.measured_on is None or acquired_on is None:
        return source
    measured = measured_words(say, (measurement.measured_on - acquired_on).days)
    return say("source.measured", source=source, measured=measured)


def measured_words(say: Catalogue, days_after: int) -> str:
    """Return when a value was measured, counted in days from the film; below 0 is before it."""
    if days_after == 0:
        return say("measured.same_day")
    when = "before" if days_after < 0 else "after"
    number = "one" if abs(days_after) == 1 else "many"
    return say(f"measured.{when}.{number}", days=abs(days_after))


def _absence_words(say: Catalogue, measurement: Measurement) -> str:
    return say(f"absence.{measurement.absence}")


def capital(text: str) -> str:
    """Return a phrase as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def typeset(text: str) -> str:
    """Give a text its typographic signs, for pictures and pages."""
    text = re.sub(r"(?<![\w-])-(?=\d)", "\N{MINUS SIGN}", text)
    text = re.sub(r"\bZ (?=[\N{MINUS SIGN}<\d])", "Z\N{NO-BREAK SPACE}", text)
    text = text.replace(" - ", " \N{EN DASH} ").replace("<=", "\N{LESS-THAN OR EQUAL TO}")
    return text.replace("g/cm2", "g/cm\N{SUPERSCRIPT TWO}")
