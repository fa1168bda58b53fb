import dataclasses
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
)

from screener.dicom.grey import GreyRules, Rescale, Window
from screener.dicom.header import (
    file_kind,
    file_prefix,
    read_header,
    read_identifiers,
    transfer_syntax_of,
)
from screener.dicom.uids import (
    DEVICE_MODEL,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    own_uid,
)
from screener.domain.errors import (
    FileUnavailable,
    MissingAttribute,
    ScreenerError,
    UnreadableInstance,
)
from screener.domain.identifiers import (
    AeTitle,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
)
from screener.domain.instance import Identity, InstanceHeader, PixelFacts
from tests.support.synthetic_dicom import (
    LOSSLESS_SYNTAXES,
    encode,
    encode_bare,
    put,
    synthetic_film,
    synthetic_uid,
)

DX = "1.2.840.10008.5.1.4.1.1.1.1"

#: Everything that a header may lack and still be read.
OPTIONAL = [
    "ImageType",
    "StudyDate",
    "AcquisitionDate",
    "AccessionNumber",
    "Modality",
    "PresentationIntentType",
    "Manufacturer",
    "StudyDescription",
    "SeriesDescription",
    "ManufacturerModelName",
    "AnatomicRegionSequence",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "BodyPartExamined",
    "ImagerPixelSpacing",
    "ViewPosition",
    "ViewCodeSequence",
    "SeriesInstanceUID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsStored",
    "QualityControlImage",
    "LossyImageCompression",
]

#: Of the synthetic film's greys: a window over all its values.
FULL_WINDOW = GreyRules(
    modality=Rescale(), voi=Window(centre=2048.0, width=4096.0), bright_is_low=False, padding=None
).digest()


def header_of(**overrides: Any) -> InstanceHeader:
    return read_header(encode(synthetic_film(**overrides)))


def test_every_field_of_a_complete_film_is_read() -> None:
    film = synthetic_film(
        ProtocolName="Thorax",
        AcquisitionDeviceProcessingDescription="MUSICA",
        PerformedProcedureStepDescription="Chest 1 view",
        LossyImageCompression="01",
    )

    header = read_header(encode(film, JPEGLosslessSV1))

    assert header == InstanceHeader(
        sop_class_uid=DX,
        sop_instance_uid=SopInstanceUid(synthetic_uid("instance")),
        study_instance_uid=StudyInstanceUid(synthetic_uid("study")),
        series_instance_uid=SeriesInstanceUid(synthetic_uid("series")),
        transfer_syntax_uid=JPEGLosslessSV1,
        identity=Identity(
            patient_id="ZZ-SYNTHETIC-1",
            issuer="ZZ-SYNTHETIC",
            birth_date=date(2016, 3, 1),
            sex="M",
            accession_number="ZZ0001",
        ),
        patient_age="010Y",
        patient_size=1.4,
        patient_weight=33.5,
        modality="DX",
        image_type=("ORIGINAL", "PRIMARY"),
        presentation_intent="FOR PRESENTATION",
        body_part="CHEST",
        anatomic_region_codes=("816094009|SCT",),
        view_position="PA",
        view_codes=("272479007|SCT",),
        descriptions=("Chest", "Chest PA", "Thorax", "MUSICA", "Chest 1 view"),
        acquired_on=date(2026, 9, 14),
        acquired_on_source="AcquisitionDate",
        quality_control_image=True,
        manufacturer="Synthetic",
        device_model="Phantom",
        made_by_screener=False,
        pixels=PixelFacts(
            rows=48,
            columns=64,
            frames=1,
            samples_per_pixel=1,
            bits_stored=12,
            photometric_interpretation="MONOCHROME2",
            spacing_mm=(0.15, 0.15),
            lossy=True,
            present=True,
            grey_digest=FULL_WINDOW,
        ),
        forgiven=(),
    )


