"""Conclude: a settled study's films become one statement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from screener.domain.identifiers import StudyId
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.storage.tables import FindingRow
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import SETTLE_S, Rig, make_film
from tests.support.stub_predictor import HeightPredictor


def findings(rig: Rig) -> int:
    with rig.services.database.read() as uow:
        return uow.session.scalar(select(func.count()).select_from(FindingRow)) or 0


def test_a_study_is_concluded_when_the_settle_time_after_its_last_film_is_over(rig: Rig) -> None:
    rig.send(make_film(1, study=1))
    rig.pass_time(SETTLE_S - 1)
    rig.send(make_film(2, study=1))
    rig.pass_time(SETTLE_S - 1)
    too_early = rig.study().state

    rig.pass_time(1)

    assert too_early == "GROWING"
    assert rig.study().state == "CLOSED"
    assert findings(rig) == 1


def test_a_study_waits_until_every_film_is_at_an_end(rig: Rig) -> None:
    rig.send(make_film(1, study=1), make_film(2, study=1))
    rig.run("judge")
    rig.clock.advance(SETTLE_S)

    unscored = rig.run("conclude")
    rig.run("score")
    scored = rig.run("conclude")

    assert (unscored, scored) == (0, 1)


def test_a_new_settle_time_is_taken_up_without_a_restart(rig: Rig) -> None:
    rig.send(make_film())
    rig.run_until_idle()
    rig.change_rules(settle_s=2.0)

    rig.pass_time(2)

    assert rig.study().state == "CLOSED"


def test_the_value_is_the_mean_of_the_films_of_the_best_view(rig: Rig) -> None:
    ap: dict[str, Any] = {
        "ViewPosition": "AP",
        "ViewCodeSequence": None,
        "SeriesDescription": "Chest AP",
    }

    rig.screen(
        make_film(1, study=1, z=-1.0),
        make_film(2, study=1, z=-1.6),
        make_film(3, study=1, z=-0.8, **ap),
    )

    assert rig.study().z == -1.3
    with rig.services.database.read() as uow:
        finding = uow.queries.finding(1)
    assert finding is not None
    assert finding.estimate is not None
    assert finding.estimate.films == (1, 2)
    assert finding.estimate.view == "PA"


@pytest.mark.parametrize(
    ("z_scores", "verdict", "reason"),
    [
        ((-2.5, -1.5), "LOW", None),
        ((-2.6, -1.5), "INDETERMINATE", "FILMS_APART"),
    ],
)
def test_films_more_than_one_apart_stop_the_study(
    rig: Rig, z_scores: tuple[float, float], verdict: str, reason: str | None
) -> None:
    rig.screen(*(make_film(n, study=1, z=z) for n, z in enumerate(z_scores)))

    assert (rig.study().verdict, rig.study().reason) == (verdict, reason)


@pytest.mark.parametrize(
    "other",
    [
        {"child": 2},
        {"PatientBirthDate": "20151002"},
        {"PatientSex": "F"},
        {"IssuerOfPatientID": "ANOTHER"},
    ],
)
def test_films_that_disagree_in_identity_stop_the_study(rig: Rig, other: dict[str, Any]) -> None:
    rig.screen(make_film(1, study=1, z=-3), make_film(2, study=1, z=-3, **other))

    assert (rig.study().verdict, rig.study().reason) == ("INDETERMINATE", "FILMS_DISAGREE")
    assert rig.archive.sent == []


def test_an_interval_that_is_too_wide_is_indeterminate(make_rig: MakeRig) -> None:
    rig = make_rig(predictor=HeightPredictor(half_width_z=2.1))

    rig.screen(make_film(z=-3))

    assert (rig.study().verdict, rig.study().reason) == ("INDETERMINATE", "INTERVAL_TOO_WIDE")
    assert rig.kinds() == {}


def test_a_study_without_a_scored_film_is_not_assessed(rig: Rig) -> None:
    rig.screen(make_film(PatientSex="O"))

    assert (rig.study().state, rig.study().verdict) == ("CLOSED", "NOT_ASSESSED")
    assert rig.study().reason == "NO_SCORED_FILM"
    assert rig.kinds() == {}


@pytest.mark.parametrize(
    ("z", "shown", "verdict"), [(-1.94, -1.9, "NOT_LOW"), (-1.96, -2.0, "LOW"), (-2.0, -2.0, "LOW")]
)
def test_the_rounded_z_is_held_against_the_threshold(
    rig: Rig, z: float, shown: float, verdict: str
) -> None:
    rig.screen(make_film(z=z))

    assert (rig.study().z, rig.study().verdict) == (shown, verdict)


def test_a_study_with_a_film_that_never_comes_to_an_end_is_taken_up_when_it_does(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.send(make_film(2, study=1, z=-3))
    rig.run("judge")
    rig.clock.advance(SETTLE_S)
    while_waiting = rig.run("conclude")

    rig.settle()

    assert while_waiting == 0
    assert rig.study().state == "REPORTED"


def test_a_study_that_a_new_reference_does_not_reach_waits_for_an_operator(rig: Rig) -> None:
    """Its film was scored before the site changed its reference to one for small children."""
    reference = rig.services.reference
    small = LmsCurve(ages_years=(3.0, 5.0), l=(1.0, 1.0), m=(0.45, 0.5), s=(0.12, 0.12))
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    narrow = replace(reference, table=LmsTable(curves=dict.fromkeys(Sex, small)))
    rig.change_services(reference=narrow)

    rig.pass_time(SETTLE_S)
    stuck = rig.study()
    rig.change_services(reference=reference)
    with rig.services.database.write() as uow:
        assert uow.studies.retry(StudyId(1))
    rig.settle()

    assert (stuck.state, stuck.error_code) == ("FAILED", "OUTSIDE_REFERENCE")
    assert rig.study().report_state == "COMMITTED"
