"""What all result objects share: stable identity, header, character set, encoding."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from io import BytesIO

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from screener import __version__
from screener.dicom import codes
from screener.dicom.source import EQUIPMENT, PATIENT_AND_STUDY
from screener.dicom.uids import (
    DEVICE_MODEL,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    own_uid,
)
from screener.domain.report import ReportContent, ResultKind

MANUFACTURER = "bmd-screener project"

#: High, and one to a kind: a viewer that sorts by number shows the child's own films first.
SERIES_NUMBERS = {
    ResultKind.REPORT: 9001,
    ResultKind.OVERLAY: 9002,
    ResultKind.CARD: 9003,
    ResultKind.PRESENTATION: 9004,
    ResultKind.DOCUMENT: 9005,
    ResultKind.REJECTION_NOTE: 9009,
}
_SERIES_NAMES = {
    ResultKind.REPORT: "AI BMD report",
    ResultKind.OVERLAY: "AI BMD overlay",
    ResultKind.CARD: "AI BMD card",
    ResultKind.PRESENTATION: "AI BMD region",
    ResultKind.DOCUMENT: "AI BMD document",
    ResultKind.REJECTION_NOTE: "AI BMD rejection note",
}

UTF_8 = "ISO_IR 192"
#: Character sets that a result object keeps; the empty one is the default repertoire. Those with
#: code extensions are written as UTF-8.
_KEPT_CHARACTER_SETS = frozenset(
    {
        "",
        "ISO_IR 100",
        "ISO_IR 101",
        "ISO_IR 109",
        "ISO_IR 110",
        "ISO_IR 126",
        "ISO_IR 127",
        "ISO_IR 138",
        "ISO_IR 144",
        "ISO_IR 148",
        "ISO_IR 166",
        "ISO_IR 203",
        UTF_8,
        "GB18030",
    }
)
_TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_LONG_STRING = 64


def object_uid(content: ReportContent, kind: ResultKind, part: str) -> str:
    """Return the SOP Instance UID of a result object.

    Parameters
    ----------
    content, kind
        The same finding, revision and kind always give the same UID.
    part
        What tells objects of one kind apart: a report's variant, the SOP Instance UID of the film
        that an overlay shows, nothing for a card.
    """
    return own_uid("object", *_identity(content, kind), part)


def series_uid(content: ReportContent, kind: ResultKind, variant: str) -> str:
    """Return the Series Instance UID: a new series for each kind, report variant and revision."""
    return own_uid("series", *_identity(content, kind), variant)


def tracking_uid(film_uid: str) -> str:
    """Return the tracking UID of a film's input field, the same in every report of it."""
    return own_uid("input field", film_uid)


def device_uid() -> str:
    """Return the UID of this product at this version as an observer."""
    return own_uid("device", DEVICE_MODEL, __version__)


def series_description(content: ReportContent, kind: ResultKind) -> str:
    """Return what a viewer's list shows, the most important first: lists cut at 20 characters."""
    is_revised = content.revision > 1 and kind is not ResultKind.REJECTION_NOTE
    revised = f" REVISED {content.revision}" if is_revised else ""
    marks = "SYNTHETIC, RESEARCH" if content.synthetic else "RESEARCH"
    return f"{_SERIES_NAMES[kind]}{revised} ({marks})"


def _software_versions(content: ReportContent) -> list[str]:
    """Return this product's version, and the predictor's where one spoke."""
    predictor = content.finding.predictor
    versions = [f"{DEVICE_MODEL} {__version__}"]
    if predictor is not None:
        versions.append(predictor.label.replace("\\", "/")[:_LONG_STRING])
    return versions