@pytest.mark.parametrize("transfer_syntax", LOSSLESS_SYNTAXES)
def test_a_film_has_the_same_header_digest_in_every_transfer_syntax(transfer_syntax: str) -> None:
    film = synthetic_film()

    header = read_header(encode(film, transfer_syntax))

    assert header.transfer_syntax_uid == transfer_syntax
    assert header.digest() == read_header(encode(film)).digest()


@pytest.mark.parametrize("value", [None, b""], ids=["missing", "empty"])
def test_everything_but_the_identifiers_may_be_missing_or_empty(value: bytes | None) -> None:
    header = header_of(**dict.fromkeys(OPTIONAL, value))

    assert header == dataclasses.replace(
        header_of(),
        series_instance_uid=None,
        identity=Identity(
            patient_id=None, issuer=None, birth_date=None, sex=None, accession_number=None
        ),
        patient_age=None,
        patient_size=None,
        patient_weight=None,
        modality=None,
        image_type=(),
        presentation_intent=None,
        body_part=None,
        anatomic_region_codes=(),
        view_position=None,
        view_codes=(),
        descriptions=(),
        acquired_on=None,
        acquired_on_source=None,
        quality_control_image=False,
        manufacturer=None,
        device_model=None,
        pixels=PixelFacts(
            rows=0,
            columns=0,
            frames=1,
            samples_per_pixel=0,
            bits_stored=0,
            photometric_interpretation="",
            spacing_mm=None,
            lossy=False,
            present=True,
            grey_digest=FULL_WINDOW,
        ),
        forgiven=(),
    )


@pytest.mark.parametrize(
    ("keyword", "encoded", "field", "expected", "forgiven"),
    [
        ("PatientBirthDate", b"20160301", "identity.birth_date", date(2016, 3, 1), False),
        ("PatientBirthDate", b"2016.03.01", "identity.birth_date", date(2016, 3, 1), True),
        ("PatientBirthDate", b"2016-03-01", "identity.birth_date", date(2016, 3, 1), True),
        ("PatientBirthDate", b"20160000", "identity.birth_date", None, True),
        ("PatientBirthDate", b"00000000", "identity.birth_date", None, True),
        ("PatientBirthDate", b"20150229", "identity.birth_date", None, True),
        ("PatientBirthDate", b"2016", "identity.birth_date", None, True),
        ("PatientBirthDate", b"UNKNOWN", "identity.birth_date", None, True),
        ("PatientBirthDate", b"20160301-20160401", "identity.birth_date", None, True),
        ("PatientBirthDate", b"20160301\\20160302", "identity.birth_date", None, True),
        ("PatientSex", b"f", "identity.sex", "F", True),
        ("PatientSex", b"M\\F", "identity.sex", "M\\F", True),
        ("PatientSex", b" M", "identity.sex", "M", False),
        ("PatientID", b"  A 17\0", "identity.patient_id", "A 17", False),
        ("PatientID", b"A\\B", "identity.patient_id", "A\\B", True),
        ("PatientAge", b"013y", "patient_age", "013Y", True),
        ("PatientAge", b"156M", "patient_age", "156M", False),
        ("PatientSize", b"1,38", "patient_size", 1.38, True),
        ("PatientSize", b"1.4\\1.5", "patient_size", None, True),
        ("PatientSize", b"138 cm", "patient_size", None, True),
        ("PatientSize", b"nan", "patient_size", None, True),
        ("PatientSize", b"1e999", "patient_size", None, True),
        ("PatientSize", b"0", "patient_size", 0.0, False),
        ("PatientWeight", b"-3", "patient_weight", -3.0, False),
        ("PatientWeight", b" 31.5 ", "patient_weight", 31.5, False),
        ("Modality", b"dx", "modality", "DX", True),
        ("BodyPartExamined", b"Chest", "body_part", "CHEST", True),
        ("BodyPartExamined", b"CHEST\\ABDOMEN", "body_part", "CHEST\\ABDOMEN", True),
        ("ViewPosition", b"PA\\LL", "view_position", "PA\\LL", True),
        ("ImageType", b"DERIVED\\\\X", "image_type", ("DERIVED", "", "X"), False),
        ("ImageType", b"Original\\Primary", "image_type", ("ORIGINAL", "PRIMARY"), True),
        ("ImageType", b"ORIGINAL\\PRIMARY\\\\", "image_type", ("ORIGINAL", "PRIMARY"), False),
        ("QualityControlImage", b"yes", "quality_control_image", True, True),
        ("QualityControlImage", b"NO", "quality_control_image", False, False),
        ("SeriesInstanceUID", b"not a uid", "series_instance_uid", None, True),
        ("NumberOfFrames", b"3", "pixels.frames", 3, False),
        ("NumberOfFrames", b"", "pixels.frames", 1, False),
        ("NumberOfFrames", b"one", "pixels.frames", 0, True),
        ("NumberOfFrames", b"1.5", "pixels.frames", 0, True),
        ("NumberOfFrames", b"-1", "pixels.frames", 0, True),
        ("Rows", b"\x30\x00\x31\x00", "pixels.rows", 0, True),
        ("LossyImageCompression", b"01", "pixels.lossy", True, False),
    ],
)
def test_what_breaks_the_standard_is_read_or_left_out_and_named(
    keyword: str, encoded: bytes, field: str, expected: object, forgiven: bool
) -> None:
    header = header_of(**{keyword: encoded})

    value: object = header
    for name in field.split("."):
        value = getattr(value, name)
    assert value == expected
    assert header.forgiven == ((keyword,) if forgiven else ())


