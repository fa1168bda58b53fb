from __future__ import annotations

import datetime as dt
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import highdicom.base
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.presentation import build_presentation
from screener.dicom.uids import DEVICE_MODEL, is_own_uid
from screener.domain.catalogue import CATALOGUES, ENGLISH, Language
from screener.domain.errors import MissingAttribute
from screener.domain.identifiers import ScreeningId
from screener.domain.prediction import InputField
from screener.domain.report import ReportContent, ScoredFilm
from tests.conformance.contents import (
    CASES,
    COLUMNS,
    FORBIDDEN,
    ROWS,
    STUDY_UID,
    film_uid,
    make_content,
    make_film,
    make_source,
)

CONTENT = CASES["low-one-film"].content


def presentation(content: ReportContent = CONTENT, **source: Any) -> Dataset:
    made = build_presentation(content, content.films[0], make_source(1, **source))
    return dcmread(BytesIO(made.encoded))


def with_field(*corners: tuple[float, float]) -> ReportContent:
    film = make_film(1)
    a, b, c, d = corners
    prediction = replace(film.prediction, input_field=InputField(corners=(a, b, c, d)))
    return make_content((replace(film, prediction=prediction),))


def texts_of(state: Dataset) -> list[str]:
    (annotation,) = state.GraphicAnnotationSequence
    return [item.UnformattedTextValue for item in annotation.TextObjectSequence]


def test_it_is_a_presentation_state_of_the_film_alone() -> None:
    state = presentation()

    assert state.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.1"
    assert state.Modality == "PR"
    assert state.SeriesNumber == 9004
    assert state.SeriesDescription == "AI BMD region (SYNTHETIC, RESEARCH)"
    assert state.ManufacturerModelName == DEVICE_MODEL
    (series,) = state.ReferencedSeriesSequence
    (image,) = series.ReferencedImageSequence
    assert series.SeriesInstanceUID == f"{STUDY_UID}.1"
    assert image.ReferencedSOPInstanceUID == film_uid(1)


def test_the_input_field_is_a_closed_line_in_the_films_pixels() -> None:
    state = presentation(with_field((40, 50), (400, 60), (390, 500), (30, 490)))

    (annotation,) = state.GraphicAnnotationSequence
    (line,) = annotation.GraphicObjectSequence
    assert (line.GraphicType, line.GraphicAnnotationUnits, line.GraphicFilled) == (
        "POLYLINE",
        "PIXEL",
        "N",
    )
    assert line.NumberOfGraphicPoints == 5
    assert list(line.GraphicData) == [40, 50, 400, 60, 390, 500, 30, 490, 40, 50]
    assert annotation.GraphicLayer == state.GraphicLayerSequence[0].GraphicLayer


def test_a_field_that_reaches_beyond_the_film_is_clipped_to_it() -> None:
    (annotation,) = presentation().GraphicAnnotationSequence

    data = annotation.GraphicObjectSequence[0].GraphicData

    assert list(data) == [0, 0, COLUMNS, 0, COLUMNS, ROWS, 0, ROWS, 0, 0]


@pytest.mark.parametrize(
    "corners",
    [
        ((0, 0), (COLUMNS, 0), (COLUMNS, ROWS), (0, ROWS)),
        ((450, 590), (500, 590), (500, 600), (450, 600)),
    ],
)
def test_the_texts_lie_on_the_film(corners: tuple[tuple[float, float], ...]) -> None:
    (annotation,) = presentation(with_field(*corners)).GraphicAnnotationSequence

    for text in annotation.TextObjectSequence:
        left, top = text.BoundingBoxTopLeftHandCorner
        right, bottom = text.BoundingBoxBottomRightHandCorner
        assert 0 <= left < right <= COLUMNS
        assert 0 <= top < bottom <= ROWS


def test_the_texts_say_that_the_field_is_no_measurement_and_the_result_is_no_dxa() -> None:
    real = CASES["low-real-film"].content
    synthetic, plain = texts_of(presentation()), texts_of(presentation(real))

    assert plain == [ENGLISH("field.label"), ENGLISH("caption")]
    assert synthetic == [ENGLISH("field.label"), ENGLISH("caption.synthetic")]
    assert not FORBIDDEN.search(" ".join(synthetic))


