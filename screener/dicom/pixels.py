"""Encoded bytes to a radiograph: stored values, then modality and VOI LUT, then one polarity."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.uid import ExplicitVRBigEndian

from screener.dicom.attributes import Attributes
from screener.dicom.contexts import transfer_syntax_name
from screener.dicom.dataset import (
    UNDEFINED_LENGTH,
    OpenedInstance,
    machine_errors,
    open_instance,
    quiet,
)
from screener.dicom.decoders import NATIVE_TRANSFER_SYNTAXES, Frame, FrameShape, decode_frame
from screener.dicom.grey import GreyRules, read_grey_rules
from screener.dicom.header import detector_spacing_mm
from screener.domain.errors import MissingAttribute, UnreadableInstance, UnsupportedPixels

#: Larger than any radiograph (43 x 43 cm at 0.05 mm has 74 million pixels); a bomb, or nonsense.
MAX_PIXELS = 100_000_000

#: Stored values ``[rows, columns]``.
Stored = npt.NDArray[np.uint16] | npt.NDArray[np.int16]

_BITS_ALLOCATED = frozenset({8, 16, 32})
_MAX_BITS = 16
_ITEM = 0xFFFEE000
_SEQUENCE_DELIMITER = 0xFFFEE0DD


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radiograph:
    """A film as the rest of the product sees it.

    Parameters
    ----------
    pixels
        ``[height, width]`` float32 in 0..1, bone bright whatever the photometric interpretation.
    spacing_mm
        Distance of pixel centres on the detector in mm, row then column.
    """

    pixels: npt.NDArray[np.float32]
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedFilm:
    """A film's stored values, decoded.

    Parameters
    ----------
    stored
        ``[rows, columns]``, uint16 or int16.
    digest
        SHA-256 over size and stored values, hexadecimal: equal for the same film in every lossless
        transfer syntax, and whatever its bits allocated.
    grey
        How stored values become grey.
    spacing_mm
        On the detector, row then column; None where the header has none.
    """

    stored: Stored
    digest: str
    grey: GreyRules
    spacing_mm: tuple[float, float] | None

    @machine_errors()
    def radiograph(self) -> Radiograph:
        """Return the film after modality LUT, VOI LUT and polarity.

        Raises
        ------
        OutOfMemory
            There is not enough of it now.
        MissingAttribute
            The header gives no detector spacing.
        UnsupportedPixels
            The Modality LUT cannot be read.
        """
        if self.spacing_mm is None:
            raise MissingAttribute("ImagerPixelSpacing")
        # one entry for each of the 65,536 values that 16 bits hold, signed ones by their bits
        cells = self.stored.view(np.uint16)
        table = self.grey.table(cells, signed=self.stored.dtype.kind == "i")
        return Radiograph(pixels=table[cells], spacing_mm=self.spacing_mm)


def read_radiograph(data: bytes | Path) -> Radiograph:
    """Decode a film and return it as a radiograph; raises what `decode` and `radiograph` raise."""
    return decode(data).radiograph()


@machine_errors()
def decode(data: bytes | Path) -> DecodedFilm:
    """Decode the pixels of a film.

    Parameters
    ----------
    data
        A Part 10 file or its bytes, in any of `decoders.working_transfer_syntaxes`.

    Raises
    ------
    UnsupportedPixels
        There are fewer pixel bytes than the header promises (then `truncated`); or the film has
        colour, several frames, more than 16 bits or `MAX_PIXELS`, a contradiction between header
        and codestream, or a codestream that cannot be decoded.
    FileUnavailable, OutOfMemory
        It cannot be read now.

    Notes
    -----
    Source: PS3.5 section 8 and annex A.4 (encapsulation); PS3.3 C.7.6.3 (Image Pixel Module).
    """
    try:
        opened = open_instance(data, with_body=True)
    except UnreadableInstance as error:
        raise UnsupportedPixels(str(error)) from error
    with quiet():
        attributes = Attributes(opened.dataset)
        cell = _read_cell(attributes)
        grey = read_grey_rules(attributes)
        spacing_mm = detector_spacing_mm(attributes)
    if opened.transfer_syntax_uid in NATIVE_TRANSFER_SYNTAXES:
        frame = _native_frame(opened, cell)
    else:
        codestream = _codestream(opened)
        frame = decode_frame(codestream, opened.transfer_syntax_uid, cell.shape)
    stored = _stored_values(frame, cell)
    return DecodedFilm(stored=stored, digest=_digest(stored), grey=grey, spacing_mm=spacing_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """How a pixel lies in its cell."""

    shape: FrameShape
    bits_stored: int
    high_bit: int
    signed: bool


def _read_cell(attributes: Attributes) -> _Cell:
    rows, columns = attributes.count("Rows"), attributes.count("Columns")
    samples = attributes.count("SamplesPerPixel", default=1)
    frames = attributes.count("NumberOfFrames", default=1)
    allocated, stored = attributes.count("BitsAllocated"), attributes.count("BitsStored")
    high_bit = attributes.count("HighBit", default=stored - 1)
    photometric = attributes.code("PhotometricInterpretation")
    if rows == 0 or columns == 0:
        raise UnsupportedPixels("the header does not say how many rows and columns there are")
    if rows * columns > MAX_PIXELS:
        raise UnsupportedPixels(
            f"{rows} x {columns} pixels; a film has at most {MAX_PIXELS // 1_000_000} million"
        )
    if samples != 1 or frames != 1 or photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        raise UnsupportedPixels(
            f"{samples} sample(s) per pixel, {frames} frame(s), photometric interpretation "
            f"{(photometric or 'empty')[:16]}; a film is one grey frame"
        )
    if allocated not in _BITS_ALLOCATED or not 1 <= stored <= min(allocated, _MAX_BITS):
        raise UnsupportedPixels(
            f"{stored} bits stored in {allocated} allocated; at most 16 in 8, 16 or 32 are read"
        )
    if not stored - 1 <= high_bit < allocated:
        raise UnsupportedPixels(
            f"the high bit is {high_bit}, with {stored} bits stored in {allocated} allocated"
        )
    return _Cell(
        shape=FrameShape(rows=rows, columns=columns, bits_allocated=allocated),
        bits_stored=stored,
        high_bit=high_bit,
        signed=attributes.count("PixelRepresentation") == 1,
    )


def _native_frame(opened: OpenedInstance, cell: _Cell) -> Frame:
    """Return a view of uncompressed pixels, without a copy."""
    element, shape = opened.pixels, cell.shape
    if element is None:
        raise UnsupportedPixels("there is no Pixel Data element", truncated=True)
    if element.length == UNDEFINED_LENGTH:
        raise UnsupportedPixels("encapsulated pixel data in an uncompressed transfer syntax")
    count, size = shape.rows * shape.columns, shape.bits_allocated // 8
    there = min(element.length, len(opened.body) - element.offset)
    if there < count * size:
        raise UnsupportedPixels(
            f"{max(there, 0)} of {count * size} pixel bytes are there", truncated=True
        )
    big_endian = opened.transfer_syntax_uid == ExplicitVRBigEndian
    if big_endian and size == 1 and element.vr == "OW" and there >= count + count % 2:
        # bytes in words: each pair is swapped (PS3.5 annex D, retired)
        words = np.frombuffer(opened.body, ">u2", (count + 1) // 2, element.offset)
        samples = words.astype("<u2").view(np.uint8)[:count]
    else:
        order = ">" if big_endian else "<"
        samples = np.frombuffer(opened.body, f"{order}u{size}", count, element.offset)
    return Frame(samples=samples.reshape(shape.rows, shape.columns), bits=shape.bits_allocated)


def _codestream(opened: OpenedInstance) -> bytes:
    """Join the fragments of the one frame.

    Source: PS3.5 annex A.4 (first the Basic Offset Table, then the fragments, then a delimiter).
    """
    element, body = opened.pixels, opened.body
    if element is None:
        raise UnsupportedPixels("there is no Pixel Data element", truncated=True)
    at, items = element.offset, []
    while True:
        if at + 8 > len(body):
            raise UnsupportedPixels("the pixel data end before their delimiter", truncated=True)
        group, number, length = struct.unpack_from("<HHI", body, at)
        tag, at = group << 16 | number, at + 8
        if tag == _SEQUENCE_DELIMITER:
            break
        if tag != _ITEM or length == UNDEFINED_LENGTH:
            name = transfer_syntax_name(opened.transfer_syntax_uid)
            raise UnsupportedPixels(f"the pixel data are not encapsulated as {name} asks")
        if at + length > len(body):
            raise UnsupportedPixels("the pixel data end inside a fragment", truncated=True)
        items.append(body[at : at + length])
        at += length
    fragments = items[1:]
    if not any(fragments):
        raise UnsupportedPixels("the pixel data have no fragment", truncated=True)
    return fragments[0] if len(fragments) == 1 else b"".join(fragments)


def _stored_values(frame: Frame, cell: _Cell) -> Stored:
    """Cut the stored bits out of their cells: neighbours may hold overlays or noise.

    Source: PS3.5 section 8.1.1; section 8.2 (a codestream has the stored bits alone, or the cell).
    """
    if frame.bits > _MAX_BITS and frame.bits != cell.shape.bits_allocated:
        raise UnsupportedPixels(f"a codestream of {frame.bits} bits; at most {_MAX_BITS} are read")
    samples = frame.samples
    bits = min(cell.bits_stored, frame.bits)
    shift = cell.high_bit + 1 - bits if frame.bits > cell.high_bit else 0
    if shift:
        samples = samples >> shift
    cells = samples.astype(np.uint16, copy=False)
    if cell.signed:
        # the sign bit to the top and back again
        up = _MAX_BITS - bits
        return (cells << np.uint16(up)).view(np.int16) >> np.int16(up)
    return cells if bits == _MAX_BITS else cells & np.uint16((1 << bits) - 1)


def _digest(stored: Stored) -> str:
    """Return a digest that depends on size and values alone, not on how they were encoded."""
    signed = stored.dtype.kind == "i" and bool((stored < 0).any())
    values = stored.astype("<i2" if signed else "<u2", copy=False)
    digest = hashlib.sha256(f"{stored.shape[0]} {stored.shape[1]} {values.dtype.str}".encode())
    digest.update(np.ascontiguousarray(values).reshape(-1).data)
    return digest.hexdigest()
