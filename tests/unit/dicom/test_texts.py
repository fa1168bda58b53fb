from __future__ import annotations

from io import BytesIO
from typing import cast

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from screener.dicom.character_sets import UTF_8, read_character_set
from screener.dicom.source import copy_source, legal_element
from screener.dicom.texts import (
    choose_character_set,
    declared_character_set,
    decoded_texts,
    with_encoded_texts,
)
from screener.domain.errors import UnencodableText, UnreadableInstance
from tests.conformance.contents import make_header

KOREAN = read_character_set(["", "ISO 2022 IR 149"])
NAME = "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"


def result(**texts: object) -> Dataset:
    made = Dataset()
    for keyword, value in texts.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    return made


def reread(written: Dataset) -> Dataset:
    encoded = BytesIO()
    written.save_as(encoded, enforce_file_format=True)
    return dcmread(BytesIO(encoded.getvalue()))


def nested(text: str) -> Dataset:
    item = Dataset()
    item.CodeMeaning = text
    return item


def test_the_films_set_is_kept_where_it_holds_every_text() -> None:
    made = result(PatientName=NAME, ConceptNameCodeSequence=[nested("\uacb0\ub860")])

    assert choose_character_set(made, KOREAN) == KOREAN


def test_one_text_deep_down_that_it_cannot_hold_makes_the_object_utf_8() -> None:
    made = result(PatientName="Kim", ConceptNameCodeSequence=[nested("M\u00fcller")])

    assert choose_character_set(made, KOREAN).value == UTF_8


def test_texts_are_written_in_the_set_at_every_depth_and_read_as_before() -> None:
    made = result(
        PatientName=NAME,
        OtherPatientNames=[NAME, "Kim^A"],
        PatientComments="a\\b \uacb0\ub860\r\n\uacb0\ub860",
        SoftwareVersions=["\uacb0\ub860", "1"],
        ConceptNameCodeSequence=[nested("\uacb0\ub860")],
    )

    shown = reread(with_encoded_texts(made, KOREAN))

    assert shown.SpecificCharacterSet == ["", "ISO 2022 IR 149"]
    assert str(shown.PatientName) == NAME
    assert [str(name) for name in shown.OtherPatientNames] == [NAME, "Kim^A"]
    assert shown.PatientComments == "a\\b \uacb0\ub860\r\n\uacb0\ub860"
    assert list(shown.SoftwareVersions) == ["\uacb0\ub860", "1"]
    assert shown.ConceptNameCodeSequence[0].CodeMeaning == "\uacb0\ub860"


def test_a_set_is_named_once_and_by_the_object() -> None:
    item = nested("plain")
    item.SpecificCharacterSet = "ISO_IR 100"

    shown = reread(with_encoded_texts(result(ConceptNameCodeSequence=[item]), KOREAN))

    assert "SpecificCharacterSet" not in shown.ConceptNameCodeSequence[0]


def test_pixels_are_not_copied() -> None:
    made = result(PatientName=NAME)
    made.add_new(0x7FE00010, "OW", bytes(1000))

    assert with_encoded_texts(made, KOREAN)["PixelData"] is made["PixelData"]


def test_a_text_that_no_set_can_hold_is_an_error() -> None:
    made = result(PatientComments="\ud800")

    assert choose_character_set(made, read_character_set(["ISO_IR 100"])).value == UTF_8
    with pytest.raises(UnencodableText) as error:
        with_encoded_texts(made, read_character_set([UTF_8]))
    assert error.value.code == "UNENCODABLE_TEXT"


def test_an_item_may_have_a_set_of_its_own() -> None:
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 100"
    film = result(SpecificCharacterSet="ISO_IR 192", ProcedureCodeSequence=[item])
    item.CodeMeaning = "M\u00fcller"
    item.CodeValue, item.CodingSchemeDesignator = "1", "99X"
    shown = reread(film)

    copied = legal_element(shown, "ProcedureCodeSequence")

    assert copied is not None
    assert copied.value[0].CodeMeaning == "M\u00fcller"
    assert "SpecificCharacterSet" not in copied.value[0]


def test_a_japanese_name_with_bytes_of_delimiters_is_copied_whole() -> None:
    name = "Akiyama^Hon=\u79cb\u5c71^\u5c71\u672c=\u3042\u304d\u3084\u307e^\u3084\u307e\u3082\u3068"
    charset = read_character_set(["", "ISO 2022 IR 87"])
    film = reread(with_encoded_texts(result(PatientName=name), charset))

    assert str(copy_source(film, make_header()).PatientName) == name


def test_a_name_that_is_no_text_is_an_error() -> None:
    film = reread(with_encoded_texts(result(PatientName="Kim"), read_character_set([UTF_8])))
    raw = cast("RawDataElement", film.get_item(Tag("PatientName")))
    film["PatientName"] = raw._replace(value=b"\xb1\xe8 ")

    with pytest.raises(UnreadableInstance, match="PatientName cannot be decoded"):
        copy_source(film, make_header())


def test_what_was_converted_already_is_not_decoded_again() -> None:
    film = reread(with_encoded_texts(result(PatientName=NAME), KOREAN))
    assert decoded_texts(film.get_item("PatientName"), "PN", KOREAN) == NAME
    assert str(film.PatientName) == NAME

    assert decoded_texts(film.get_item("PatientName"), "PN", KOREAN) is None


def test_an_item_without_a_set_has_that_of_what_it_lies_in() -> None:
    assert declared_character_set(Dataset(), inherited=KOREAN) == KOREAN
