"""What a report says of clinical values that did not come with the film."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from screener.domain.catalogue import ENGLISH
from screener.domain.patient import Absence, Measurement, Sex, Source
from screener.domain.phrases import clinical_words, measured_words
from tests.unit.domain.values import clinical

FILM_ON = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-12, "measured 12 days before the film"),
        (-1, "measured 1 day before the film"),
        (0, "measured on the day of the film"),
        (1, "measured 1 day after the film"),
        (90, "measured 90 days after the film"),
    ],
)
def test_the_age_of_a_measurement_is_said_in_days_from_the_film(days: int, said: str) -> None:
    assert measured_words(ENGLISH, days) == said


def test_an_imported_height_says_where_it_is_from_and_how_old_it_is() -> None:
    imported = Measurement(value=1.42, source=Source.IMPORTED, measured_on=date(2026, 2, 17))

    said = clinical_words(ENGLISH, clinical(height_m=imported), FILM_ON)

    assert "height 1.42 m (imported, measured 12 days before the film)" in said


def test_corrected_values_say_so() -> None:
    weight = Measurement(value=35.0, source=Source.OPERATOR, measured_on=FILM_ON)
    height = Measurement(value=None, absence=Absence.ZERO)
    corrected = replace(
        clinical(weight_kg=weight, height_m=height),
        sex=Sex.FEMALE,
        sex_source=Source.OPERATOR,
        age_source=Source.OPERATOR,
    )

    assert clinical_words(ENGLISH, corrected, FILM_ON) == (
        "used: age 10.5 years (birth date corrected at this node, and acquisition date); "
        "sex female (corrected at this node); "
        "weight 35.0 kg (corrected at this node, measured on the day of the film). "
        "Missing: height (entered as 0)."
    )


def test_without_a_day_of_the_film_only_the_source_is_said() -> None:
    imported = Measurement(value=1.42, source=Source.IMPORTED, measured_on=date(2026, 2, 17))

    assert "height 1.42 m (imported)" in clinical_words(ENGLISH, clinical(height_m=imported))
