"""Films as DICOM: data sets and Part 10 bytes in every transfer syntax that the node takes."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import imagecodecs
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pydicom.valuerep import DS

from screener.phantom.cohort import Child
from screener.phantom.film import Film
from screener.phantom.header import Items, Value, header, phantom_uid, stated_age

#: Transfer syntaxes in which films can be written.
TRANSFER_SYNTAXES: tuple[str, ...] = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
)

_UNCOMPRESSED = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian})
_IMPLEMENTATION_CLASS_UID = phantom_uid("implementation class")
_IMPLEMENTATION_VERSION_NAME = "SYNTHETIC_FILM_1"


def to_dataset(
    film: Film,
    child: Child,
    *,
    study: int = 0,
    height: bool = True,
    weight: bool = True,
    overrides: Mapping[str, Value] | None = None,
) -> Dataset:
    """Return a film as an uncompressed data set.

    Parameters
    ----------
    film, child
        What, and of whom.
    study
        Number of the child's study; films with the same one belong together.
    height, weight
        Whether the header has Patient's Size and Weight.
    overrides
        Attributes by keyword; None leaves one out. Patient's Age follows the birth date and the
        acquisition date that result, unless it is overridden itself; ``PixelData`` can be left out.

    Raises
    ------
    ValueError
        A keyword is none of DICOM's.
    """
    items: Items = header(film, child, study=study, height=height, weight=weight)
    changed = dict(overrides or {})
    items |= changed
    if "PatientAge" not in changed:
        items["PatientAge"] = stated_age(items)
    items.setdefault("PixelData", film.pixels.astype("<u2").tobytes())
    return _dataset(items)


def encode(
    film: Film,
    child: Child,
    *,
    transfer_syntax_uid: str = str(ExplicitVRLittleEndian),
    study: int = 0,
    height: bool = True,
    weight: bool = True,
    overrides: Mapping[str, Value] | None = None,
) -> bytes:
    """Return a film as the bytes of a DICOM file (PS3.10).

    Parameters
    ----------
    transfer_syntax_uid
        One of `TRANSFER_SYNTAXES`; all of them keep every stored value.
    film, child, study, height, weight, overrides
        As for `to_dataset`. Where ``PixelData`` is overridden it is written as given, and the
        transfer syntax has to be an uncompressed one.

    Raises
    ------
    ValueError
        The transfer syntax is none of these, or a keyword is none of DICOM's.
    """
    if transfer_syntax_uid not in TRANSFER_SYNTAXES:
        raise ValueError(f"films are not written in transfer syntax {transfer_syntax_uid}")
    dataset = to_dataset(
        film, child, study=study, height=height, weight=weight, overrides=overrides
    )
    if transfer_syntax_uid not in _UNCOMPRESSED and "PixelData" in dataset:
        _compress(dataset, film, transfer_syntax_uid)
    return part10(dataset, transfer_syntax_uid)


def _compress(dataset: Dataset, film: Film, transfer_syntax_uid: str) -> None:
    bits = film.bits_stored
    if transfer_syntax_uid in {RLELossless, JPEGLSLossless}:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(UID(transfer_syntax_uid), generate_instance_uid=False)
        return
    if transfer_syntax_uid == JPEGLosslessSV1:
        # selection value 1 is what this transfer syntax is
        frame = imagecodecs.jpeg8_encode(
            film.pixels, lossless=True, predictor=1, bitspersample=bits
        )
    else:
        frame = imagecodecs.jpeg2k_encode(
            film.pixels, codecformat="j2k", reversible=True, bitspersample=bits
        )
    dataset.PixelData = encapsulate([bytes(frame)], has_bot=True)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def part10(dataset: Dataset, transfer_syntax_uid: str) -> bytes:
    """Return a data set as the bytes of a DICOM file, its pixels already in the transfer syntax."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(_IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = _IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _dataset(items: Mapping[str, Value]) -> Dataset:
    dataset = Dataset()
    for keyword, value in items.items():
        if value is not None:
            _set(dataset, keyword, value)
    return dataset


def _set(dataset: Dataset, keyword: str, value: Any) -> None:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is not the keyword of a DICOM attribute")
    vr = {"LUTDescriptor": "US", "LUTData": "OW", "PixelData": "OW"}.get(
        keyword, dictionary_VR(tag)
    )
    match vr:
        case "SQ":
            value = [_dataset(item) for item in value]
        case "DS":
            numbers = value if isinstance(value, list) else [value]
            value = [DS(v, auto_format=True) if isinstance(v, float) else v for v in numbers]
        case "US":
            value = [int(v) for v in value] if isinstance(value, list) else value
        case _:
            pass
    dataset.add_new(tag, vr, value)
