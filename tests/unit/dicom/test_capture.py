from __future__ import annotations

import datetime as dt
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import highdicom.base
import highdicom.base_content
import highdicom.sc.sop
import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.capture import build_capture
from screener.dicom.uids import DEVICE_MODEL, is_own_uid
from screener.domain.identifiers import ScreeningId
from screener.domain.report import ResultKind
from tests.conformance.contents import CASES, COLUMNS, ROWS, film_uid, make_source

CONTENT = CASES["low-one-film"].content
KINDS = (ResultKind.OVERLAY, ResultKind.CARD)


def picture(height: int = 40, width: int = 30) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def capture(
    kind: ResultKind = ResultKind.OVERLAY,
    rgb: npt.NDArray[np.uint8] | None = None,
    **source: Any,
) -> Dataset:
    shown = picture() if rgb is None else rgb
    result = build_capture(CONTENT, kind, shown, make_source(1, **source))
    return dcmread(BytesIO(result.encoded))


@pytest.mark.parametrize("kind", KINDS)
def test_the_pixels_are_those_of_the_picture(kind: ResultKind) -> None:
    made = capture(kind)

    assert np.array_equal(made.pixel_array, picture())
    assert made.PhotometricInterpretation == "RGB"


@pytest.mark.parametrize("kind", KINDS)
def test_a_capture_is_a_secondary_capture_that_no_hanging_protocol_takes_for_a_film(
    kind: ResultKind,
) -> None:
    made = capture(kind)

    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert made.Modality == "OT"
    assert made.ConversionType == "WSD"
    assert list(made.ImageType) == ["DERIVED", "SECONDARY", "OTHER"]
    assert made.SeriesNumber == {ResultKind.OVERLAY: 9002, ResultKind.CARD: 9003}[kind]
    assert made.SeriesDescription.startswith("AI BMD ")
    assert "PresentationIntentType" not in made
    assert "FrameOfReferenceUID" not in made


def test_the_source_image_is_named_without_an_orientation() -> None:
    (item,) = capture().SourceImageSequence

    assert item.ReferencedSOPInstanceUID == film_uid(1)
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert "PatientOrientation" not in item


def test_a_picture_on_the_films_own_grid_keeps_spacing_and_locations() -> None:
    made = capture(rgb=picture(ROWS + 120, COLUMNS), PixelSpacing=[0.28, 0.28])

    assert list(made.PixelSpacing) == [0.28, 0.28]
    assert made.SourceImageSequence[0].SpatialLocationsPreserved == "YES"
    assert list(made.PatientOrientation) == ["L", "F"]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (ResultKind.OVERLAY, (ROWS // 2 + 60, COLUMNS // 2)),
        (ResultKind.CARD, (ROWS + 60, COLUMNS)),
    ],
)
def test_a_resized_picture_has_no_spacing(kind: ResultKind, shape: tuple[int, int]) -> None:
    made = capture(kind, picture(*shape), PixelSpacing=[0.28, 0.28])

    assert "PixelSpacing" not in made
    assert made.SourceImageSequence[0].SpatialLocationsPreserved == "NO"


def test_a_card_has_no_orientation() -> None:
    assert not capture(ResultKind.CARD).PatientOrientation


@pytest.mark.parametrize("orientation", ["", "L", None])
def test_an_orientation_that_is_none_is_left_empty(orientation: str | None) -> None:
    made = capture(PatientOrientation=orientation)

    assert "PatientOrientation" in made
    assert len(made.PatientOrientation or ()) in {0, len(orientation or "")}


@pytest.mark.parametrize(("of_film", "written"), [("NO", "NO"), ("YES", "YES"), (None, "YES")])
def test_burned_in_annotation_is_no_only_where_the_films_is(
    of_film: str | None, written: str
) -> None:
    assert capture(BurnedInAnnotation=of_film).BurnedInAnnotation == written


def test_a_film_that_was_compressed_lossily_stays_so() -> None:
    lossy = capture(
        LossyImageCompression="01",
        LossyImageCompressionRatio="12.5",
        LossyImageCompressionMethod="ISO_15444_1",
    )

    assert lossy.LossyImageCompression == "01"
    assert lossy.LossyImageCompressionRatio == 12.5
    assert lossy.LossyImageCompressionMethod == "ISO_15444_1"
    assert "LossyImageCompression" not in capture()


