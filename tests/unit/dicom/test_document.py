from __future__ import annotations

import datetime as dt
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import highdicom.base
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.document import build_document
from screener.dicom.uids import DEVICE_MODEL, is_own_uid
from screener.domain.report import ReportContent
from tests.conformance.contents import CASES, film_uid, make_source

CONTENT = CASES["low-one-film"].content
#: An odd number of bytes.
PDF = b"%PDF-1.4\n%%EOF\n"


def document(content: ReportContent = CONTENT, pdf: bytes = PDF, **source: Any) -> Dataset:
    return dcmread(BytesIO(build_document(content, pdf, make_source(1, **source)).encoded))


@pytest.mark.parametrize("pdf", [PDF, PDF + b"\n"])
def test_the_pdf_comes_out_as_it_went_in(pdf: bytes) -> None:
    made = document(pdf=pdf)

    assert made.EncapsulatedDocumentLength == len(pdf)
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == pdf
    assert len(made.EncapsulatedDocument) % 2 == 0


def test_it_is_an_unverified_document_of_the_study() -> None:
    made = document()

    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.1"
    assert made.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert made.Modality == "DOC"
    assert made.ConversionType == "WSD"
    assert made.SeriesNumber == 9005
    assert made.SeriesDescription == "AI BMD document (SYNTHETIC, RESEARCH)"
    assert made.VerificationFlag == "UNVERIFIED"
    assert made.ManufacturerModelName == DEVICE_MODEL


def test_its_title_is_coded_and_names_nobody() -> None:
    made = document(PatientName="Onename", PatientID="ID-77")

    assert made.ConceptNameCodeSequence[0].CodeValue == "126000"
    assert made.DocumentTitle == "AI BMD document (SYNTHETIC, RESEARCH)"


def test_a_revision_says_so_in_its_title() -> None:
    made = document(CASES["revised"].content)

    assert made.DocumentTitle == "AI BMD document REVISED 2 (SYNTHETIC, RESEARCH)"


@pytest.mark.parametrize(
    ("case", "films"), [("low-three-films", [1, 2, 3]), ("correction-no-scored-film", [1])]
)
def test_the_films_that_it_rests_on_are_named(case: str, films: list[int]) -> None:
    made = document(CASES[case].content)

    named = [item.ReferencedSOPInstanceUID for item in made.SourceInstanceSequence]
    assert named == [film_uid(number) for number in films]


@pytest.mark.parametrize(("of_film", "written"), [("NO", "NO"), ("YES", "YES"), (None, "YES")])
def test_burned_in_annotation_is_no_only_where_the_films_is(
    of_film: str | None, written: str
) -> None:
    assert document(BurnedInAnnotation=of_film).BurnedInAnnotation == written


def test_patient_and_study_are_copied() -> None:
    source, made = dcmread(BytesIO(make_source(1))), document()

    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "StudyID"):
        assert made[keyword].value == source[keyword].value


def test_its_date_is_the_findings() -> None:
    made = document()

    assert (made.ContentDate, made.ContentTime) == ("20261124", "034012")


def test_the_same_pdf_gives_the_same_bytes_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Moved:
            return cls(2044, 1, 2, 3, 4, 5, tzinfo=tz)

    once = build_document(CONTENT, PDF, make_source(1)).encoded
    clock = SimpleNamespace(datetime=Moved, date=dt.date, time=dt.time)
    monkeypatch.setattr(highdicom.base, "datetime", clock)

    assert build_document(CONTENT, PDF, make_source(1)).encoded == once


def test_each_revision_has_its_own_uids() -> None:
    first = build_document(CONTENT, PDF, make_source(1))
    second = build_document(CASES["revised"].content, PDF, make_source(1))

    assert first.sop_instance_uid != second.sop_instance_uid
    assert first.series_instance_uid != second.series_instance_uid
    assert is_own_uid(first.sop_instance_uid)
    assert first.variant == ""


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(ValueError, match="no PDF"):
        build_document(CONTENT, b"\x89PNG", make_source(1))


def test_a_film_of_another_study_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the study's"):
        build_document(CONTENT, PDF, make_source(9))