def test_a_text_where_a_sequence_belongs_is_left_out() -> None:
    film = synthetic_film(ViewCodeSequence=None)
    put(film, "ViewCodeSequence", b"PA", vr="LO")

    header = read_header(encode(film))

    assert header.view_codes == ()
    assert header.forgiven == ("ViewCodeSequence",)


def test_a_sequence_where_a_text_belongs_is_left_out() -> None:
    film = synthetic_film(ViewPosition=None)
    put(film, "ViewPosition", [Dataset()], vr="SQ")

    header = read_header(encode(film))

    assert header.view_position is None
    assert header.forgiven == ("ViewPosition",)


def test_an_attribute_of_unknown_value_representation_is_read_as_text() -> None:
    film = synthetic_film(SeriesDescription=None)
    put(film, "SeriesDescription", b"Chest AP", vr="UN")

    header = read_header(encode(film))

    assert header.descriptions == ("Chest", "Chest AP")


def code(**values: str) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        put(item, keyword, value)
    return item


@pytest.mark.parametrize(
    ("items", "codes", "forgiven"),
    [
        ([code(CodeValue="T-D3000", CodingSchemeDesignator="SRT")], ("T-D3000|SRT",), False),
        ([code(LongCodeValue="1" * 17, CodingSchemeDesignator="SCT")], (f"{'1' * 17}|SCT",), False),
        ([code(URNCodeValue="urn:x:1", CodingSchemeDesignator="X")], ("urn:x:1|X",), False),
        ([code(CodeValue="51185008")], ("51185008|",), True),
        ([code(CodeMeaning="Chest")], (), True),
        (
            [
                code(CodeValue="1", CodingSchemeDesignator="A"),
                code(CodeValue="2", CodingSchemeDesignator="B"),
            ],
            ("1|A", "2|B"),
            False,
        ),
        ([], (), False),
    ],
)
def test_coded_entries_are_value_and_scheme(
    items: list[Dataset], codes: tuple[str, ...], forgiven: bool
) -> None:
    header = header_of(AnatomicRegionSequence=items)

    assert header.anatomic_region_codes == codes
    assert header.forgiven == (("AnatomicRegionSequence",) if forgiven else ())


