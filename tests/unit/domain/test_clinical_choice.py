"""Which height and weight are taken: an operator's, the header's, or an imported one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from screener.domain.clinical import clinical_variables, contradiction, gains_by_import
from screener.domain.patient import (
    Absence,
    ClinicalVariables,
    Measured,
    MeasuredKind,
    Sex,
    Source,
)
from screener.storage.references import load_growth_reference

GROWTH = load_growth_reference()
FILM_ON = date(2026, 3, 1)
HEIGHT, WEIGHT = MeasuredKind.HEIGHT, MeasuredKind.WEIGHT


def measured(value: float, days: int | None = 0, kind: MeasuredKind = HEIGHT) -> Measured:
    """Return a value taken so many days after the film; None: on each film's own day."""
    on = None if days is None else FILM_ON + timedelta(days=days)
    return Measured(kind=kind, value=value, measured_on=on)


def of_a_boy(*imported: Measured, **given: Any) -> ClinicalVariables:
    values: dict[str, Any] = {
        "age_years": 10.5,
        "sex": Sex.MALE,
        "patient_size": None,
        "patient_weight": None,
        "growth": GROWTH,
        "acquired_on": FILM_ON,
        "imported": imported,
    }
    return clinical_variables(**values | given)


@pytest.mark.parametrize("days", [-90, -1, 0, 1, 90])
def test_an_imported_value_within_90_days_of_the_film_is_used(days: int) -> None:
    height = of_a_boy(measured(1.42, days)).height_m

    assert (height.value, height.source) == (1.42, Source.IMPORTED)
    assert height.measured_on == FILM_ON + timedelta(days=days)


@pytest.mark.parametrize("days", [-400, -91, 91])
def test_an_imported_value_further_from_the_film_is_not_used(days: int) -> None:
    height = of_a_boy(measured(1.42, days)).height_m

    assert (height.value, height.absence) == (None, Absence.NOT_GIVEN)


@pytest.mark.parametrize(
    ("raw", "absence"), [(0.0, Absence.ZERO), (-1.0, Absence.ZERO), (7.0, Absence.IMPLAUSIBLE)]
)
def test_an_absence_stays_what_it_was_where_the_import_is_too_old(
    raw: float, absence: Absence
) -> None:
    assert of_a_boy(measured(1.42, -91), patient_size=raw).height_m.absence is absence


@pytest.mark.parametrize("raw", [None, 0.0, 7.0])
def test_a_missing_zero_or_implausible_header_makes_way_for_an_import(raw: float | None) -> None:
    assert of_a_boy(measured(1.42, -3), patient_size=raw).height_m.value == 1.42


def test_a_usable_header_wins_over_an_import() -> None:
    height = of_a_boy(measured(1.42), patient_size=138.0).height_m

    assert height.value == pytest.approx(1.38)
    assert (height.source, height.measured_on) == (Source.HEADER_UNIT_CORRECTED, None)


def test_the_nearest_import_wins_before_or_after_the_film() -> None:
    after = of_a_boy(measured(1.40, -30), measured(1.42, 12), measured(1.43, 60)).height_m
    before = of_a_boy(measured(1.40, -11), measured(1.42, 12)).height_m

    assert (after.value, before.value) == (1.42, 1.40)


def test_of_two_equally_near_imports_the_one_before_the_film_wins() -> None:
    assert of_a_boy(measured(1.42, 5), measured(1.41, -5)).height_m.value == 1.41


@pytest.mark.parametrize("value", [0.142, 2.29, 142.0])
def test_an_implausible_import_is_not_used_and_no_unit_is_guessed(value: float) -> None:
    alone = of_a_boy(measured(value)).height_m
    beside = of_a_boy(measured(value), measured(1.42, -60)).height_m

    assert (alone.value, alone.absence) == (None, Absence.NOT_GIVEN)
    assert beside.value == 1.42


def test_height_and_weight_are_chosen_each_by_itself() -> None:
    chosen = of_a_boy(
        measured(1.42, -80), measured(35.0, 3, WEIGHT), measured(34.0, -9, WEIGHT), patient_size=1.4
    )

    assert (chosen.height_m.value, chosen.height_m.source) == (1.4, Source.HEADER)
    assert (chosen.weight_kg.value, chosen.weight_kg.source) == (35.0, Source.IMPORTED)


