"""The phrases that sentences and pictures are made of: numbers, ages, coded reasons, inputs."""

from __future__ import annotations

import math
import re
from datetime import date

from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source

_REASONS = {
    "UNREADABLE_HEADER": "the header cannot be read",
    "OWN_OBJECT": "one of this product's own objects",
    "DERIVED_IMAGE": "an image derived from another",
    "NOT_A_RADIOGRAPH": "not a CR or DX image",
    "NO_PIXEL_DATA": "no pixel data",
    "FOR_PROCESSING": "raw data for processing",
    "UNUSUAL_PIXELS": "colour, several frames or unusual bits",
    "WHOLE_SPINE": "a film of the whole spine",
    "BABYGRAM": "chest and abdomen on one film",
    "NOT_CHEST": "another part of the body",
    "REGION_UNKNOWN": "part of the body not stated",
    "LATERAL_VIEW": "lateral view",
    "OTHER_VIEW": "not a frontal view",
    "VIEW_UNKNOWN": "view not stated",
    "SEX_UNKNOWN": "sex neither M nor F",
    "ACQUISITION_DATE_MISSING": "no date of acquisition",
    "BIRTH_DATE_MISSING": "no birth date",
    "BIRTH_DATE_PLACEHOLDER": "the birth date is a placeholder",
    "AGE_CONFLICT": "age and birth date contradict each other",
    "AGE_BELOW_RANGE": "younger than the reference or the predictor reaches",
    "AGE_ABOVE_RANGE": "older than the reference or the predictor reaches",
    "FILM_TOO_OLD": "acquired too long ago, or in the future",
    "SPACING_UNKNOWN": "detector spacing not stated",
    "PREDICTOR_IS_SYNTHETIC": "the predictor has only seen synthetic children",
    "FILM_IS_SYNTHETIC": "a synthetic film",
    "TRUNCATED_PIXELS": "pixel data cut short",
    "UNREADABLE_PIXELS": "pixel data cannot be decoded",
    "BLANK_FILM": "no exposed area, or no contrast",
    "THRESHOLD_OF_OTHER_REFERENCE": "the predictor's decision threshold was fitted with another "
    "reference than the one in force",
    "NOT_HEIGHT_ADJUSTED": "the verdict rests on the height-adjusted Z, which cannot be computed "
    "for this child",
    "CLIPPED_FILM": "large parts of the film are at the ends of its grey scale",
    "NOT_FRONTAL_CHEST": "does not look like a frontal film of a chest",
    "SPINE_NOT_IN_FIELD": "the field ends above the lumbar spine",
    "HARDWARE_OVER_SPINE": "hardware over the spine",
    "CONTRAST_MEDIUM": "contrast medium over the spine",
    "BRACE_OR_CAST": "a brace or a cast over the spine",
    "SCOLIOSIS_OR_ROTATION": "marked scoliosis or rotation",
    "UNLIKE_TRAINING": "unlike the films that the predictor was trained on",
    "SAME_PIXELS_IN_STUDY": "the same pixels as another film of the study",
    "PREDICTOR_MISMATCH": "film and predictor do not fit",
    "SAME_INSTANCE_AGAIN": "received before",
    "PIXELS_DIFFER": "received before with other pixels",
    "REJECTED_BY_NOTE": "a rejection note of the archive takes the film out of use",
    "WITHDRAWN": "its report is withdrawn",
    "NO_SCORED_FILM": "no film of the study could be scored",
    "FILMS_APART": "the films' estimates lie too far apart",
    "FILMS_DISAGREE": "the films name different patients, birth dates or sexes",
    "INTERVAL_TOO_WIDE": "the prediction interval is too wide",
}

_INPUTS = {
    "image": "chest film",
    "age": "age",
    "sex": "sex",
    "height": "height",
    "weight": "weight",
}


def abmd_words(low: float, value: float, high: float) -> str:
    """Return an aBMD with its interval, two decimals, g/cm2."""
    return f"{value:.2f} g/cm2 ({low:.2f} to {high:.2f})"


