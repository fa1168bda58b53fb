"""A tiny but complete film of a synthetic child, in every transfer syntax that can be encoded."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import numpy.typing as npt
import openjpeg.utils
import rle.utils
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    generate_uid,
)

Pixels = npt.NDArray[np.uint16] | npt.NDArray[np.int16]

#: Of the default film.
ROWS, COLUMNS, BITS = 48, 64, 12

_SYNTHETIC_ROOT = "1.2.826.0.1.3680043.8.498."
_BINARY_VRS = frozenset({"OB", "OW", "OB or OW", "UN"})

#: Uncompressed, deflated and reversible transfer syntaxes: their pixels come back unchanged.
LOSSLESS_SYNTAXES: tuple[str, ...] = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
)
#: Transfer syntaxes whose pixels come back nearly; baseline takes films of 8 bits only.
LOSSY_SYNTAXES: tuple[str, ...] = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)


def synthetic_uid(*parts: object) -> str:
    """Return the UID that belongs to some parts; never one of the product's own."""
    return str(generate_uid(_SYNTHETIC_ROOT, entropy_srcs=[repr(part) for part in parts]))


def chest_pixels(bits: int = BITS, rows: int = ROWS, columns: int = COLUMNS) -> Pixels:
    """Return something like a chest, bone bright: two dark lungs, a bright spine, noise."""
    row, column = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    lungs = np.exp(-((np.abs(column) - 0.45) ** 2) / 0.05 - row**2 / 0.4)
    spine = np.exp(-(column**2) / 0.01)
    noise = np.random.default_rng(7).normal(0, 0.01, (rows, columns))
    grey = 0.55 - 0.4 * lungs + 0.3 * spine + 0.1 * row + noise
    return np.asarray(np.clip(grey, 0, 1) * ((1 << bits) - 1), dtype=np.uint16)


def synthetic_film(*, pixels: Pixels | None = None, **overrides: Any) -> Dataset:
    """Return a DX film of a synthetic boy of ten, ready for `encode`.

    Parameters
    ----------
    pixels
        Stored values ``[rows, columns]``; `chest_pixels` of the bits stored where not given. A
        signed array makes a film with signed pixels.
    overrides
        Values by keyword. None takes an attribute out. Bytes become the attribute's encoded value,
        whatever its value representation: this is how broken headers are made. The header is not
        made to fit: ``Rows=100`` gives a film with too few pixel bytes.
    """
    bits = _whole(overrides.get("BitsStored"), BITS)
    if pixels is None:
        pixels = chest_pixels(bits)
    cell = f"<{pixels.dtype.kind}{_whole(overrides.get('BitsAllocated'), 16) // 8}"
    attributes: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": synthetic_uid("instance"),
        "StudyDate": "20260914",
        "SeriesDate": "20260914",
        "AcquisitionDate": "20260914",
        "ContentDate": "20260914",
        "StudyTime": "101500",
        "AcquisitionTime": "101530",
        "ContentTime": "101530",
        "AccessionNumber": "ZZ0001",
        "Modality": "DX",
        "PresentationIntentType": "FOR PRESENTATION",
        "Manufacturer": "Synthetic",
        "InstitutionName": "ZZ-SYNTHETIC",
        "ReferringPhysicianName": "",
        "StudyDescription": "Chest",
        "SeriesDescription": "Chest PA",
        "ManufacturerModelName": "Phantom",
        "AnatomicRegionSequence": [_code("816094009", "SCT", "Chest")],
        "PatientName": "ZZ-SYNTHETIC^Child",
        "PatientID": "ZZ-SYNTHETIC-1",
        "IssuerOfPatientID": "ZZ-SYNTHETIC",
        "PatientBirthDate": "20160301",
        "PatientSex": "M",
        "PatientAge": "010Y",
        "PatientSize": "1.40",
        "PatientWeight": "33.5",
        "BodyPartExamined": "CHEST",
        "KVP": "70",
        "ImagerPixelSpacing": ["0.15", "0.15"],
        "ViewPosition": "PA",
        "ViewCodeSequence": [_code("272479007", "SCT", "postero-anterior")],
        "StudyInstanceUID": synthetic_uid("study"),
        "SeriesInstanceUID": synthetic_uid("series"),
        "StudyID": "1",
        "SeriesNumber": "1",
        "InstanceNumber": "1",
        "PatientOrientation": ["L", "F"],
        "ImageLaterality": "U",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": 16,
        "BitsStored": BITS,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "QualityControlImage": "YES",
        "BurnedInAnnotation": "NO",
        "WindowCenter": str(1 << (BITS - 1)),
        "WindowWidth": str(1 << BITS),
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "RescaleType": "US",
        "LossyImageCompression": "00",
        "PresentationLUTShape": "IDENTITY",
        "PixelData": pixels.astype(cell).tobytes(),
    }
    dataset = Dataset()
    for keyword, value in (attributes | overrides).items():
        if value is not None:
            put(dataset, keyword, value)
    return dataset


def put(dataset: Dataset, keyword: str, value: object, *, vr: str | None = None) -> None:
    """Set an attribute without any check: bytes as its encoded value, anything else by pydicom."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    known = dictionary_VR(tag)
    if isinstance(value, bytes) and known not in _BINARY_VRS:
        padded = value + b" " * (len(value) % 2)
        raw = RawDataElement(BaseTag(tag), vr or known, len(padded), padded, 0, False, True)
        dataset[tag] = raw
        return
    vr = vr or {"OB or OW": "OW"}.get(known, known)
    dataset[tag] = DataElement(tag, vr, value, validation_mode=config.IGNORE)


def encode(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a film as a Part 10 file in a transfer syntax."""
    meta = FileMetaDataset()
    for keyword, value in (
        ("MediaStorageSOPClassUID", _uid_of(dataset, "SOPClassUID")),
        ("MediaStorageSOPInstanceUID", _uid_of(dataset, "SOPInstanceUID")),
        ("TransferSyntaxUID", transfer_syntax),
        ("ImplementationClassUID", _SYNTHETIC_ROOT + "1"),
    ):
        put(meta, keyword, value)
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    return bytes(128) + b"DICM" + buffer.getvalue() + encode_bare(dataset, transfer_syntax)


