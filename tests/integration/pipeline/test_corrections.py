"""An import or a correction reaches the films, the finding and the report."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from sqlalchemy import select, update

from screener.domain.clinical_table import ChildMeasured
from screener.domain.correction import Correction
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import StudyId
from screener.domain.patient import ClinicalVariables, MeasuredKind, Sex, Source
from screener.domain.study import StudyState
from screener.pipeline.correct import correct_study, import_measurements
from screener.storage.clinical import Kept
from screener.storage.codec import from_json
from screener.storage.tables import AuditRow, PredictionRow, ScreeningRow, StudyRow
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import Rig, film_pixels, make_film
from tests.support.stub_predictor import HeightPredictor, height_for

FILM_ON = date(2026, 3, 1)
CHILD = ("ZZ-SYNTHETIC-1", "")
DAY_S = 86_400.0

#: A film without height.
NO_HEIGHT: dict[str, Any] = {"PatientSize": None, "IssuerOfPatientID": None}


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """Return a node that reports every study."""
    return make_rig(report_all=True)


def height(z: float = -3.0, on: date = FILM_ON, child: tuple[str, str] = CHILD) -> ChildMeasured:
    return ChildMeasured(child=child, kind=MeasuredKind.HEIGHT, value=height_for(z), measured_on=on)


def bring(rig: Rig, *measured: ChildMeasured) -> tuple[Kept, list[StudyId]]:
    with rig.services.database.write() as uow:
        return import_measurements(uow, measured, growth=rig.services.growth, operator="op")


def correct(rig: Rig, study: int = 1, *, reason: str = "asked the ward", **values: Any) -> int:
    with rig.services.database.write() as uow:
        taken = correct_study(
            uow,
            StudyId(study),
            Correction(**values),
            growth=rig.services.growth,
            reason=reason,
            operator="op",
        )
    return len(taken)


def reports(rig: Rig) -> list[Dataset]:
    """Return the reports that the archive keeps, in the order in which they came."""
    data_sets = [dcmread(BytesIO(data)) for data in dict(rig.archive.sent).values()]
    return [data_set for data_set in data_sets if data_set.Modality == "SR"]


def texts(report: Dataset) -> str:
    """Return all that a report says in words."""
    said = [str(item.TextValue) for item in _items(report) if "TextValue" in item]
    return "\n".join(said)


def _items(item: Dataset) -> list[Dataset]:
    children = item.get("ContentSequence") or []
    return [item, *(below for child in children for below in _items(child))]


def predecessors(report: Dataset) -> list[str]:
    return [
        str(instance.ReferencedSOPInstanceUID)
        for study in report.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]


def clinical(rig: Rig, number: int = 1) -> ClinicalVariables:
    with rig.services.database.read() as uow:
        text = uow.session.get_one(ScreeningRow, number).clinical
    assert text is not None
    return from_json(ClinicalVariables, text)


def audited(rig: Rig, action: str) -> list[tuple[str | None, dict[str, Any]]]:
    with rig.services.database.read() as uow:
        rows = uow.session.scalars(select(AuditRow).where(AuditRow.action == action))
        return [(row.subject, json.loads(row.detail)) for row in rows]


def withdraw(rig: Rig, state: StudyState) -> None:
    """Take the study's report back, as far as the state says."""
    assert rig.withdraw() is None
    if state is StudyState.WITHDRAWN:
        rig.run_until_idle()
    elif state is StudyState.FAILED:
        with rig.services.database.write() as uow:
            uow.session.execute(update(StudyRow).values(state=state.value))


def test_a_height_imported_before_the_film_is_used_and_named(rig: Rig) -> None:
    bring(rig, height(-3.0, date(2026, 2, 17)))

    rig.screen(make_film(1, **NO_HEIGHT))

    (report,) = reports(rig)
    assert rig.study().verdict == "LOW"
    assert "height 1.10 m (imported, measured 12 days before the film)" in texts(report)


