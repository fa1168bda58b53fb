"""What a result object takes over from its source: patient, study, equipment, made legal.

Sources lack attributes and hold values that the standard forbids. The archive's own objects are
never altered; what is made here is a small copy in which every value is legal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import DA, TM, validate_value

from screener.dicom.character_sets import CharacterSet
from screener.dicom.dataset import LIBRARY_ERRORS, open_instance, quiet
from screener.dicom.texts import declared_character_set, decoded_texts
from screener.domain.errors import UnreadableInstance
from screener.domain.instance import InstanceHeader
from screener.domain.report import NotScoredFilm, ReportContent, ScoredFilm

#: Type 2 in every result object (PS3.3 C.7.1.1, C.7.2.1): present, empty where the source has none.
TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
#: Patient, General Study and Patient Study attributes that are taken over where they are there.
PATIENT_AND_STUDY = (
    *TYPE_2,
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthTime",
    "OtherPatientIDsSequence",
    "EthnicGroup",
    "PatientComments",
    "QualityControlSubject",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "ProcedureCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "AdmissionID",
    "TimezoneOffsetFromUTC",
)
#: Of the modality.
EQUIPMENT = (
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "InstitutionName",
    "StationName",
)
_IMAGE = (
    "Modality",
    "BodyPartExamined",
    "Rows",
    "Columns",
    "PatientOrientation",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
    "BurnedInAnnotation",
    "QualityControlImage",
)
#: What an archive files by. Too long is no reason to leave it out: it must match.
_IDENTIFIERS = frozenset({"PatientName", "PatientID", "IssuerOfPatientID", "AccessionNumber"})
_DEFINED_TERMS = {
    "PatientSex": {"M", "F", "O"},
    "BurnedInAnnotation": {"YES", "NO"},
    "QualityControlImage": {"YES", "NO", "BOTH"},
    "QualityControlSubject": {"YES", "NO"},
    "PatientIdentityRemoved": {"YES", "NO"},
    "LossyImageCompression": {"00", "01"},
}
#: What an item needs, one of each lot at least: PS3.3 section 8.8 and C.7.1.1, section 10.14.
_NEEDED_IN_ITEMS = {
    "ProcedureCodeSequence": (
        {"CodeValue", "LongCodeValue", "URNCodeValue"},
        {"CodingSchemeDesignator", "URNCodeValue"},
        {"CodeMeaning"},
    ),
    "OtherPatientIDsSequence": ({"PatientID"}, {"TypeOfPatientID"}),
    "IssuerOfAccessionNumberSequence": ({"LocalNamespaceEntityID", "UniversalEntityIDType"},),
}
#: Nobody has a size or weight of nothing: zero is entered for "not known".
_ABOVE_ZERO = frozenset({"PatientSize", "PatientWeight"})
#: (0008,0201), PS3.3 C.12.1.1.8: -1200 to +1400.
_UTC_OFFSET = re.compile(r"-(0\d|1[01])[0-5]\d|-1200|\+(0\d|1[0-3])[0-5]\d|\+1400")
#: Those of which Laterality need not be told (PS3.3 C.7.3.1.1.2): radiographs that are read here.
_WITHOUT_SIDES = frozenset({"CHEST"})
_REPLACEMENT_CHARACTER = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFilm:
    """A film that a report names, opened.

    Parameters
    ----------
    film
        As the report has it.
    dataset
        As it was sent, up to its pixels; read it inside `quiet`.
    copy
        What result objects take over from it (`copy_source`).
    """

    film: ScoredFilm | NotScoredFilm
    dataset: Dataset
    copy: Dataset


def open_named_film(content: ReportContent, source: bytes) -> NamedFilm:
    """Open a film that a report names.

    Parameters
    ----------
    source
        Its Part 10 bytes.

    Raises
    ------
    UnreadableInstance
        The film cannot be read.
    ValueError
        `content` does not name it.
    """
    dataset = open_instance(source).dataset
    with quiet():
        shown = str(dataset.get("SOPInstanceUID"))
    for film in content.named_films:
        if str(film.header.sop_instance_uid) == shown:
            return NamedFilm(film=film, dataset=dataset, copy=copy_source(dataset, film.header))
    raise ValueError("the film shown is none of the study's")


def copy_source(source: Dataset, header: InstanceHeader) -> Dataset:
    """Copy what result objects take over from a film.

    Parameters
    ----------
    source
        The film's data set, as `open_instance` gives it; is not changed.
    header
        What was read of it: its UIDs are those that references use.

    Returns
    -------
    pydicom.dataset.Dataset
        Texts decoded; every value legal, or empty (type 2), or left out; the source's character
        set as it stands there.

    Raises
    ------
    UnreadableInstance
        A name or identifier cannot be decoded in its character set.
    """
    copy = Dataset()
    copy.SOPClassUID = header.sop_class_uid
    copy.SOPInstanceUID = str(header.sop_instance_uid)
    with quiet():
        charset = declared_character_set(source)
        for keyword in (*PATIENT_AND_STUDY, *EQUIPMENT, *_IMAGE):
            element = legal_element(source, keyword, charset)
            if element is not None:
                copy.add(element)
    for keyword in TYPE_2:
        if keyword not in copy:
            setattr(copy, keyword, "")
    if charset.value:
        copy.SpecificCharacterSet = charset.value
    return copy


def describe_body_part(result: Dataset, copy: Dataset) -> None:
    """Give a result object the body part of its film, and its side where it may have sides.

    Notes
    -----
    Laterality is Type 2C: it must be there, and may be empty, unless the body part has no sides.
    """
    if "BodyPartExamined" in copy:
        result.add(copy["BodyPartExamined"])
    if copy.get("BodyPartExamined") not in _WITHOUT_SIDES:
        result.Laterality = None


def legal_element(
    dataset: Dataset, keyword: str, charset: CharacterSet | None = None
) -> DataElement | None:
    """Return an element as the standard allows it, or None; use inside `quiet`.

    Parameters
    ----------
    charset
        That of the texts; what the data set declares itself where None.

    Raises
    ------
    UnreadableInstance
        A name or identifier cannot be decoded: leaving it out would file the result elsewhere.
    """
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return None
    vr = dictionary_VR(tag)
    charset = charset or declared_character_set(dataset)
    value: Any = decoded_texts(dataset.get_item(tag), vr, charset)
    try:
        if value is None:
            element = dataset[tag]
            found = element.value
            value = _legal_sequence(keyword, found, charset) if vr == "SQ" else _plain(found)
            if vr != element.VR:
                return None
    except LIBRARY_ERRORS:
        return None
    if value is None:
        return None
    texts: list[Any] = value if isinstance(value, list) else [value]
    if keyword in _IDENTIFIERS and any(_REPLACEMENT_CHARACTER in str(text) for text in texts):
        raise UnreadableInstance(
            f"{keyword} cannot be decoded in the source's character set; correct it at the archive"
        )
    if vr != "SQ" and not all(_is_legal(keyword, vr, text) for text in texts):
        return None
    if vr != "SQ" and not _has_as_many(texts, dictionary_VM(tag)):
        return None
    return DataElement(tag, vr, value, validation_mode=config.IGNORE)


def _plain(value: Any) -> Any:
    """Return texts for everything but binary numbers; None for nothing, or for unread bytes."""
    if value is None or isinstance(value, bytes):
        return None
    if isinstance(value, MultiValue):
        return [_plain(item) for item in value] or None
    return value if type(value) is int else str(value)


def _has_as_many(values: list[Any], multiplicity: str) -> bool:
    """Return whether there are none, or as many values as the dictionary says: ``2``, ``1-n``."""
    least, _, most = multiplicity.partition("-")
    if values == [""]:
        return True
    return len(values) >= int(least) and (
        not most.isdecimal() if most else len(values) == int(least)
    )


def _legal_sequence(keyword: str, items: Sequence, charset: CharacterSet) -> Sequence | None:
    """Return items in which every element is legal, or None where one is not."""
    copied = []
    needed = _NEEDED_IN_ITEMS.get(keyword, ())
    for item in items:
        copy = Dataset()
        own = declared_character_set(item, inherited=charset)
        for tag in list(item.keys()):
            inner = keyword_for_tag(tag)
            if inner == "SpecificCharacterSet":
                continue  # the whole object will have one
            legal = legal_element(item, inner, own) if inner else None
            element = item[tag]
            if legal is None and not element.is_empty:
                return None
            copy.add(legal or DataElement(element.tag, element.VR, None))
        if not all(any(copy.get(name) for name in names) for names in needed):
            return None
        copied.append(copy)
    return Sequence(copied) if copied else None


def _is_legal(keyword: str, vr: str, value: str | int) -> bool:
    text = str(value)
    if _REPLACEMENT_CHARACTER in text:
        return False
    if keyword in _IDENTIFIERS or text == "":
        return True
    if keyword in _DEFINED_TERMS and text not in _DEFINED_TERMS[keyword]:
        return False
    if keyword == "TimezoneOffsetFromUTC" and not _UTC_OFFSET.fullmatch(text):
        return False
    try:
        validate_value(vr, value, config.RAISE)
        if keyword in _ABOVE_ZERO:
            return float(text) > 0
        if vr == "DA":
            DA(text, validation_mode=config.RAISE)
        elif vr == "TM":
            TM(text, validation_mode=config.RAISE)
    except LIBRARY_ERRORS:
        return False
    return True