def encode_bare(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a film's data set as it goes over the wire in a transfer syntax."""
    copy = Dataset()
    for tag in dataset.keys():  # noqa: SIM118 - iterating a data set would convert raw values
        copy[tag] = dataset.get_item(tag)
    if "PixelData" in copy and transfer_syntax in _ENCODERS:
        codestream = _ENCODERS[transfer_syntax](_stored(copy), copy)
        copy["PixelData"] = DataElement(0x7FE00010, "OB", encapsulate([codestream]))
        copy["PixelData"].is_undefined_length = True
    elif "PixelData" in copy and transfer_syntax == ExplicitVRBigEndian:
        # OW: words are swapped, also those of two 8-bit pixels (PS3.5 annex D)
        words = np.frombuffer(copy.PixelData, "<u2").byteswap()
        copy["PixelData"] = DataElement(0x7FE00010, "OW", words.tobytes())
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = transfer_syntax == ImplicitVRLittleEndian
    buffer.is_little_endian = transfer_syntax != ExplicitVRBigEndian
    with warnings.catch_warnings():
        # broken values are meant
        warnings.simplefilter("ignore")
        write_dataset(buffer, copy)
    encoded = buffer.getvalue()
    if transfer_syntax != DeflatedExplicitVRLittleEndian:
        return encoded
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(encoded) + deflater.flush()
    return deflated + b"\0" * (len(deflated) % 2)


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _uid_of(dataset: Dataset, keyword: str) -> str:
    """Return an identifier for the file meta information, which must have one."""
    value = dataset.get_item(keyword).value if keyword in dataset else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0") or _SYNTHETIC_ROOT + "2"


def _stored(dataset: Dataset) -> Pixels:
    kind = "i" if dataset.PixelRepresentation else "u"
    cells = np.frombuffer(dataset.PixelData, f"<{kind}{dataset.BitsAllocated // 8}")
    return np.asarray(cells.reshape(dataset.Rows, dataset.Columns))


def _container(pixels: Pixels, bits: int) -> npt.NDArray[np.unsignedinteger]:
    """Return the stored bits as unsigned cells of 8 or 16 bits: JPEG knows no sign."""
    cells = pixels.astype(np.uint16) & np.uint16((1 << bits) - 1)
    return cells.astype(np.uint8) if bits <= 8 else cells


def _rle(pixels: Pixels, dataset: Dataset) -> bytes:
    return bytes(
        rle.utils.encode_pixel_data(
            pixels.tobytes(),
            byteorder="<",
            rows=pixels.shape[0],
            columns=pixels.shape[1],
            bits_allocated=dataset.BitsAllocated,
            samples_per_pixel=1,
        )
    )


def _jpeg_lossless(predictor: int) -> Callable[[Pixels, Dataset], bytes]:
    def encoded(pixels: Pixels, dataset: Dataset) -> bytes:
        bits = dataset.BitsStored
        cells = _container(pixels, bits)
        return bytes(
            imagecodecs.jpeg8_encode(cells, lossless=True, predictor=predictor, bitspersample=bits)
        )

    return encoded


def _jpeg_lossy(pixels: Pixels, dataset: Dataset) -> bytes:
    bits = dataset.BitsStored
    cells = _container(pixels, bits)
    return bytes(imagecodecs.jpeg8_encode(cells, level=98, bitspersample=bits))


def _jpeg_ls(allowed_error: int) -> Callable[[Pixels, Dataset], bytes]:
    def encoded(pixels: Pixels, dataset: Dataset) -> bytes:
        cells = _container(pixels, dataset.BitsStored)
        rows, columns = cells.shape
        return bytes(
            jpeg_ls.encode_buffer(
                cells.tobytes(), rows, columns, 1, dataset.BitsStored, lossy_error=allowed_error
            )
        )

    return encoded


def _jpeg_2000(pixels: Pixels, dataset: Dataset) -> bytes:
    bits, signed = dataset.BitsStored, pixels.dtype.kind == "i"
    cells = pixels.astype(f"<{pixels.dtype.kind}{1 if bits <= 8 else 2}")
    rows, columns = cells.shape
    return bytes(
        openjpeg.utils.encode_buffer(
            cells.tobytes(), columns, rows, 1, bits, is_signed=signed, photometric_interpretation=2
        )
    )


def _htj2k(pixels: Pixels, dataset: Dataset) -> bytes:
    return bytes(imagecodecs.htj2k_encode(_container(pixels, dataset.BitsStored), reversible=True))


_ENCODERS: Mapping[str, Callable[[Pixels, Dataset], bytes]] = {
    RLELossless: _rle,
    JPEGLossless: _jpeg_lossless(predictor=6),
    JPEGLosslessSV1: _jpeg_lossless(predictor=1),
    JPEGLSLossless: _jpeg_ls(0),
    JPEGLSNearLossless: _jpeg_ls(2),
    JPEG2000Lossless: _jpeg_2000,
    JPEG2000: _jpeg_2000,
    HTJ2KLossless: _htj2k,
    HTJ2KLosslessRPCL: _htj2k,
    HTJ2K: _htj2k,
    JPEGBaseline8Bit: _jpeg_lossy,
    JPEGExtended12Bit: _jpeg_lossy,
}