@pytest.mark.parametrize(
    ("dates", "expected", "source"),
    [
        (
            {"AcquisitionDate": "20260101", "AcquisitionDateTime": "20260202101010"},
            date(2026, 1, 1),
            "AcquisitionDate",
        ),
        (
            {"AcquisitionDate": None, "AcquisitionDateTime": "20260202101010.5+0900"},
            date(2026, 2, 2),
            "AcquisitionDateTime",
        ),
        ({"AcquisitionDate": "", "StudyDate": "20260303"}, date(2026, 3, 3), "StudyDate"),
        ({"AcquisitionDate": b"00000000"}, date(2026, 9, 14), "StudyDate"),
        (
            {"AcquisitionDate": None, "AcquisitionDateTime": b"soon", "StudyDate": "20260303"},
            date(2026, 3, 3),
            "StudyDate",
        ),
        ({"AcquisitionDate": None, "StudyDate": None}, None, None),
    ],
)
def test_the_date_of_acquisition_comes_from_the_first_attribute_that_has_one(
    dates: dict[str, Any], expected: date | None, source: str | None
) -> None:
    header = header_of(**dates)

    assert (header.acquired_on, header.acquired_on_source) == (expected, source)


@pytest.mark.parametrize(
    ("spacing", "expected", "forgiven"),
    [
        ({"ImagerPixelSpacing": ["0.1", "0.2"]}, (0.1, 0.2), ()),
        ({"ImagerPixelSpacing": ["0.1", "0.1"], "PixelSpacing": ["0.09", "0.09"]}, (0.1, 0.1), ()),
        ({"ImagerPixelSpacing": None, "PixelSpacing": ["0.14", "0.15"]}, (0.14, 0.15), ()),
        ({"ImagerPixelSpacing": b"0\\0"}, None, ("ImagerPixelSpacing",)),
        ({"ImagerPixelSpacing": b"-0.1\\0.1"}, None, ("ImagerPixelSpacing",)),
        ({"ImagerPixelSpacing": b"0.14"}, None, ("ImagerPixelSpacing",)),
        ({"ImagerPixelSpacing": b"0.14\\x"}, None, ("ImagerPixelSpacing",)),
        (
            {"ImagerPixelSpacing": b"0\\0", "PixelSpacing": ["0.14", "0.14"]},
            (0.14, 0.14),
            ("ImagerPixelSpacing",),
        ),
        ({"ImagerPixelSpacing": None}, None, ()),
    ],
)
def test_spacing_is_that_of_the_detector_where_it_can_be_one(
    spacing: dict[str, Any],
    expected: tuple[float, float] | None,
    forgiven: tuple[str, ...],
) -> None:
    header = header_of(**spacing)

    assert header.pixels.spacing_mm == expected
    assert header.forgiven == forgiven


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        (b"", "ascii", "Chest PA"),
        (b"ISO_IR 100", "latin-1", "Thorax stehend, Müller-Lüdenscheidt"),
        (b"ISO_IR 126", "iso8859-7", "Ακτινογραφία θώρακος"),
        (b"ISO_IR 144", "iso8859-5", "Грудная клетка"),
        (b"ISO_IR 192", "utf-8", "흉부 胸部 θώραξ"),
        (b"GB18030", "gb18030", "胸部正位片"),
        (b"GBK", "gbk", "胸部正位片"),
        (b"ISO_IR 13", "shift_jis", "ｷｮｳﾌﾞ"),
    ],
)
def test_texts_are_decoded_by_their_character_set(charset: bytes, encoding: str, text: str) -> None:
    encoded = text.encode(encoding)

    header = header_of(
        SpecificCharacterSet=charset, StudyDescription=encoded, PatientID=encoded, ProtocolName=None
    )

    assert header.descriptions[0] == text
    assert header.identity.patient_id == text
    assert header.forgiven == ()