def test_a_height_imported_after_the_report_gives_one_that_names_its_predecessor(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, **NO_HEIGHT))
    before = rig.study().verdict

    kept, taken = bring(rig, height())
    rig.run_until_idle()

    first, second = reports(rig)
    assert (before, rig.study().verdict) == ("NOT_LOW", "LOW")
    assert (kept, taken) == (Kept(new=1), [1])
    assert predecessors(second) == [first.SOPInstanceUID]
    assert "Now known: height." in texts(second)
    assert rig.at_an_end()


def test_the_same_import_again_changes_nothing(rig: Rig) -> None:
    rig.screen(make_film(1, **NO_HEIGHT))
    bring(rig, height())
    rig.run_until_idle()

    kept, taken = bring(rig, height())
    rig.run_until_idle()

    assert (kept, taken) == (Kept(unchanged=1), [])
    assert len(reports(rig)) == 2
    assert audited(rig, "CLINICAL_IMPORTED") == [
        (
            None,
            {"new": 1, "changed": 0, "unchanged": 0, "skipped_lines": 0, "studies_taken_up": 1},
        )
    ]


def test_another_value_of_the_same_day_takes_the_first_ones_place(rig: Rig) -> None:
    bring(rig, height(-1.0))

    kept, _ = bring(rig, height(-2.0))
    rig.screen(make_film(1, **NO_HEIGHT))

    assert kept == Kept(changed=1)
    assert clinical(rig).height_m.value == height_for(-2.0)


@pytest.mark.parametrize(
    "measured",
    [
        height(on=date(2025, 11, 30)),
        height(on=date(2026, 5, 31)),
        height(child=("ZZ-SYNTHETIC-2", "")),
        height(child=("ZZ-SYNTHETIC-1", "OTHER")),
        ChildMeasured(child=CHILD, kind=MeasuredKind.HEIGHT, value=0.5, measured_on=FILM_ON),
    ],
    ids=["91 days before", "91 days after", "other patient", "other issuer", "implausible"],
)
def test_a_film_that_gains_nothing_is_left_alone(measured: ChildMeasured, rig: Rig) -> None:
    rig.screen(make_film(1, **NO_HEIGHT))

    kept, taken = bring(rig, measured)

    assert (kept.new, taken) == (1, [])
    assert rig.film_states() == ["SCORED"]
    assert audited(rig, "CLINICAL_IMPORTED")[0][1]["studies_taken_up"] == 0


def test_a_film_whose_header_has_a_height_is_left_alone(rig: Rig) -> None:
    rig.screen(make_film(1, z=-0.5, IssuerOfPatientID=None))

    _, taken = bring(rig, height())

    assert taken == []
    assert clinical(rig).height_m.source is Source.HEADER


def test_issuers_are_told_apart(rig: Rig) -> None:
    rig.screen(make_film(1, **NO_HEIGHT | {"IssuerOfPatientID": "SITE"}))

    _, taken = bring(rig, height(child=("ZZ-SYNTHETIC-1", "SITE")))

    assert taken == [1]


def test_a_film_that_waits_to_be_scored_is_told_of_an_import(rig: Rig) -> None:
    rig.send(make_film(1, **NO_HEIGHT))
    rig.run("judge")

    bring(rig, height())
    rig.settle()

    assert rig.study().verdict == "LOW"


def test_an_import_finds_what_an_earlier_one_missed(rig: Rig) -> None:
    """A film that was being judged while its height was imported is found by the next import."""
    rig.screen(make_film(1, **NO_HEIGHT))
    with rig.services.database.write() as uow:
        uow.clinical.keep([height()])

    kept, taken = bring(rig, height())

    assert (kept, taken) == (Kept(unchanged=1), [1])


