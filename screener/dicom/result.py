"""What all result objects share: stable identity, header, character set, encoding."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.uid import UID

from screener import __version__
from screener.dicom import codes
from screener.dicom.source import EQUIPMENT, PATIENT_AND_STUDY
from screener.dicom.texts import (
    choose_character_set,
    declared_character_set,
    with_encoded_texts,
)
from screener.dicom.uids import (
    DEVICE_MODEL,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    own_uid,
)
from screener.domain.report import ReportContent, ResultKind

MANUFACTURER = "bmd-screener project"

_SERIES_NAMES = {
    ResultKind.REPORT: "AI BMD report",
    ResultKind.OVERLAY: "AI BMD overlay",
    ResultKind.CARD: "AI BMD card",
    ResultKind.PRESENTATION: "AI BMD region",
    ResultKind.DOCUMENT: "AI BMD document",
    ResultKind.REJECTION_NOTE: "AI BMD rejection note",
}

_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_LONG_STRING = 64


def object_uid(content: ReportContent, kind: ResultKind, part: str) -> str:
    """Return the SOP Instance UID of a result object.

    Parameters
    ----------
    content, kind
        The same finding, revision and kind always give the same UID.
    part
        What tells objects of one kind apart: `ResultForm.look`, and the SOP Instance UID of the
        film where there is one object for each film; see `film_part`.
    """
    return own_uid("object", *_identity(content, kind), part)


def film_part(film_uid: str, look: str) -> str:
    """Return what tells the object of a film apart from the others of its kind."""
    return f"{film_uid} {look}".strip()


def series_uid(content: ReportContent, kind: ResultKind, look: str) -> str:
    """Return the Series Instance UID: a new series for each kind, look and revision."""
    return own_uid("series", *_identity(content, kind), look)


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

    Raises
    ------
    UnencodableText
        A text cannot be written without a loss.
    """
    for keyword in PATIENT_AND_STUDY:
        if keyword in source:
            result.add(source[keyword])
    if content.utc_offset:
        result.TimezoneOffsetFromUTC = content.utc_offset
    at = _local_time(content.concluded_at, str(result.get("TimezoneOffsetFromUTC") or ""))
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

    result.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    result.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return encode(result, source)


def encode(result: Dataset, source: Dataset) -> bytes:
    """Encode a finished object in the character set of its source, or in UTF-8 where need be.

    Raises
    ------
    UnencodableText
        A text cannot be written without a loss.
    """
    charset = choose_character_set(result, declared_character_set(source))
    encoded = BytesIO()
    with_encoded_texts(result, charset).save_as(encoded, enforce_file_format=True)
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
    """Return a time in the site's zone, else the film's; where neither is known, UTC."""
    found = _OFFSET.fullmatch(offset)
    if found is None:
        return at
    minutes = int(found[2]) * 60 + int(found[3])
    zone = timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
    return at.astimezone(zone)