def z_words(low: float, value: float, high: float) -> str:
    """Return a Z-score with its interval, one decimal."""
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def level_words(interval_level: float) -> str:
    """Return an interval's coverage in per cent."""
    return f"{interval_level * 100:.0f} %"


def age_words(age_years: float) -> str:
    """Return an age with one decimal, never rounded up to the next birthday."""
    return f"{math.floor(age_years * 10) / 10:.1f} years"


def sex_words(sex: Sex) -> str:
    """Return a sex in words."""
    return {Sex.MALE: "male", Sex.FEMALE: "female"}[sex]


def reason_words(reason: str) -> str:
    """Return a coded reason in words; an unknown code in its own."""
    return _REASONS.get(reason, reason.lower().replace("_", " "))


def input_words(name: str) -> str:
    """Return one of the predictor's inputs in a clinician's words."""
    return _INPUTS.get(name, name)


def clinical_words(clinical: ClinicalVariables, acquired_on: date | None = None) -> str:
    """Return the clinical variables used and missing, each with its source.

    Parameters
    ----------
    clinical
        What the predictor was told.
    acquired_on
        The day of the film; values from elsewhere say how far from it they were measured.
    """
    used = [
        f"age {age_words(clinical.age_years)} ({_age_source_words(clinical)})",
        f"sex {sex_words(clinical.sex)} ({_sex_source_words(clinical)})",
    ]
    missing = []
    for name, measurement, number in (
        ("height", clinical.height_m, "{:.2f} m"),
        ("weight", clinical.weight_kg, "{:.1f} kg"),
    ):
        if measurement.value is None:
            missing.append(f"{name} ({_absence_words(measurement)})")
        else:
            source = _source_words(measurement, acquired_on)
            used.append(f"{name} {number.format(measurement.value)} ({source})")
    return f"used: {'; '.join(used)}. Missing: {'; '.join(missing) or 'none'}."


def _age_source_words(clinical: ClinicalVariables) -> str:
    if clinical.age_source is Source.OPERATOR:
        return "birth date corrected at this node, and acquisition date"
    return "birth date and acquisition date"


def _sex_source_words(clinical: ClinicalVariables) -> str:
    return "corrected at this node" if clinical.sex_source is Source.OPERATOR else "header"


def _source_words(measurement: Measurement, acquired_on: date | None) -> str:
    source = {
        Source.HEADER: "header",
        Source.HEADER_UNIT_CORRECTED: "header, unit corrected",
        Source.HEADER_DATES: "header dates",
        Source.IMPORTED: "imported",
        Source.OPERATOR: "corrected at this node",
        None: "unknown",
    }[measurement.source]
    if measurement.measured_on is None or acquired_on is None:
        return source
    return f"{source}, {measured_words((measurement.measured_on - acquired_on).days)}"


def measured_words(days_after: int) -> str:
    """Return when a value was measured, counted in days from the film; below 0 is before it."""
    if days_after == 0:
        return "measured on the day of the film"
    days = f"{abs(days_after)} {'day' if abs(days_after) == 1 else 'days'}"
    return f"measured {days} {'before' if days_after < 0 else 'after'} the film"


def _absence_words(measurement: Measurement) -> str:
    return {
        Absence.NOT_GIVEN: "not in the header",
        Absence.ZERO: "entered as 0",
        Absence.IMPLAUSIBLE: "implausible in the header",
        None: "unknown",
    }[measurement.absence]


def capital(text: str) -> str:
    """Return a phrase as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def typeset(text: str) -> str:
    """Give a text its typographic signs, for pictures and pages."""
    text = re.sub(r"(?<![\w-])-(?=\d)", "\N{MINUS SIGN}", text)
    text = re.sub(r"\bZ (?=[\N{MINUS SIGN}<\d])", "Z\N{NO-BREAK SPACE}", text)
    text = text.replace(" - ", " \N{EN DASH} ").replace("<=", "\N{LESS-THAN OR EQUAL TO}")
    return text.replace("g/cm2", "g/cm\N{SUPERSCRIPT TWO}")
