"""Rejection notes received: what they name speaks no more, whichever of the two comes first."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.support.pipeline_rig import Rig, make_film
from tests.support.synthetic_dicom import synthetic_uid

KOS = "1.2.840.10008.5.1.4.1.1.88.59"
QUALITY, SAFETY, WORKLIST, EXPIRED = "113001", "113037", "113038", "113039"
REJECTED = "REJECTED:REJECTED_BY_NOTE"
NOT_A_FILM = "INELIGIBLE:NOT_A_RADIOGRAPH"


def make_note(
    *uids: str, title: str = SAFETY, study: int = 1, number: int = 1, **overrides: Any
) -> Dataset:
    """Return a rejection note as an archive writes it."""
    film = make_film(1, study=study)
    note = Dataset()
    note.file_meta = FileMetaDataset()
    note.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate"):
        setattr(note, keyword, film.get(keyword))
    note.SOPClassUID = KOS
    note.SOPInstanceUID = synthetic_uid("note", number)
    note.StudyInstanceUID = film.StudyInstanceUID
    note.SeriesInstanceUID = synthetic_uid("notes", study)
    note.Modality = "KO"
    note.ValueType = "CONTAINER"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = title, "DCM", "Rejected"
    note.ConceptNameCodeSequence = [code]
    note.ContentSequence = []
    for uid in uids:
        reference, item = Dataset(), Dataset()
        reference.ReferencedSOPClassUID = film.SOPClassUID
        reference.ReferencedSOPInstanceUID = uid
        item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
        item.ReferencedSOPSequence = [reference]
        note.ContentSequence.append(item)
    for keyword, value in overrides.items():
        setattr(note, keyword, value)
    return note


def film_uid(number: int) -> str:
    return str(make_film(number).SOPInstanceUID)


def reports(rig: Rig) -> list[Dataset]:
    read = [dcmread(BytesIO(data)) for data in dict(rig.archive.sent).values()]
    return [dataset for dataset in read if dataset.Modality == "SR"]


def text_of(dataset: Dataset) -> str:
    own = str(dataset.get("TextValue", ""))
    return own + " ".join(text_of(item) for item in dataset.get("ContentSequence", []))


def audited(rig: Rig) -> list[tuple[str, str, dict[str, object]]]:
    with rig.services.database.read() as uow:
        found = uow.session.connection().exec_driver_sql(
            "SELECT action, subject, detail FROM audit_entries ORDER BY id"
        )
        entries = [(str(a), str(s), json.loads(d)) for a, s, d in found]
    return [entry for entry in entries if entry[0] != "RULES_CHANGED"]


@pytest.mark.parametrize("title", [QUALITY, SAFETY, WORKLIST])
def test_a_reported_film_that_is_rejected_gets_a_correcting_report(rig: Rig, title: str) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_note(film_uid(1), title=title))

    first, last = reports(rig)
    [study] = last.PredecessorDocumentsSequence
    [reference] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert rig.film_states() == [REJECTED, NOT_A_FILM]
    assert (rig.study().state, rig.study().verdict) == ("REPORTED", "NOT_ASSESSED")
    assert reference.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert "a rejection note of the archive takes the film out of use" in text_of(last)
    assert "NOT_A_RADIOGRAPH" not in text_of(last)
    assert rig.study().report_state == "COMMITTED"


def test_the_films_that_are_left_speak_for_the_study(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3), make_film(2, study=1, z=-2.4))
    assert rig.study().z == -2.7

    rig.screen(make_note(film_uid(1)))

    assert (rig.study().verdict, rig.study().z) == ("LOW", -2.4)
    assert len(reports(rig)) == 2


def test_a_film_that_comes_after_the_note_is_never_scored(rig: Rig) -> None:
    rig.screen(make_note(film_uid(1)))

    rig.screen(make_film(1, z=-3))

    assert rig.film_states() == [NOT_A_FILM, REJECTED]
    assert (rig.study().state, rig.study().verdict) == ("CLOSED", "NOT_ASSESSED")
    assert rig.archive.sent == []


def test_a_rejected_film_that_is_sent_again_stays_rejected(rig: Rig) -> None:
    rig.screen(make_film(1, z=-1))
    rig.screen(make_note(film_uid(1)))

    rig.screen(make_film(1, z=-3, PatientWeight="40"))

    assert rig.film_states() == [REJECTED, NOT_A_FILM, REJECTED]


@pytest.mark.parametrize("stage", ["", "judge", "score"])
def test_a_film_is_rejected_in_whatever_state_it_is(rig: Rig, stage: str) -> None:
    rig.send(make_film(1, z=-3))
    if stage:
        rig.run_until_idle("judge")
    if stage == "score":
        rig.run("score")
    rig.send(make_note(film_uid(1)))

    rig.settle()

    assert rig.film_states() == [REJECTED, NOT_A_FILM]
    assert rig.archive.sent == []


def test_a_note_in_another_study_reopens_the_study_of_the_film(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_note(film_uid(1), study=2))

    assert rig.study(1).verdict == "NOT_ASSESSED"
    assert len(reports(rig)) == 2
    assert [entry[:2] for entry in audited(rig)] == [("FILMS_REJECTED", "study 1")]


def test_a_film_that_the_rejected_one_spoke_for_speaks_itself(rig: Rig) -> None:
    twin = make_film(2, study=1, z=-3)
    twin.PixelData = make_film(1).PixelData
    rig.screen(make_film(1, z=-3), twin)
    assert rig.film_states() == ["SCORED", "NOT_SCORED:SAME_PIXELS_IN_STUDY"]

    rig.screen(make_note(film_uid(1)))

    assert rig.film_states() == [REJECTED, "SCORED", NOT_A_FILM]
    assert rig.study().verdict == "LOW"


def test_what_was_kept_long_enough_stays_true(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    before = rig.study().finding_id

    rig.screen(make_note(film_uid(1), title=EXPIRED))
    rig.screen(make_film(2, study=1, z=-3))

    assert rig.film_states() == ["SCORED", NOT_A_FILM, "SCORED"]
    assert rig.study().finding_id == before
    assert audited(rig) == []


def test_objects_of_interest_are_not_rejected(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_note(film_uid(1), title="113000"))

    assert rig.film_states() == ["SCORED", NOT_A_FILM]


def test_a_second_note_about_the_same_film_changes_nothing_more(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    rig.screen(make_note(film_uid(1)))
    before = len(rig.archive.sent)

    rig.screen(make_note(film_uid(1), title=QUALITY, number=2))

    assert rig.film_states() == [REJECTED, NOT_A_FILM, NOT_A_FILM]
    assert len(rig.archive.sent) == before


def test_an_archive_that_rejects_our_own_objects_is_recorded_and_no_more(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    [report] = reports(rig)
    before = rig.study(), len(rig.archive.sent)

    rig.screen(make_note(str(report.SOPInstanceUID), title=QUALITY))

    [(action, subject, detail)] = audited(rig)
    assert (action, subject) == ("OWN_OBJECTS_REJECTED", "study 1")
    assert (detail["title"], detail["objects"]) == (QUALITY, [1])
    assert (rig.study().finding_id, rig.study().state) == (before[0].finding_id, "REPORTED")
    assert len(rig.archive.sent) == before[1]


def test_a_broken_note_is_kept_and_rejects_nothing(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_note("", title=SAFETY), make_note(film_uid(1), number=2, ContentSequence=[]))

    assert rig.film_states() == ["SCORED", NOT_A_FILM, NOT_A_FILM]
    assert rig.study().verdict == "LOW"


def test_a_rejected_film_of_a_withdrawn_study_does_not_reopen_it(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    rig.withdraw()
    rig.run_until_idle()
    before = len(rig.archive.sent)

    rig.screen(make_note(film_uid(1)))

    assert rig.film_states() == [REJECTED, NOT_A_FILM]
    assert rig.study().state == "WITHDRAWN"
    assert len(rig.archive.sent) == before


def test_a_report_whose_film_was_rejected_can_be_withdrawn(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    rig.screen(make_note(film_uid(1)))

    rig.withdraw()
    rig.run_until_idle()

    assert rig.study().state == "WITHDRAWN"
    assert "REVISED 3" in reports(rig)[-1].SeriesDescription
