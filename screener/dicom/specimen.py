"""Made-up films that the conformance statement builds its objects from. Nobody's, and no pixels.

They differ in every value, so that what an object copies can be told from what it fixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from screener.dicom.dataset import quiet
from screener.dicom.source import EQUIPMENT, PATIENT_AND_STUDY

#: Rows and columns of the two films.
SIZES_PX = ((600, 500), (700, 650))

#: One that pydicom lends for examples.
_ROOT = "1.2.826.0.1.3680043.8.498"
_CLASSES = (DigitalXRayImageStorageForPresentation, ComputedRadiographyImageStorage)
#: For attributes that no value is given for below: any legal value of their VR.
_ANY: Mapping[str, tuple[str, str]] = {
    "AS": ("011Y", "012Y"),
    "DA": ("20140602", "20150703"),
    "DS": ("1.25", "2.5"),
    "LO": ("first", "second"),
    "LT": ("first", "second"),
    "PN": ("First^Given", "Second^Given"),
    "SH": ("first", "second"),
    "ST": ("first", "second"),
    "TM": ("0815", "0930"),
    "UT": ("first", "second"),
}
_GIVEN: Mapping[str, tuple[Any, Any]] = {
    "PatientSex": ("F", "M"),
    "QualityControlSubject": ("YES", "NO"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "TimezoneOffsetFromUTC": ("+0900", "-0500"),
    "SpecificCharacterSet": ("ISO_IR 100", "ISO_IR 192"),
    "BurnedInAnnotation": ("NO", "YES"),
    "QualityControlImage": ("YES", "NO"),
    "BodyPartExamined": ("CHEST", "THORAX"),
    "PatientOrientation": (["L", "F"], ["R", "FL"]),
    "ImagerPixelSpacing": (["0.2", "0.2"], ["0.3", "0.3"]),
    "PixelSpacing": (["0.15", "0.15"], ["0.25", "0.25"]),
    "LossyImageCompression": ("01", "01"),
    "LossyImageCompressionRatio": ("10", "20"),
    "LossyImageCompressionMethod": ("ISO_10918_1", "ISO_15444_1"),
    "RescaleIntercept": ("0", "-10"),
    "RescaleSlope": ("1", "2"),
    "RescaleType": ("US", "US"),
    "WindowCenter": ("2048", "1900"),
    "WindowWidth": ("4096", "3000"),
    "ViewPosition": ("PA", "AP"),
    "AcquisitionDate": ("20261123", "20261201"),
}


def specimen_uid(*parts: int) -> str:
    """Return a UID of a specimen."""
    return ".".join([_ROOT, *map(str, parts)])


def specimen_film(
    number: int, *, which: int = 0, bare: bool = False, character_set: object = None
) -> bytes:
    """Return a film as a Part 10 file.

    Parameters
    ----------
    number
        Of the film in its study, from 1.
    which
        0 or 1: two films that agree in no value which an object could copy.
    bare
        Nothing but what a film must have.
    character_set
        Value of (0008,0005), instead of the film's own.
    """
    film = Dataset()
    film.SOPClassUID = _CLASSES[which]
    film.SOPInstanceUID = specimen_uid(which + 1, 1, number)
    film.StudyInstanceUID = specimen_uid(which + 1)
    film.SeriesInstanceUID = specimen_uid(which + 1, 1)
    film.Modality = ("DX", "CR")[which]
    film.Rows, film.Columns = SIZES_PX[which]
    film.SamplesPerPixel = 1
    film.PhotometricInterpretation = ("MONOCHROME2", "MONOCHROME1")[which]
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    if not bare:
        for keyword in dict.fromkeys((*PATIENT_AND_STUDY, *EQUIPMENT, *_GIVEN)):
            _set(film, keyword, which)
    if character_set is not None:
        film.SpecificCharacterSet = character_set
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    encoded = BytesIO()
    with quiet():  # of a character set that pydicom does not know
        film.save_as(encoded, enforce_file_format=True)
    return encoded.getvalue()


def _set(film: Dataset, keyword: str, which: int) -> None:
    tag = tag_for_keyword(keyword)
    if tag is None:
        return
    vr = dictionary_VR(tag)
    if keyword in _GIVEN:
        setattr(film, keyword, _GIVEN[keyword][which])
    elif vr in _ANY:
        setattr(film, keyword, _ANY[vr][which])
    elif vr == "SQ":
        setattr(film, keyword, [_any_item(keyword, which)])


def _any_item(keyword: str, which: int) -> Dataset:
    item = Dataset()
    if keyword.endswith("CodeSequence"):
        item.CodeValue = ("FIRST", "SECOND")[which]
        item.CodingSchemeDesignator = "99SPECIMEN"
        item.CodeMeaning = ("first", "second")[which]
    elif keyword == "OtherPatientIDsSequence":
        item.PatientID = ("first", "second")[which]
        item.TypeOfPatientID = "TEXT"
    else:
        item.UniversalEntityID = ("first", "second")[which]
        item.UniversalEntityIDType = "DNS"
    return item