@pytest.mark.parametrize("state", [StudyState.WITHDRAWING, StudyState.WITHDRAWN, StudyState.FAILED])
def test_a_withdrawn_study_is_neither_taken_up_nor_corrected(state: StudyState, rig: Rig) -> None:
    rig.screen(make_film(1, **NO_HEIGHT))
    withdraw(rig, state)

    _, taken = bring(rig, height())

    assert taken == []
    with pytest.raises(ConfigurationError, match="study 1 is withdrawn"):
        correct(rig, height_m=1.3)
    assert rig.film_states() == ["SCORED"]
    assert rig.study().state is state


def test_a_corrected_height_wins_and_gives_a_new_report(rig: Rig) -> None:
    bring(rig, height(-1.0))
    rig.screen(make_film(1, z=-0.5, IssuerOfPatientID=None))

    taken = correct(rig, height_m=height_for(-3.0), measured_on=date(2026, 2, 28))
    rig.run_until_idle()

    first, second = reports(rig)
    assert (taken, rig.study().verdict) == (1, "LOW")
    assert predecessors(second) == [first.SOPInstanceUID]
    said = "height 1.10 m (corrected at this node, measured 1 day before the film)"
    assert said in texts(second)
    assert second.PatientSize == height_for(-0.5)  # the archive's own attributes stay


def test_a_correction_that_moves_no_value_gives_a_report_that_names_it(rig: Rig) -> None:
    """The stub reads nothing off the weight: what is printed differs by the input alone."""
    rig.screen(make_film(1))

    correct(rig, weight_kg=31.0)
    rig.run_until_idle()

    _, second = reports(rig)
    assert "weight 31.0 kg (corrected at this node, measured on the day of the film)" in texts(
        second
    )


@pytest.mark.parametrize(
    ("missing", "reason", "values", "said"),
    [
        (
            {"PatientSex": None},
            "SEX_UNKNOWN",
            {"sex": Sex.FEMALE},
            "sex female (corrected at this node)",
        ),
        (
            {"PatientBirthDate": None},
            "BIRTH_DATE_MISSING",
            {"birth_date": date(2015, 10, 1)},
            "age 10.4 years (birth date corrected at this node, and acquisition date)",
        ),
    ],
)
def test_a_film_without_sex_or_birth_date_can_be_mended(
    missing: dict[str, Any], reason: str, values: dict[str, Any], said: str, rig: Rig
) -> None:
    rig.screen(make_film(1, z=-3.0, **missing))
    before = rig.film_states()

    correct(rig, **values)
    rig.run_until_idle()

    assert before == [f"INELIGIBLE:{reason}"]
    assert (rig.film_states(), rig.study().verdict) == (["SCORED"], "LOW")
    assert said in texts(reports(rig)[-1])
    assert clinical(rig).from_elsewhere[0].endswith("OPERATOR")


def test_a_corrected_sex_gives_a_new_finding_and_leaves_the_films_header(rig: Rig) -> None:
    rig.screen(make_film(1, z=-2.0, PatientSex="M"), make_film(2, study=1, z=-2.0, PatientSex="M"))
    first = rig.study().finding_id

    taken = correct(rig, sex=Sex.FEMALE)
    rig.run_until_idle()

    assert taken == 2
    assert rig.study().finding_id != first
    assert rig.study().reason is None  # its films do not disagree
    assert [film.header and film.header.identity.sex for film in rig.films()] == ["M", "M"]
    assert "Sex changed from male to female." in texts(reports(rig)[-1])
    assert reports(rig)[-1].PatientSex == "M"


def test_a_correction_is_audited_with_who_why_and_which_values(rig: Rig) -> None:
    rig.screen(make_film(1))

    correct(rig, height_m=1.3, birth_date=date(2015, 9, 30), reason=" wrong child entered ")

    assert audited(rig, "CORRECTED") == [
        ("study 1", {"values": ["height", "birth date"], "reason": "wrong child entered"})
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "give one or more"),
        ({"height_m": 1.3, "reason": "  "}, "give a reason"),
        ({"height_m": 1.3, "measured_on": date(2025, 11, 30)}, "more than 90 days"),
        ({"height_m": 0.5}, "such a height"),
    ],
)
def test_a_correction_that_is_refused_leaves_nothing(
    values: dict[str, Any], said: str, rig: Rig
) -> None:
    rig.screen(make_film(1))

    with pytest.raises(ConfigurationError, match=said):
        correct(rig, **values)

    assert rig.film_states() == ["SCORED"]
    assert audited(rig, "CORRECTED") == []
    with rig.services.database.read() as uow:
        assert uow.clinical.corrections(StudyId(1)) == []


