"""Corrections: the latest of each value holds, and what cannot be true is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from screener.domain.correction import Corrected, Correction, in_force, objection
from screener.domain.finding import identities_agree
from screener.domain.instance import InstanceHeader
from screener.domain.patient import Measured, MeasuredKind, Sex
from screener.storage.references import load_growth_reference
from tests.unit.domain.values import HEADER, header

GROWTH = load_growth_reference()
FILM_ON = HEADER.acquired_on or date.min
TODAY = FILM_ON + timedelta(days=200)


def objected(
    correction: Correction,
    *before: Correction,
    headers: tuple[InstanceHeader, ...] = (HEADER,),
    today: date = TODAY,
) -> str | None:
    return objection(correction, before=before, headers=headers, growth=GROWTH, today=today)


def test_nothing_is_corrected_where_there_is_no_correction() -> None:
    assert in_force([]) == Corrected()
    assert in_force([]).header(HEADER) == HEADER


def test_the_latest_correction_of_each_value_holds() -> None:
    first = Correction(height_m=1.4, weight_kg=30.0, sex=Sex.MALE, measured_on=date(2026, 9, 1))
    second = Correction(height_m=1.42, birth_date=date(2016, 1, 2))

    corrected = in_force([first, second])

    assert corrected.height == Measured(kind=MeasuredKind.HEIGHT, value=1.42, measured_on=None)
    assert corrected.weight == Measured(
        kind=MeasuredKind.WEIGHT, value=30.0, measured_on=date(2026, 9, 1)
    )
    assert (corrected.sex, corrected.birth_date) == (Sex.MALE, date(2016, 1, 2))


def test_a_correction_names_what_it_corrects() -> None:
    both = Correction(height_m=1.4, birth_date=date(2016, 1, 2))

    assert both.values == ("height", "birth date")
    assert Correction(weight_kg=30.0, sex=Sex.FEMALE).values == ("weight", "sex")


def test_eligibility_is_asked_of_the_corrected_header_and_the_films_own_stays() -> None:
    corrected = in_force([Correction(sex=Sex.FEMALE, birth_date=date(2014, 5, 6))])

    asked = corrected.header(HEADER)

    assert (asked.identity.sex, asked.identity.birth_date) == ("F", date(2014, 5, 6))
    assert asked.patient_age is None  # it was computed from the other birth date
    assert HEADER.identity.sex == "M"
    assert in_force([Correction(sex=Sex.FEMALE)]).header(HEADER).patient_age == HEADER.patient_age


def test_films_of_one_header_agree_whatever_was_corrected() -> None:
    unknown = header(identity={"sex": None})

    assert identities_agree([HEADER.identity, unknown.identity])


@pytest.mark.parametrize(
    "correction",
    [
        Correction(height_m=1.4),
        Correction(height_m=1.4, weight_kg=33.0, measured_on=FILM_ON - timedelta(days=90)),
        Correction(weight_kg=33.0, measured_on=FILM_ON + timedelta(days=90)),
        Correction(sex=Sex.FEMALE),
        Correction(birth_date=FILM_ON - timedelta(days=4000)),
    ],
)
def test_a_correction_that_may_be_true_is_taken(correction: Correction) -> None:
    assert objected(correction) is None


@pytest.mark.parametrize(
    ("correction", "said"),
    [
        (Correction(), "one or more of height, weight, sex and birth date"),
        (Correction(sex=Sex.MALE, measured_on=FILM_ON), "goes with a height or a weight"),
        (Correction(height_m=1.4, measured_on=TODAY + timedelta(days=1)), "in the future"),
        (Correction(height_m=1.4, measured_on=FILM_ON - timedelta(days=91)), "more than 90 days"),
        (Correction(height_m=1.4, measured_on=FILM_ON + timedelta(days=91)), "more than 90 days"),
        (Correction(birth_date=FILM_ON + timedelta(days=1)), "birth date lies after the film"),
        (Correction(height_m=0.5), "such a height"),
        (Correction(weight_kg=300.0), "such a weight"),
        (Correction(height_m=1.7, weight_kg=14.0), "such a weight at such a height"),
    ],
)
def test_a_correction_that_cannot_be_true_is_refused(correction: Correction, said: str) -> None:
    assert said in (objected(correction) or "")


def test_a_measurement_is_held_against_the_nearest_film() -> None:
    later = header(acquired_on=FILM_ON + timedelta(days=60))
    correction = Correction(height_m=1.4, measured_on=FILM_ON + timedelta(days=120))

    assert "more than 90 days" in (objected(correction) or "")
    assert objected(correction, headers=(HEADER, later)) is None


def test_a_height_is_judged_by_the_corrected_age() -> None:
    """A height of 0.8 m is no boy's of ten, and may be one's of three."""
    small = Correction(height_m=0.8)
    young = Correction(birth_date=FILM_ON - timedelta(days=3 * 366))

    assert "such a height" in (objected(small) or "")
    assert objected(small, young) is None
    assert "such a height" in (objected(Correction(height_m=1.6), young) or "")


@pytest.mark.parametrize("unknown", [{"sex": None}, {"birth_date": None}])
def test_without_age_or_sex_a_height_is_not_judged(unknown: dict[str, Any]) -> None:
    assert objected(Correction(height_m=0.5), headers=(header(identity=unknown),)) is None


@pytest.mark.parametrize(
    "correction",
    [Correction(height_m=2.31), Correction(weight_kg=0.1), Correction(weight_kg=float("nan"))],
)
def test_what_nobody_has_is_refused_whatever_is_known_of_the_child(correction: Correction) -> None:
    assert "such a height or weight" in (objected(correction, headers=()) or "")


def test_without_a_film_that_can_be_read_a_correction_is_taken() -> None:
    assert objected(Correction(height_m=1.4, measured_on=FILM_ON), headers=()) is None
    future = Correction(birth_date=TODAY + timedelta(days=1))
    assert "birth date" in (objected(future, headers=()) or "")