@pytest.mark.parametrize(
    ("charset", "encoded", "text"),
    [
        # PS3.5 annex I and H: the escape sequences as the standard prints them
        (
            b"\\ISO 2022 IR 149",
            b"\x1b$)C\xc8\xe4\xba\xce \x1b$)C\xbb\xe7\xc1\xf8",
            "흉부 사진",
        ),
        (b"\\ISO 2022 IR 87", b"\x1b$B6;It\x1b(B PA", "胸部 PA"),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\xb7\xae\xb3 \x1b$B6;It\x1b(J", "ｷｮｳ 胸部"),
        (b"\\ISO 2022 IR 58", b"\x1b$)A\xd0\xd8\xb2\xbf", "胸部"),
    ],
)
def test_texts_with_code_extensions_are_decoded(charset: bytes, encoded: bytes, text: str) -> None:
    header = header_of(SpecificCharacterSet=charset, StudyDescription=encoded)

    assert header.descriptions[0] == text
    assert header.forgiven == ()


def test_an_unknown_character_set_is_named() -> None:
    header = header_of(SpecificCharacterSet=b"KLINGON", PatientName=b"ZZ-SYNTHETIC^Child")

    assert header.identity.patient_id == "ZZ-SYNTHETIC-1"
    assert "SpecificCharacterSet" in header.forgiven


def test_bytes_that_their_character_set_does_not_know_are_named() -> None:
    header = header_of(StudyDescription=b"Thorax \xfc")

    assert header.descriptions[0].startswith("Thorax")
    assert header.forgiven == ("StudyDescription",)


def test_nothing_of_a_broken_header_is_warned_of_or_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = encode(
        synthetic_film(
            SpecificCharacterSet=b"KLINGON",
            PatientBirthDate=b"SECRET-DATE",
            PatientSize=b"SECRET",
            PatientID=b"SECRET" * 20,
            PatientName=b"SECRET\xff^" * 20,
            NumberOfFrames=b"SECRET",
        )
    )

    caplog.clear()

    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        read_header(broken)

    assert [str(warning.message) for warning in caught] == []
    assert caplog.text == ""


def test_broken_headers_are_read_by_many_threads_at_once_without_a_warning() -> None:
    broken = encode(
        synthetic_film(SpecificCharacterSet=b"KLINGON", PatientBirthDate=b"x", PatientSize=b"x")
    )
    filters = list(warnings.filters)

    with ThreadPoolExecutor(8) as threads:
        headers = set(threads.map(read_header, [broken] * 200))

    # a warning would have been an error here
    assert len(headers) == 1
    assert warnings.filters == filters
    assert not logging.getLogger("pydicom").disabled


def test_our_own_objects_are_known_by_their_uid_or_their_device() -> None:
    assert header_of(SOPInstanceUID=own_uid("report")).made_by_screener
    assert header_of(ManufacturerModelName=DEVICE_MODEL).made_by_screener
    assert not header_of().made_by_screener


def test_pixel_data_are_present_when_they_are_cut_short_and_absent_when_they_are_not_there() -> (
    None
):
    film = synthetic_film()
    whole, without = encode(film), encode(synthetic_film(PixelData=None))

    assert read_header(whole[:-1000]).pixels.present
    assert read_header(whole[: len(without) + 12]).pixels.present
    assert not read_header(without).pixels.present


def test_the_pixels_of_an_icon_are_not_the_films() -> None:
    icon = Dataset()
    icon.Rows, icon.Columns = 2, 2
    put(icon, "PixelData", b"\0\0\0\0")

    header = header_of(IconImageSequence=[icon], PixelData=None)

    assert not header.pixels.present
    assert header.pixels.rows == 48


def test_a_file_is_read_like_its_bytes(tmp_path: Path) -> None:
    encoded = encode(synthetic_film(), JPEGLosslessSV1)
    path = tmp_path / "film.dcm"
    path.write_bytes(encoded)

    assert read_header(path) == read_header(encoded)


def test_a_path_without_a_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInstance):
        read_header(tmp_path / "nothing.dcm")


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_file_without_preamble_and_meta_information_is_read(transfer_syntax: str) -> None:
    header = read_header(encode_bare(synthetic_film(), transfer_syntax))

    assert header == dataclasses.replace(header_of(), transfer_syntax_uid=transfer_syntax)


