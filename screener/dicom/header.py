"""Encoded bytes to the words of the domain: identifiers, header, file meta information."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from screener.dicom.attributes import Attributes
from screener.dicom.dataset import (
    OpenedInstance,
    open_instance,
    quiet,
    read_bare,
    read_file_meta,
)
from screener.dicom.grey import read_grey_rules
from screener.dicom.uids import (
    DEVICE_MODEL,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    is_own_uid,
)
from screener.domain.errors import MissingAttribute, UnreadableInstance
from screener.domain.identifiers import (
    AeTitle,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
    Uid,
)
from screener.domain.instance import Identity, InstanceHeader, PixelFacts

_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_STUDY_INSTANCE_UID = 0x0020000D

_PREAMBLE = bytes(128) + b"DICM"

#: Where eligibility looks for words, in the order in which texts are given.
_DESCRIPTIONS = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "PerformedProcedureStepDescription",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """What must be known of an instance before it is accepted."""

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    study_instance_uid: StudyInstanceUid


def read_identifiers(encoded: bytes, transfer_syntax_uid: str) -> Identifiers:
    """Read the identifiers of a data set as it comes off the wire.

    Parameters
    ----------
    encoded
        The data set without preamble and file meta information. Nothing behind (0020,000D) is
        looked at: the cost does not grow with the pixels.
    transfer_syntax_uid
        Of the presentation context that it came by.

    Raises
    ------
    UnreadableInstance
        Not a data set, or an identifier is none.
    MissingAttribute
        An identifier is missing or empty.
    """
    dataset = read_bare(
        encoded,
        transfer_syntax_uid,
        last_tag=_STUDY_INSTANCE_UID,
        tags=(_SOP_CLASS_UID, _SOP_INSTANCE_UID, _STUDY_INSTANCE_UID),
    )
    return _identifiers(dataset)


def file_prefix(
    *,
    sop_class_uid: str,
    sop_instance_uid: SopInstanceUid,
    transfer_syntax_uid: str,
    source_ae: AeTitle,
) -> bytes:
    """Return preamble and file meta information: put before a bare data set, a Part 10 file.

    Notes
    -----
    Source: PS3.10 section 7.1.
    """
    meta = FileMetaDataset()
    for keyword, value in (
        ("FileMetaInformationVersion", b"\0\1"),
        ("MediaStorageSOPClassUID", sop_class_uid),
        ("MediaStorageSOPInstanceUID", str(sop_instance_uid)),
        ("TransferSyntaxUID", transfer_syntax_uid),
        ("ImplementationClassUID", IMPLEMENTATION_CLASS_UID),
        ("ImplementationVersionName", IMPLEMENTATION_VERSION_NAME),
        ("SourceApplicationEntityTitle", str(source_ae)),
    ):
        # a UID that the standard does not allow must not lose the film
        mode, tag = config.IGNORE, tag_for_keyword(keyword) or 0
        meta.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=mode))
    encoded = DicomBytesIO()
    write_file_meta_info(encoded, meta)
    return _PREAMBLE + encoded.getvalue()


def file_kind(data: bytes | Path) -> tuple[str, str]:
    """Return what a presentation context is asked for a Part 10 file: SOP Class, transfer syntax.

    Raises
    ------
    UnreadableInstance
        Not a Part 10 file.
    """
    meta = read_file_meta(data)
    kind = meta.get("MediaStorageSOPClassUID"), meta.get("TransferSyntaxUID")
    if not kind[0] or not kind[1]:
        raise UnreadableInstance("not a DICOM file: it has no file meta information")
    return kind[0], kind[1]


def transfer_syntax_of(data: bytes | Path) -> str:
    """Return the transfer syntax of a Part 10 file, or raise `UnreadableInstance`."""
    return file_kind(data)[1]


def read_header(data: bytes | Path) -> InstanceHeader:
    """Read what we use of an instance's header.

    Parameters
    ----------
    data
        A Part 10 file or its bytes. Of a file, only the header is read.

    Raises
    ------
    UnreadableInstance
        Not a data set, one cut off in the middle of its header, or an identifier is none.
    MissingAttribute
        SOP Class, SOP Instance or Study Instance UID is missing or empty.
    """
    opened = open_instance(data)
    with quiet():
        identifiers = _identifiers(opened.dataset)
        return _header(opened, identifiers)


def detector_spacing_mm(attributes: Attributes) -> tuple[float, float] | None:
    """Return the distance of pixel centres on the detector, row then column, or None.

    Notes
    -----
    Source: PS3.3 section 10.7.1.3: Imager Pixel Spacing is at the detector; Pixel Spacing equals
    it unless somebody has calibrated it.
    """
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = attributes.numbers(keyword)
        if len(spacing) == 2 and min(spacing) > 0:  # noqa: PLR2004 - row and column
            return spacing[0], spacing[1]
        if spacing:
            attributes.forgive(keyword)
    return None


def _header(opened: OpenedInstance, identifiers: Identifiers) -> InstanceHeader:
    attributes = Attributes(opened.dataset)
    acquired_on, acquired_on_source = _acquired_on(attributes)
    device_model = attributes.text("ManufacturerModelName")
    ours = is_own_uid(identifiers.sop_instance_uid) or device_model == DEVICE_MODEL
    return InstanceHeader(
        sop_class_uid=identifiers.sop_class_uid,
        sop_instance_uid=identifiers.sop_instance_uid,
        study_instance_uid=identifiers.study_instance_uid,
        series_instance_uid=_series_instance_uid(attributes),
        transfer_syntax_uid=opened.transfer_syntax_uid,
        identity=Identity(
            patient_id=attributes.text("PatientID"),
            issuer=attributes.text("IssuerOfPatientID"),
            birth_date=attributes.day("PatientBirthDate"),
            sex=attributes.code("PatientSex"),
            accession_number=attributes.text("AccessionNumber"),
        ),
        patient_age=attributes.code("PatientAge"),
        patient_size=attributes.number("PatientSize"),
        patient_weight=attributes.number("PatientWeight"),
        modality=attributes.code("Modality"),
        image_type=attributes.codes("ImageType"),
        presentation_intent=attributes.code("PresentationIntentType"),
        body_part=attributes.code("BodyPartExamined"),
        anatomic_region_codes=_codes(attributes, "AnatomicRegionSequence"),
        view_position=attributes.code("ViewPosition"),
        view_codes=_codes(attributes, "ViewCodeSequence"),
        descriptions=tuple(text for key in _DESCRIPTIONS if (text := attributes.text(key))),
        acquired_on=acquired_on,
        acquired_on_source=acquired_on_source,
        quality_control_image=attributes.code("QualityControlImage") == "YES",
        manufacturer=attributes.text("Manufacturer"),
        device_model=device_model,
        made_by_screener=ours,
        pixels=_pixel_facts(attributes, present=opened.pixels is not None),
        forgiven=attributes.forgiven,
    )


def _pixel_facts(attributes: Attributes, *, present: bool) -> PixelFacts:
    return PixelFacts(
        rows=attributes.count("Rows"),
        columns=attributes.count("Columns"),
        frames=attributes.count("NumberOfFrames", default=1),
        samples_per_pixel=attributes.count("SamplesPerPixel"),
        bits_stored=attributes.count("BitsStored"),
        photometric_interpretation=attributes.code("PhotometricInterpretation") or "",
        spacing_mm=detector_spacing_mm(attributes),
        lossy=attributes.code("LossyImageCompression") == "01",
        present=present,
        grey_digest=read_grey_rules(attributes).digest(),
    )


def _acquired_on(attributes: Attributes) -> tuple[date | None, str | None]:
    for keyword, read in (
        ("AcquisitionDate", attributes.day),
        ("AcquisitionDateTime", attributes.day_of_time),
        ("StudyDate", attributes.day),
    ):
        day = read(keyword)
        if day is not None:
            return day, keyword
    return None, None


def _codes(attributes: Attributes, keyword: str) -> tuple[str, ...]:
    """Return the coded entries of a sequence as ``value|scheme``.

    Source: PS3.3 section 8.8 (Code Sequence Macro).
    """
    codes = []
    for item in attributes.items(keyword):
        entry = attributes.within(item)
        values = (entry.text(key) for key in ("CodeValue", "LongCodeValue", "URNCodeValue"))
        value = next((value for value in values if value), None)
        scheme = entry.text("CodingSchemeDesignator")
        if value is not None:
            codes.append(f"{value}|{scheme or ''}")
        if value is None or scheme is None or entry.forgiven:
            attributes.forgive(keyword)
    return tuple(codes)


def _series_instance_uid(attributes: Attributes) -> SeriesInstanceUid | None:
    text = attributes.text("SeriesInstanceUID")
    try:
        return SeriesInstanceUid(text) if text else None
    except ValueError:
        attributes.forgive("SeriesInstanceUID")
        return None


def _identifiers(dataset: Dataset) -> Identifiers:
    """Read the identifiers from the encoded values: nothing about them is forgiven."""
    try:
        return Identifiers(
            sop_class_uid=str(Uid(_encoded_uid(dataset, _SOP_CLASS_UID, "SOPClassUID"))),
            sop_instance_uid=SopInstanceUid(
                _encoded_uid(dataset, _SOP_INSTANCE_UID, "SOPInstanceUID")
            ),
            study_instance_uid=StudyInstanceUid(
                _encoded_uid(dataset, _STUDY_INSTANCE_UID, "StudyInstanceUID")
            ),
        )
    except ValueError as error:
        raise UnreadableInstance(str(error)) from None


def _encoded_uid(dataset: Dataset, tag: int, keyword: str) -> str:
    element = dataset.get_item(tag) if tag in dataset else None
    value = getattr(element, "value", None)
    if not isinstance(value, bytes) or not value.strip(b" \0"):
        raise MissingAttribute(keyword)
    if len(value) < getattr(element, "length", 0):
        raise UnreadableInstance(f"the data set ends in the middle of {keyword}")
    return value.decode("latin-1")