def test_the_derivation_is_described_and_coded() -> None:
    overlay, card = capture(ResultKind.OVERLAY), capture(ResultKind.CARD)

    assert "class activation" in overlay.DerivationDescription
    assert overlay.DerivationCodeSequence[0].CodeValue == "CAPTURE-OVERLAY"
    assert card.DerivationCodeSequence[0].CodeValue == "CAPTURE-CARD"


def test_a_synthetic_film_stays_a_quality_control_image() -> None:
    assert capture().QualityControlImage == "YES"
    assert "QualityControlImage" not in capture(QualityControlImage=None)


def test_the_equipment_names_the_modality_and_this_product() -> None:
    made = capture()

    models = [item.ManufacturerModelName for item in made.ContributingEquipmentSequence]

    assert made.ManufacturerModelName == DEVICE_MODEL
    assert models == ["Phantom 1", DEVICE_MODEL]


def test_a_film_without_a_manufacturer_is_no_obstacle() -> None:
    made = capture(Manufacturer=None)

    models = [item.ManufacturerModelName for item in made.ContributingEquipmentSequence]

    assert models == [DEVICE_MODEL]


def test_patient_and_study_are_copied() -> None:
    source = dcmread(BytesIO(make_source(1)))

    made = capture()

    for keyword in (
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientAge",
        "PatientSize",
        "StudyInstanceUID",
        "StudyDescription",
        "AccessionNumber",
        "StudyDate",
        "SpecificCharacterSet",
    ):
        assert made[keyword].value == source[keyword].value


def test_a_name_of_one_part_is_neither_refused_nor_printed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = capture(PatientName="Onename")

    assert made.PatientName == "Onename"
    assert "Onename" not in caplog.text


def test_a_film_of_unknown_body_part_has_an_unknown_side() -> None:
    known, unknown = capture(), capture(BodyPartExamined=None)

    assert known.BodyPartExamined == "CHEST"
    assert "Laterality" not in known
    assert unknown.Laterality == ""


def test_a_korean_name_is_no_question_mark() -> None:
    name = "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"

    made = capture(SpecificCharacterSet=["", "ISO 2022 IR 149"], PatientName=name)

    assert str(made.PatientName) == name
    assert made.SpecificCharacterSet == ["", "ISO 2022 IR 149"]


def test_the_same_picture_gives_the_same_bytes_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Moved:
            return cls(2044, 1, 2, 3, 4, 5, tzinfo=tz)

    clock = SimpleNamespace(datetime=Moved, date=dt.date, time=dt.time)
    source = make_source(1)
    once = build_capture(CONTENT, ResultKind.CARD, picture(), source).encoded
    for module in (highdicom.base, highdicom.base_content, highdicom.sc.sop):
        monkeypatch.setattr(module, "datetime", clock)

    again = build_capture(CONTENT, ResultKind.CARD, picture(), source).encoded

    assert again == once


def test_dates_come_from_the_finding() -> None:
    made = capture()

    assert made.ContentDate == made.InstanceCreationDate == "20261124"
    assert made.DateOfSecondaryCapture == "20261124"
    assert made.TimeOfSecondaryCapture == "034012"


def test_each_kind_film_and_revision_has_its_own_uid_and_each_kind_its_own_series() -> None:
    three = CASES["low-three-films"]
    results = [
        build_capture(
            three.content, ResultKind.OVERLAY, picture(), three.sources[ScreeningId(number)]
        )
        for number in (1, 2)
    ]
    results.append(
        build_capture(three.content, ResultKind.CARD, picture(), three.sources[ScreeningId(1)])
    )
    results.append(
        build_capture(CASES["revised"].content, ResultKind.CARD, picture(), make_source(1))
    )

    assert len({r.sop_instance_uid for r in results}) == 4
    assert len({r.series_instance_uid for r in results}) == 3
    assert all(is_own_uid(r.sop_instance_uid) for r in results)
    assert [r.variant for r in results] == ["film-1", "film-2", "", ""]


def test_a_revision_says_so_in_its_description() -> None:
    result = build_capture(CASES["revised"].content, ResultKind.CARD, picture(), make_source(1))

    description = dcmread(BytesIO(result.encoded)).SeriesDescription

    assert description == "AI BMD card REVISED 2 (SYNTHETIC, RESEARCH)"


def test_a_film_of_another_study_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the study's"):
        build_capture(CONTENT, ResultKind.CARD, picture(), make_source(9))


def test_a_report_is_no_picture() -> None:
    with pytest.raises(ValueError, match="REPORT is not a picture"):
        build_capture(CONTENT, ResultKind.REPORT, picture(), make_source(1))