def finish(result: Dataset, source: Dataset, content: ReportContent, kind: ResultKind) -> bytes:
    """Give a result object its patient, date, marks and character set, and encode it.

    Parameters
    ----------
    result
        Complete but for what all kinds share; is changed.
    source
        The film that patient and study come from.

    Returns
    -------
    bytes
        A Part 10 file. Nothing in it comes from the clock.
    """
    for keyword in PATIENT_AND_STUDY:
        if keyword in source:
            result.add(source[keyword])
    at = _local_time(content.concluded_at, str(source.get("TimezoneOffsetFromUTC") or ""))
    day, time = at.strftime("%Y%m%d"), at.strftime("%H%M%S")
    result.InstanceCreationDate, result.InstanceCreationTime = day, time
    result.ContentDate, result.ContentTime = day, time
    result.SeriesDate, result.SeriesTime = day, time
    result.SoftwareVersions = _software_versions(content)
    result.SeriesDescription = series_description(content, kind)
    if "DateOfSecondaryCapture" in result:
        result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = day, time
    result.CodingSchemeIdentificationSequence = [codes.coding_scheme()]
    result.ContributingEquipmentSequence = _equipment(content, source)

    charset = _character_set(result, source)
    if charset:
        result.SpecificCharacterSet = charset
    elif "SpecificCharacterSet" in result:
        del result.SpecificCharacterSet

    result.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    result.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    encoded = BytesIO()
    result.save_as(encoded, enforce_file_format=True)
    return encoded.getvalue()


def sop_reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Return an item that refers to an instance."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = sop_class_uid
    reference.ReferencedSOPInstanceUID = str(sop_instance_uid)
    return reference


def study_uid(content: ReportContent) -> str:
    """Return the Study Instance UID that all films of a content have."""
    return str(content.named_films[0].header.study_instance_uid)


def _identity(content: ReportContent, kind: ResultKind) -> tuple[str, ...]:
    return study_uid(content), content.finding.digest(), str(content.revision), kind.value


def _equipment(content: ReportContent, source: Dataset) -> list[Dataset]:
    """Return the film's modality, where it is known, and this product."""
    items = []
    if source.get("Manufacturer"):
        modality = Dataset()
        modality.update({e.tag: e for e in source if e.keyword in EQUIPMENT})
        modality.PurposeOfReferenceCodeSequence = [codes.code_item(codes.ACQUISITION_EQUIPMENT)]
        items.append(modality)
    ours = Dataset()
    ours.Manufacturer, ours.ManufacturerModelName = MANUFACTURER, DEVICE_MODEL
    ours.SoftwareVersions = _software_versions(content)
    ours.ContributionDescription = "Estimate of areal bone mineral density"
    ours.PurposeOfReferenceCodeSequence = [codes.code_item(codes.PROCESSING_EQUIPMENT)]
    return [*items, ours]


def _local_time(at: datetime, offset: str) -> datetime:
    """Return a time in the zone that the source's own dates are in, where it says which."""
    found = _OFFSET.fullmatch(offset)
    if found is None:
        return at
    minutes = int(found[2]) * 60 + int(found[3])
    zone = timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
    return at.astimezone(zone)


def _character_set(result: Dataset, source: Dataset) -> str:
    """Return the source's character set where it can hold every text, else UTF-8.

    Notes
    -----
    pydicom and highdicom write '?' for what a set cannot hold, without an error.

    Source: PS3.3 C.12.1.1.2; PS3.5 section 6.1.
    """
    declared = source.get("SpecificCharacterSet") or ""
    if declared == "ISO_IR 6":
        declared = ""  # its proper spelling
    if not isinstance(declared, str) or declared not in _KEPT_CHARACTER_SETS:
        return UTF_8
    encoding = convert_encodings(declared)[0]
    try:
        for text in _texts(result):
            text.encode(encoding)
    except UnicodeEncodeError:
        return UTF_8
    return declared


def _texts(dataset: Dataset) -> list[str]:
    found = []
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                found += _texts(item)
        elif element.VR in _TEXT_VRS and element.value is not None:
            single = isinstance(element.value, str | PersonName)
            found += [str(v) for v in ([element.value] if single else element.value)]
    return found