def test_an_import_that_contradicts_the_header_is_not_used() -> None:
    """A height of 1.70 m and a weight of 14 kg may each be a boy's; no child has both."""
    chosen = of_a_boy(measured(14.0, 0, WEIGHT), patient_size=1.7)

    assert chosen.height_m.value == 1.7
    assert (chosen.weight_kg.value, chosen.weight_kg.absence) == (None, Absence.NOT_GIVEN)


def test_a_header_that_contradicts_itself_makes_way_for_imports() -> None:
    chosen = of_a_boy(
        measured(1.42), measured(35.0, 0, WEIGHT), patient_size=1.7, patient_weight=14.0
    )

    assert (chosen.height_m.value, chosen.weight_kg.value) == (1.42, 35.0)


def test_a_correction_wins_over_header_and_import() -> None:
    height = of_a_boy(measured(1.42), patient_size=1.4, corrected=[measured(1.36, None)]).height_m

    assert (height.value, height.source, height.measured_on) == (1.36, Source.OPERATOR, FILM_ON)


def test_a_header_that_contradicts_a_correction_is_missing() -> None:
    chosen = of_a_boy(patient_size=1.4, patient_weight=14.0, corrected=[measured(1.7)])

    assert chosen.height_m.value == 1.7
    assert chosen.weight_kg.absence is Absence.IMPLAUSIBLE


def test_a_header_that_contradicts_a_corrected_weight_is_missing_likewise() -> None:
    chosen = of_a_boy(patient_size=1.7, corrected=[measured(14.0, 0, WEIGHT)])

    assert chosen.height_m.absence is Absence.IMPLAUSIBLE
    assert chosen.weight_kg.value == 14.0


@pytest.mark.parametrize(("days", "height_m"), [(-90, 1.36), (-91, 1.4), (91, 1.4)])
def test_a_correction_holds_for_films_within_90_days_of_its_measurement(
    days: int, height_m: float
) -> None:
    chosen = of_a_boy(patient_size=1.4, corrected=[measured(1.36, days)])

    assert chosen.height_m.value == height_m


def test_without_a_day_of_the_film_nothing_but_the_header_is_used() -> None:
    chosen = of_a_boy(measured(1.42), acquired_on=None, patient_weight=33.0)

    assert chosen.height_m.absence is Absence.NOT_GIVEN
    assert chosen.weight_kg.source is Source.HEADER


def test_a_film_gains_by_an_import_what_was_missing_and_nothing_else() -> None:
    lacking = of_a_boy(patient_weight=33.0)

    assert gains_by_import(lacking, of_a_boy(measured(1.42), patient_weight=33.0))
    assert not gains_by_import(lacking, of_a_boy(measured(1.42, 91), patient_weight=33.0))
    assert not gains_by_import(lacking, of_a_boy(measured(34.0, 0, WEIGHT), patient_weight=33.0))
    known = of_a_boy(measured(1.40, -20), patient_weight=33.0)
    assert not gains_by_import(known, of_a_boy(measured(1.42), patient_weight=33.0))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([measured(1.4), measured(33.0, 0, WEIGHT)], None),
        ([], None),
        ([measured(0.5)], "such a height"),
        ([measured(300.0, 0, WEIGHT)], "such a weight"),
        ([measured(1.7), measured(14.0, 0, WEIGHT)], "such a weight at such a height"),
    ],
)
def test_values_that_no_child_of_an_age_has_are_told(
    values: list[Measured], said: str | None
) -> None:
    found = contradiction(values, age_years=10.5, sex=Sex.MALE, growth=GROWTH)

    assert (found is None) if said is None else (found or "").endswith(said)


def test_what_came_from_elsewhere_is_named_with_its_source() -> None:
    chosen = of_a_boy(measured(1.42, -12), corrected=[measured(35.0, None, WEIGHT)])

    assert chosen.from_elsewhere == (
        "height 1.42 IMPORTED 2026-02-17",
        "weight 35.00 OPERATOR 2026-03-01",
    )
    assert of_a_boy(patient_size=1.4).from_elsewhere == ()