def test_a_data_set_in_implicit_vr_under_an_explicit_syntax_is_read() -> None:
    film = synthetic_film()
    prefix = encode(film)[: -len(encode_bare(film))]

    header = read_header(prefix + encode_bare(film, ImplicitVRLittleEndian))

    assert header == header_of()


@pytest.mark.parametrize("length", [0, 1, 100, 132, 200])
def test_what_is_no_data_set_is_unreadable(length: int) -> None:
    with pytest.raises(UnreadableInstance):
        read_header(bytes(range(1, 256))[:length])


def test_a_header_that_ends_in_the_middle_of_an_attribute_is_unreadable() -> None:
    encoded = encode(synthetic_film())
    cut = encoded.index(b"ZZ-SYNTHETIC^Child") + 5

    with pytest.raises(UnreadableInstance):
        read_header(encoded[:cut])


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"])
@pytest.mark.parametrize("value", [None, b"", b"\0\0", b"  "])
def test_a_missing_identifier_is_named(keyword: str, value: bytes | None) -> None:
    overrides: dict[str, Any] = {keyword: value}
    film = synthetic_film(**overrides)

    with pytest.raises(MissingAttribute) as from_wire:
        read_identifiers(encode_bare(film), ExplicitVRLittleEndian)
    with pytest.raises(MissingAttribute) as from_file:
        read_header(encode(film))

    assert from_wire.value.keyword == from_file.value.keyword == keyword


@pytest.mark.parametrize("value", [b"1.2.SECRET", b"1.2\\1.3", b"9" * 65, b"1.2.\xff"])
def test_an_identifier_that_is_none_is_refused_without_its_value(value: bytes) -> None:
    film = synthetic_film(StudyInstanceUID=value)

    with pytest.raises(UnreadableInstance) as refused:
        read_identifiers(encode_bare(film), ExplicitVRLittleEndian)

    assert value.decode("latin-1") not in str(refused.value)


@pytest.mark.parametrize("transfer_syntax", LOSSLESS_SYNTAXES)
def test_identifiers_are_read_off_the_wire_in_every_transfer_syntax(transfer_syntax: str) -> None:
    encoded = encode_bare(synthetic_film(SOPClassUID=CTImageStorage), transfer_syntax)

    identifiers = read_identifiers(encoded, transfer_syntax)

    assert identifiers.sop_class_uid == CTImageStorage
    assert identifiers.sop_instance_uid == synthetic_uid("instance")
    assert identifiers.study_instance_uid == synthetic_uid("study")


def test_identifiers_are_read_whatever_comes_behind_them() -> None:
    encoded = encode_bare(synthetic_film())
    end = encoded.index(synthetic_uid("study").encode()) + 64

    identifiers = read_identifiers(encoded[:end] + b"\xff" * 999, ExplicitVRLittleEndian)

    assert identifiers.study_instance_uid == synthetic_uid("study")


def test_a_uid_with_a_component_that_begins_with_zero_is_kept() -> None:
    encoded = encode_bare(synthetic_film(SOPInstanceUID=b"1.2.03.4"))

    assert read_identifiers(encoded, ExplicitVRLittleEndian).sop_instance_uid == "1.2.03.4"


def test_identifiers_of_a_data_set_that_ends_inside_one_are_unreadable() -> None:
    encoded = encode_bare(synthetic_film())
    cut = encoded.index(synthetic_uid("study").encode()) + 20

    with pytest.raises(UnreadableInstance):
        read_identifiers(encoded[:cut], ExplicitVRLittleEndian)


@pytest.mark.parametrize(
    "transfer_syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian],
)
def test_identifiers_of_garbage_are_refused(transfer_syntax: str) -> None:
    with pytest.raises((UnreadableInstance, MissingAttribute)):
        read_identifiers(b"\x99garbage\x01\x02" * 50, transfer_syntax)


