from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from screener.dicom.rejection import (
    KEY_OBJECT_SELECTION,
    build_rejection_note,
    read_rejection_note,
)
from screener.dicom.uids import is_own_uid
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.rejection import NoteTitle
from screener.domain.report import ObjectReference, ResultObject
from tests.conformance.contents import STUDY_UID, film_uid, make_source, withdrawn

SR, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"


def reference(number: int, *, sop_class: str = SC, series: int = 1) -> ObjectReference:
    return ObjectReference(
        sop_class_uid=sop_class,
        sop_instance_uid=SopInstanceUid(f"2.25.10{number}"),
        series_instance_uid=SeriesInstanceUid(f"2.25.20{series}"),
    )


REJECTED = (reference(1, sop_class=SR), reference(2, series=2), reference(3, series=2))


def build(*rejected: ObjectReference, archive: str = "main", **source: Any) -> ResultObject:
    return build_rejection_note(withdrawn(), archive, rejected or REJECTED, make_source(**source))


def read(made: ResultObject) -> Dataset:
    return dcmread(BytesIO(made.encoded))


def encoded(note: Dataset) -> bytes:
    file = BytesIO()
    note.save_as(file, enforce_file_format=True)
    return file.getvalue()


def foreign(title: str = "113001", scheme: str = "DCM", **changes: Any) -> bytes:
    """Return a note that an archive wrote about two films."""
    note = read(build())
    note.SOPInstanceUID = note.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    code = note.ConceptNameCodeSequence[0]
    code.CodeValue, code.CodingSchemeDesignator = title, scheme
    named = [film_uid(1), film_uid(2)]
    images = [i for i in note.ContentSequence if i.ValueType in {"IMAGE", "COMPOSITE"}]
    for item, uid in zip(images, named, strict=False):
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = uid
    note.ContentSequence = Sequence(images[:2])
    for keyword, value in changes.items():
        setattr(note, keyword, value)
    return encoded(note)


def test_a_note_is_a_key_object_selection_titled_rejected_for_patient_safety_reasons() -> None:
    note = read(build())

    title = note.ConceptNameCodeSequence[0]
    assert (note.SOPClassUID, note.Modality) == (KEY_OBJECT_SELECTION, "KO")
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("113037", "DCM")
    assert note.ContentTemplateSequence[0].TemplateIdentifier == "2010"
    assert (note.SeriesNumber, note.StudyInstanceUID) == (9006, STUDY_UID)
    assert note.SeriesDescription == "AI BMD rejection note (SYNTHETIC, RESEARCH)"
    assert note.PatientID == "SYN-11"
    assert is_own_uid(note.SOPInstanceUID)


def test_a_note_names_each_object_without_a_concept_and_lists_it_by_series_as_evidence() -> None:
    note = read(build())

    named = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: item.ValueType
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item and "ConceptNameCodeSequence" not in item
    }
    [study] = note.CurrentRequestedProcedureEvidenceSequence
    listed = {
        series.SeriesInstanceUID: [r.ReferencedSOPInstanceUID for r in series.ReferencedSOPSequence]
        for series in study.ReferencedSeriesSequence
    }
    assert named == {"2.25.101": "COMPOSITE", "2.25.102": "IMAGE", "2.25.103": "IMAGE"}
    assert listed == {"2.25.201": ["2.25.101"], "2.25.202": ["2.25.102", "2.25.103"]}
    assert study.StudyInstanceUID == STUDY_UID


def test_a_note_says_why_in_words() -> None:
    [text] = [item.TextValue for item in read(build()).ContentSequence if "TextValue" in item][-1:]

    assert "Reason: a synthetic predictor was in force." in text
    assert "says nothing about the child's bone mineral density" in text


def test_the_same_note_has_the_same_bytes_in_whatever_order_its_objects_come() -> None:
    assert build().encoded == build(*reversed(REJECTED)).encoded


def test_notes_for_other_objects_or_archives_have_uids_of_their_own() -> None:
    notes = [build(), build(REJECTED[0]), build(archive="second")]

    assert len({note.sop_instance_uid for note in notes}) == 3
    assert len({note.series_instance_uid for note in notes}) == 3
    assert [note.variant for note in notes] == ["main", "main", "second"]


def test_a_note_about_nothing_is_not_made() -> None:
    with pytest.raises(ValueError, match="names an object"):
        build_rejection_note(withdrawn(), "main", (), make_source())


def test_a_note_in_korean_is_kept_in_korean() -> None:
    because = "\ud569\uc131 \uc608\uce21\uae30"
    made = build_rejection_note(withdrawn(because), "main", REJECTED, make_source())

    note = read(made)
    assert because in "".join(i.TextValue for i in note.ContentSequence if "TextValue" in i)


@pytest.mark.parametrize("title", NoteTitle)
def test_a_note_is_read_with_its_title_and_what_it_names(title: NoteTitle) -> None:
    note = read_rejection_note(foreign(title.value))

    assert note is not None
    assert (note.title, note.instances) == (title, (film_uid(1), film_uid(2)))
    assert note.takes_out is (title is not NoteTitle.RETENTION_EXPIRED)


def test_a_note_without_content_names_what_its_evidence_lists() -> None:
    note = read_rejection_note(foreign(ContentSequence=None))

    assert note is not None
    assert note.instances == ("2.25.101", "2.25.102", "2.25.103")


def test_our_own_note_can_be_read() -> None:
    note = read_rejection_note(build().encoded)

    assert note is not None
    assert set(note.instances) == {"2.25.101", "2.25.102", "2.25.103"}


@pytest.mark.parametrize(
    "no_note",
    [
        b"",
        b"\0" * 200,
        make_source(),
        foreign("113000"),
        foreign(scheme="99ELSE"),
        foreign(ConceptNameCodeSequence=None),
        foreign(ContentSequence=None, CurrentRequestedProcedureEvidenceSequence=None),
        foreign()[:600],
    ],
    ids=["nothing", "zeros", "film", "of interest", "scheme", "no title", "names none", "cut"],
)
def test_what_is_no_rejection_note_is_read_as_none(no_note: bytes) -> None:
    assert read_rejection_note(no_note) is None


def test_a_reference_that_is_no_uid_is_left_out() -> None:
    note = read(build())
    note.ContentSequence[-1].ReferencedSOPSequence[0].ReferencedSOPInstanceUID = ""

    found = read_rejection_note(encoded(note))

    assert found is not None
    assert found.instances == ("2.25.101", "2.25.102")
