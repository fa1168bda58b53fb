"""Judge: every film gets the rules in force, and a coded reason where it must not be scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from screener.domain.eligibility import EligibilityRules
from screener.domain.identifiers import StudyId
from screener.storage.spool import Spool
from tests.support.pipeline_rig import LEASE_S, Crash, Rig, film_pixels, make_film


class DeadlySpool(Spool):
    """Kills whoever looks for a file."""

    def path(self, key: str) -> Path:
        raise Crash(key)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"PatientBirthDate": "19800101", "PatientAge": "046Y"}, "AGE_ABOVE_RANGE"),
        ({"PatientBirthDate": "20260101", "PatientAge": "002M"}, "AGE_BELOW_RANGE"),
        ({"ViewPosition": "LL", "ViewCodeSequence": None}, "LATERAL_VIEW"),
        ({"BodyPartExamined": "HAND", "AnatomicRegionSequence": None}, "NOT_CHEST"),
        ({"PixelData": None}, "NO_PIXEL_DATA"),
        ({"PatientSex": "O"}, "SEX_UNKNOWN"),
        ({"QualityControlImage": "NO"}, "FILM_TOO_OLD"),
        (
            {"QualityControlImage": "NO", "AcquisitionDate": "20260301"},
            "PREDICTOR_IS_SYNTHETIC",
        ),
    ],
)
def test_a_film_that_must_not_be_scored_ends_with_its_reason(
    rig: Rig, header: dict[str, Any], reason: str
) -> None:
    if reason == "FILM_TOO_OLD":
        rig.clock.advance(30 * 86_400)

    rig.screen(make_film(**header))

    [film] = rig.films()
    assert film.state.value == "INELIGIBLE"
    assert reason in film.reasons
    assert rig.study().verdict == "NOT_ASSESSED"
    assert rig.archive.calls == 0


def test_each_screening_records_the_rules_that_judged_it(rig: Rig) -> None:
    rig.screen(make_film(1))
    version = rig.change_rules(threshold_z=-1.0)

    rig.screen(make_film(2))

    assert [film.rules_version for film in rig.films()] == [1, version]


def test_new_rules_are_taken_up_without_a_restart(rig: Rig) -> None:
    rig.send(make_film(1))
    rig.run("judge")
    rig.change_rules(eligibility=EligibilityRules(max_age_years=9.0))
    rig.send(make_film(2))

    rig.run("judge")

    assert rig.film_states() == ["WAITING", "INELIGIBLE:AGE_ABOVE_RANGE"]


def test_a_film_whose_file_is_gone_fails_and_its_study_is_concluded_without_it(rig: Rig) -> None:
    rig.send(make_film(1, study=1, z=-3), make_film(2, study=1, z=0))
    gone = rig.films()[1]
    rig.services.spool.discard(gone.spool_key)

    rig.settle()

    assert rig.film_states() == ["SCORED", "FAILED"]
    assert rig.films()[1].error_code == "UNREADABLE_INSTANCE"
    assert (rig.study().verdict, rig.study().z) == ("LOW", -3.0)


def test_a_worker_that_dies_while_it_judges_loses_no_film(rig: Rig) -> None:
    rig.send(make_film(1), make_film(2))
    whole = rig.services.spool
    rig.change_services(spool=DeadlySpool(whole.folder))
    with pytest.raises(Crash):
        rig.run("judge")
    rig.change_services(spool=whole)

    at_once = rig.run("judge")
    rig.pass_time(LEASE_S)

    assert at_once == 0
    assert rig.film_states() == ["SCORED", "SCORED"]


def test_a_repetition_is_compared_with_a_first_film_that_was_never_judged(rig: Rig) -> None:
    rig.send(make_film(1))
    rig.send(make_film(1, pixels=film_pixels(2)))

    rig.run("judge")

    assert rig.film_states() == ["WAITING", "CONFLICTING:PIXELS_DIFFER"]


@pytest.mark.parametrize(
    "values",
    [
        {"PatientID": "Z" * 200},
        {"IssuerOfPatientID": "Z" * 200},
        {"PatientSex": "M" * 40},
        {"PatientID": "ZZ\0SYNTHETIC"},
        {"IssuerOfPatientID": "ZZ\0SYNTHETIC"},
    ],
    ids=["long id", "long issuer", "long sex", "NUL in id", "NUL in issuer"],
)
def test_an_identity_that_breaks_the_standard_is_judged_and_told_from_others(
    values: dict[str, Any], rig: Rig
) -> None:
    """PostgreSQL refuses long texts and NULs: the film would be tried for ever."""
    longer = {key: value + "Z" for key, value in values.items()}
    rig.send(make_film(1, **values), make_film(2, **values), make_film(3, **longer))

    rig.settle()

    with rig.services.database.read() as uow:
        child = uow.queries.films(1)[0].header.identity.child  # type: ignore[union-attr]
        assert child is not None
        siblings = uow.studies.of_child(child, without=StudyId(1))
    assert {state.split(":")[0] for state in rig.film_states()} <= {"SCORED", "INELIGIBLE"}
    assert siblings == [2]