def test_a_later_film_and_a_revised_header_get_the_correction_too(rig: Rig) -> None:
    rig.screen(make_film(1, z=0.5))
    correct(rig, height_m=height_for(-3.0))
    rig.run_until_idle()

    rig.screen(make_film(2, study=1, z=0.5))
    rig.screen(make_film(1, z=0.2))

    states = {film.screening_id: film.state for film in rig.films()}
    assert list(states.values()) == ["SUPERSEDED", "SCORED", "SCORED"]
    assert {clinical(rig, number).height_m.source for number in (2, 3)} == {Source.OPERATOR}
    assert rig.study().verdict == "LOW"


def test_of_two_corrections_the_later_holds(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3.0))
    correct(rig, height_m=height_for(-2.5), weight_kg=31.0)
    correct(rig, height_m=height_for(0.5))
    rig.run_until_idle()

    assert rig.study().verdict == "NOT_LOW"
    assert clinical(rig).weight_kg.value == 31.0


def test_a_films_prediction_is_replaced_and_not_doubled(rig: Rig) -> None:
    rig.screen(make_film(1, z=-0.5))

    correct(rig, height_m=height_for(-3.0))
    rig.run_until_idle()

    with rig.services.database.read() as uow:
        assert len(uow.session.scalars(select(PredictionRow)).all()) == 1


def test_a_predictor_that_is_in_force_again_replaces_its_own_prediction(rig: Rig) -> None:
    """The newest prediction speaks, not the one whose row is the newest."""
    first = HeightPredictor()
    rig.change_predictor(first)
    rig.screen(make_film(1, z=0.5))
    rig.change_predictor(HeightPredictor(checksum="cd" * 32))
    correct(rig, height_m=height_for(0.0))
    rig.run_until_idle()
    rig.change_predictor(first)
    rig.pass_time(1.0)

    correct(rig, height_m=height_for(-3.0))
    rig.run_until_idle()

    assert rig.study().verdict == "LOW"


def test_a_film_that_is_held_when_a_correction_comes_is_done_again(rig: Rig) -> None:
    """A worker that judged it by what was known before does not settle it any more."""
    rig.send(make_film(1, z=0.5))
    lease = rig.services.lease
    with rig.services.database.write() as uow:
        (held,) = uow.screenings.claim_received(limit=1, lease=lease)

    correct(rig, height_m=height_for(-3.0))

    with rig.services.database.write() as uow:
        assert not uow.screenings.settle_failure(held, ConfigurationError("late"))
    rig.settle()
    assert rig.study().verdict == "LOW"


def test_twins_in_a_study_that_is_corrected_still_speak_once(rig: Rig) -> None:
    same = film_pixels(1)
    rig.screen(make_film(1, z=-0.5), make_film(2, study=1, z=-0.5, pixels=same))

    correct(rig, height_m=height_for(-3.0))
    rig.run_until_idle()

    assert sorted(rig.film_states()) == ["NOT_SCORED:SAME_PIXELS_IN_STUDY", "SCORED"]
    assert rig.study().verdict == "LOW"


def test_a_film_that_is_judged_again_is_not_too_old_for_having_been_here(rig: Rig) -> None:
    """Only films for quality control may be of any date: this one says why it is refused."""
    rig.screen(make_film(1, QualityControlImage=None))
    rig.pass_time(60 * DAY_S)

    correct(rig, height_m=1.3)
    rig.run_until_idle()

    (film,) = rig.films()
    assert film.reasons == ("PREDICTOR_IS_SYNTHETIC",)