def test_a_sequence_nested_without_end_is_unreadable() -> None:
    nested = b"\x08\x00\x06\x00SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000

    with pytest.raises(UnreadableInstance):
        read_identifiers(nested, ExplicitVRLittleEndian)


def test_the_file_prefix_makes_a_part_10_file_of_a_bare_data_set() -> None:
    bare = encode_bare(synthetic_film(), ExplicitVRBigEndian)

    prefix = file_prefix(
        sop_class_uid=DX,
        sop_instance_uid=SopInstanceUid(synthetic_uid("instance")),
        transfer_syntax_uid=ExplicitVRBigEndian,
        source_ae=AeTitle("MODALITY"),
    )

    written = dcmread(BytesIO(prefix + bare))
    meta = written.file_meta
    assert written.preamble == bytes(128)
    assert meta.FileMetaInformationGroupLength == len(prefix) - 128 - 4 - 12
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.MediaStorageSOPClassUID == DX
    assert meta.MediaStorageSOPInstanceUID == synthetic_uid("instance")
    assert meta.TransferSyntaxUID == ExplicitVRBigEndian
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert meta.SourceApplicationEntityTitle == "MODALITY"
    assert read_header(prefix + bare).identity == header_of().identity


def test_the_file_prefix_takes_a_uid_that_breaks_the_standard() -> None:
    prefix = file_prefix(
        sop_class_uid=DX,
        sop_instance_uid=SopInstanceUid("1.2.03.4"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        source_ae=AeTitle("MODALITY"),
    )

    assert b"1.2.03.4" in prefix


def test_the_kind_of_a_file_is_its_class_and_transfer_syntax(tmp_path: Path) -> None:
    encoded = encode(synthetic_film(), JPEGLosslessSV1)
    path = tmp_path / "film.dcm"
    path.write_bytes(encoded)

    assert file_kind(path) == file_kind(encoded) == (DX, JPEGLosslessSV1)
    assert transfer_syntax_of(encoded) == JPEGLosslessSV1


def test_what_is_no_part_10_file_has_no_kind(tmp_path: Path) -> None:
    for data in (b"", b"garbage" * 99, encode_bare(synthetic_film()), tmp_path / "nothing.dcm"):
        with pytest.raises(UnreadableInstance):
            file_kind(data)


@settings(max_examples=150, deadline=None)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=8),
    end=st.floats(0.05, 1),
    transfer_syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
)
def test_a_damaged_header_is_read_or_refused_and_nothing_else(
    flips: list[tuple[float, int]], end: float, transfer_syntax: str
) -> None:
    film = synthetic_film(PixelData=None)
    prefix = len(encode(film, transfer_syntax)) - len(encode_bare(film, transfer_syntax))
    damaged = bytearray(encode(film, transfer_syntax))
    for where, bit in flips:
        damaged[int(where * (len(damaged) - 1))] ^= 1 << bit
    del damaged[int(end * len(damaged)) :]

    for read in (
        lambda: read_header(bytes(damaged)),
        lambda: read_identifiers(bytes(damaged[prefix:]), transfer_syntax),
    ):
        try:
            result = read()
        except ScreenerError:
            continue
        assert result.study_instance_uid


@pytest.mark.parametrize(
    "change",
    [
        {"WindowCenter": 1000, "WindowWidth": 800},
        {"RescaleSlope": 2, "RescaleIntercept": 5},
        {"PixelPaddingValue": 7},
        {"PhotometricInterpretation": "MONOCHROME1"},
    ],
)
def test_a_correction_of_the_greys_changes_the_digest(change: dict[str, object]) -> None:
    assert header_of(**change).digest() != header_of().digest()


def test_a_disk_that_fails_is_told_from_a_header_that_cannot_be_read(tmp_path: Path) -> None:
    for read in (read_header, file_kind):
        with pytest.raises(FileUnavailable):
            read(tmp_path)