def test_its_texts_may_be_in_a_script_that_the_films_characters_do_not_have() -> None:
    content = make_content((make_film(1),), language=Language.KOREAN)

    state = presentation(content)

    say = CATALOGUES[Language.KOREAN]
    assert texts_of(state) == [say("field.label"), say("caption.synthetic")]
    assert state.SpecificCharacterSet == "ISO_IR 192"


def test_it_names_nobody_as_its_creator_and_describes_itself() -> None:
    state = presentation()

    assert state.ContentCreatorName == ""
    assert state.ContentLabel == "AI_BMD_REGION"
    assert state.ContentDescription == "Input field of an AI estimate"


def test_patient_and_study_are_copied() -> None:
    source = dcmread(BytesIO(make_source(1)))
    state = presentation()

    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "StudyID"):
        assert state[keyword].value == source[keyword].value


def test_a_name_of_one_part_is_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    state = presentation(PatientName="Onename")

    assert state.PatientName == "Onename"
    assert "Onename" not in caplog.text


def test_its_date_is_the_findings() -> None:
    state = presentation(TimezoneOffsetFromUTC="+0900")

    assert (state.PresentationCreationDate, state.PresentationCreationTime) == (
        "20261124",
        "124012",
    )
    assert "ContentDate" not in state


def test_the_same_content_gives_the_same_bytes_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Moved:
            return cls(2044, 1, 2, 3, 4, 5, tzinfo=tz)

    once = build_presentation(CONTENT, CONTENT.films[0], make_source(1)).encoded
    clock = SimpleNamespace(datetime=Moved, date=dt.date, time=dt.time)
    monkeypatch.setattr(highdicom.base, "datetime", clock)

    assert build_presentation(CONTENT, CONTENT.films[0], make_source(1)).encoded == once


def test_each_film_has_its_own_in_the_series_of_all() -> None:
    three = CASES["low-three-films"]
    made = [
        build_presentation(three.content, film, three.sources[ScreeningId(film.screening_id)])
        for film in three.content.films
    ]

    assert len({r.sop_instance_uid for r in made}) == 3
    assert len({r.series_instance_uid for r in made}) == 1
    assert all(is_own_uid(r.sop_instance_uid) for r in made)
    assert [r.variant for r in made] == ["film-1", "film-2", "film-3"]
    numbers = [dcmread(BytesIO(r.encoded)).InstanceNumber for r in made]
    assert numbers == [1, 2, 3]


def test_a_revision_has_a_series_of_its_own() -> None:
    revised = CASES["revised"].content
    first = build_presentation(CONTENT, CONTENT.films[0], make_source(1))
    second = build_presentation(revised, revised.films[0], make_source(1))

    assert first.series_instance_uid != second.series_instance_uid
    description = dcmread(BytesIO(second.encoded)).SeriesDescription
    assert description == "AI BMD region REVISED 2 (SYNTHETIC, RESEARCH)"


def test_a_film_of_another_study_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the study's"):
        build_presentation(CONTENT, CONTENT.films[0], make_source(9))


def test_another_film_of_the_study_is_refused() -> None:
    three = CASES["low-three-films"].content

    with pytest.raises(ValueError, match="not the one that was scored"):
        build_presentation(three, three.films[0], make_source(2))


def test_a_film_without_an_input_field_is_refused() -> None:
    film = make_film(1)
    bare = replace(film, prediction=replace(film.prediction, input_field=None))

    with pytest.raises(ValueError, match="input field"):
        build_presentation(make_content((bare,)), bare, make_source(1))


def test_a_film_without_a_series_is_named_as_such() -> None:
    film: ScoredFilm = make_film(1, series_instance_uid=None)

    with pytest.raises(MissingAttribute, match="SeriesInstanceUID"):
        build_presentation(make_content((film,)), film, make_source(1))
