"""The decoders of compressed films: which one for which transfer syntax, and which of them work.

The fastest exact decoder comes first. Those of imagecodecs let other threads run while they
decode; pylibjpeg and pyjpegls do not, at the same speed, and so are the fallback. Three decoders
of imagecodecs 2026.3.6 are not used, for they crash the process on damaged codestreams: liblj92,
OpenJPH (which also returns half-decoded pixels as good ones) and RLE. pydicom's own RLE decoder is
not used, for it fills up segments that are too short.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import imagecodecs
import jpeg_ls
import numpy as np
import numpy.typing as npt
import openjpeg.utils
import rle.rle
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
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
)

from screener.dicom.contexts import transfer_syntax_name
from screener.dicom.dataset import LIBRARY_ERRORS
from screener.dicom.probes import PROBES, Probe
from screener.domain.errors import UnsupportedPixels

Samples = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameShape:
    """What the header promises of a frame; `bits_allocated` is 8, 16 or 32."""

    rows: int
    columns: int
    bits_allocated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A decoded frame.

    Parameters
    ----------
    samples
        ``[rows, columns]`` integers as the codestream has them.
    bits
        Precision of the codestream: bits that a sample may use.
    """

    samples: Samples
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """One way to decode a codestream; `name` is what `screener check` prints."""

    name: str
    decode: Callable[[bytes, FrameShape], Samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderReport:
    """What `screener check` says of one transfer syntax.

    Parameters
    ----------
    working
        Names of the decoders that gave exact pixels at start, in the order in which they are used.
    broken
        Names of those that did not.
    """

    transfer_syntax_uid: str
    working: tuple[str, ...]
    broken: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The transfer syntax, by its name and UID."""
        return f"{transfer_syntax_name(self.transfer_syntax_uid)} ({self.transfer_syntax_uid})"

    @property
    def works(self) -> bool:
        """Whether films in this transfer syntax can be read here."""
        return bool(self.working)

    @property
    def said(self) -> str:
        """What decodes it, and what should and does not."""
        broken = f"not working: {', '.join(self.broken)}"
        if not self.working:
            return f"no decoder; {broken}"
        working = ", then ".join(self.working)
        return f"{working}; {broken}" if self.broken else working


#: Read without a decoder, the cheapest first.
NATIVE_TRANSFER_SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
#: Of these, the ones that are accepted only where a site asks for them.
RARE_TRANSFER_SYNTAXES = frozenset({DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian})


def decode_frame(codestream: bytes, transfer_syntax_uid: str, shape: FrameShape) -> Frame:
    """Decode the one frame of a film.

    Parameters
    ----------
    codestream
        The joined fragments of the frame.
    transfer_syntax_uid
        Of an encapsulated transfer syntax.
    shape
        What the header promises. Size and number of components are compared with the
        codestream's own before anything is decoded or allocated.

    Raises
    ------
    UnsupportedPixels
        The codestream contradicts the header, is cut short (then `truncated`), or cannot be
        decoded by any decoder that works.

    Notes
    -----
    libjpeg-turbo fills up a codestream that is cut short without a word: hence the look for its
    end marker.
    """
    name = transfer_syntax_name(transfer_syntax_uid)
    if transfer_syntax_uid in _JPEG_2000_FAMILY:
        codestream = _without_boxes(codestream)
    bits = _checked_bits(codestream, transfer_syntax_uid, shape)
    failures = []
    for decoder in _working().get(transfer_syntax_uid, ()):
        try:
            samples = decoder.decode(codestream, shape)
        except LIBRARY_ERRORS as error:
            failures.append(f"{decoder.name}: {type(error).__name__}")
            continue
        if samples.shape == (shape.rows, shape.columns) and samples.dtype.kind in "iu":
            return Frame(samples=samples, bits=bits)
        failures.append(f"{decoder.name}: another size than the header's")
    if not failures:
        raise UnsupportedPixels(f"no decoder for the transfer syntax {name}")
    raise UnsupportedPixels(f"the {name} codestream cannot be decoded ({'; '.join(failures)})")


@functools.cache
def working_transfer_syntaxes(*, rare: bool = True) -> tuple[str, ...]:
    """Return the transfer syntaxes whose films can be read here, the cheapest first.

    Each decoder has decoded its probes before; one without a working decoder is not among them.

    Parameters
    ----------
    rare
        Whether deflated and big endian data sets, which hardly anybody sends, are among them.
    """
    return tuple(
        str(report.transfer_syntax_uid)
        for report in decoder_report()
        if report.works and (rare or report.transfer_syntax_uid not in RARE_TRANSFER_SYNTAXES)
    )


@functools.cache
def decoder_report() -> tuple[DecoderReport, ...]:
    """Return for each known transfer syntax which decoders work, in the order of preference."""
    native = tuple(
        DecoderReport(transfer_syntax_uid=uid, working=("numpy",))
        for uid in NATIVE_TRANSFER_SYNTAXES
    )
    compressed = tuple(
        DecoderReport(
            transfer_syntax_uid=uid,
            working=tuple(decoder.name for decoder in _working()[uid]),
            broken=tuple(decoder.name for decoder in known if decoder not in _working()[uid]),
        )
        for uid, known in DECODERS.items()
    )
    return native + compressed


def decodes_exactly(decoder: Decoder, probe: Probe) -> bool:
    """Return whether a decoder gives the pixels of a probe."""
    expected = probe.pixels()
    rows, columns = expected.shape
    allocated = 8 if probe.bits <= 8 else 16  # noqa: PLR2004 - bits of a byte
    shape = FrameShape(rows=rows, columns=columns, bits_allocated=allocated)
    try:
        samples = decoder.decode(probe.encoded(), shape)
    except LIBRARY_ERRORS:
        return False
    if samples.shape != expected.shape:
        return False
    difference = np.abs(samples.astype(np.int32) - expected.astype(np.int32))
    return bool(difference.max() <= probe.tolerance)


@functools.cache
def _working() -> Mapping[str, tuple[Decoder, ...]]:
    return {
        uid: tuple(
            decoder
            for decoder in known
            if all(decodes_exactly(decoder, probe) for probe in PROBES[uid])
        )
        for uid, known in DECODERS.items()
    }


def _checked_bits(codestream: bytes, transfer_syntax_uid: str, shape: FrameShape) -> int:
    """Return the precision of a codestream that is whole and has the size that was promised."""
    if transfer_syntax_uid == RLELossless:
        return shape.bits_allocated
    facts = _jpeg_2000_facts if transfer_syntax_uid in _JPEG_2000_FAMILY else _jpeg_facts
    try:
        rows, columns, components, bits = facts(codestream)
    except (IndexError, struct.error):
        raise UnsupportedPixels("the codestream has no readable header") from None
    if (rows, columns, components) != (shape.rows, shape.columns, 1):
        raise UnsupportedPixels(
            f"the codestream has {rows} x {columns} pixels of {components} component(s), "
            f"the header {shape.rows} x {shape.columns} of 1"
        )
    # an even length is made with one zero byte; some writers append more, or fill bytes
    if not codestream[-64:].rstrip(b"\0\xff").endswith(_END_OF_IMAGE):
        raise UnsupportedPixels("the codestream ends before its end marker", truncated=True)
    return bits


def _without_boxes(codestream: bytes) -> bytes:
    """Return the codestream of a JP2 file, which is not allowed and sent all the same.

    Source: PS3.5 annex A.4.4.
    """
    start = codestream.find(_J2K_START)
    if start < 0:
        raise UnsupportedPixels("the pixel data hold no JPEG 2000 codestream")
    return codestream[start:]


def _jpeg_facts(codestream: bytes) -> tuple[int, int, int, int]:
    """Return rows, columns, components and precision of a JPEG or JPEG-LS codestream.

    Source: ITU-T T.81 section B.2.2; T.87 annex C.2.2 (the same layout).
    """
    at = 2
    while True:
        if codestream[at] != 0xFF:  # noqa: PLR2004 - each marker begins with it
            raise IndexError
        marker = codestream[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif marker in _START_OF_FRAME:
            bits, rows, columns, components = struct.unpack_from(">BHHB", codestream, at + 4)
            return rows, columns, components, bits
        else:
            at += 2 + struct.unpack_from(">H", codestream, at + 2)[0]


def _jpeg_2000_facts(codestream: bytes) -> tuple[int, int, int, int]:
    """Return rows, columns, components and precision of a JPEG 2000 codestream.

    Source: ITU-T T.800 annex A.5.1 (SIZ).
    """
    right, bottom, left, top = struct.unpack_from(">IIII", codestream, 8)
    components, depth, every_x, every_y = struct.unpack_from(">HBBB", codestream, 40)
    rows = -(-bottom // max(every_y, 1)) + (-top // max(every_y, 1))
    columns = -(-right // max(every_x, 1)) + (-left // max(every_x, 1))
    return rows, columns, components, (depth & 0x7F) + 1


_J2K_START = b"\xff\x4f\xff\x51"
_END_OF_IMAGE = b"\xff\xd9"
#: SOF0 to SOF3, SOF5 to SOF7, SOF9 to SOF11, SOF13 to SOF15; SOF55 of JPEG-LS.
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_JPEG_2000_FAMILY = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K})


def _rle(codestream: bytes, shape: FrameShape) -> Samples:
    try:
        decoded = rle.rle.decode_frame(
            codestream, shape.rows * shape.columns, shape.bits_allocated, "<"
        )
    except BaseException as error:
        # a panic of the Rust code behind it is no Exception, and has no importable name
        if type(error).__name__ == "PanicException":
            raise ValueError("the RLE segments do not fill the frame") from error
        raise
    samples = np.frombuffer(decoded, dtype=f"<u{shape.bits_allocated // 8}")
    return samples.reshape(shape.rows, shape.columns)


_LIBJPEG_TURBO = Decoder(
    name="imagecodecs (libjpeg-turbo)", decode=lambda data, _: imagecodecs.jpeg8_decode(data)
)
_JPEGSOF3 = Decoder(
    name="imagecodecs (jpegsof3)", decode=lambda data, _: imagecodecs.jpegsof3_decode(data)
)
_CHARLS = Decoder(
    name="imagecodecs (CharLS)", decode=lambda data, _: imagecodecs.jpegls_decode(data)
)
_PYJPEGLS = Decoder(name="pyjpegls", decode=lambda data, _: jpeg_ls.jlsread(data))
_OPENJPEG = Decoder(
    name="imagecodecs (OpenJPEG)", decode=lambda data, _: imagecodecs.jpeg2k_decode(data)
)
_PYLIBJPEG = Decoder(name="pylibjpeg-openjpeg", decode=lambda data, _: openjpeg.utils.decode(data))
_RLE = Decoder(name="pylibjpeg-rle", decode=_rle)

#: Decoders by transfer syntax, in the order in which they are tried.
DECODERS: Mapping[str, tuple[Decoder, ...]] = {
    RLELossless: (_RLE,),
    JPEGLosslessSV1: (_LIBJPEG_TURBO, _JPEGSOF3),
    JPEGLossless: (_LIBJPEG_TURBO, _JPEGSOF3),
    JPEGLSLossless: (_CHARLS, _PYJPEGLS),
    JPEGLSNearLossless: (_CHARLS, _PYJPEGLS),
    HTJ2KLossless: (_OPENJPEG, _PYLIBJPEG),
    HTJ2KLosslessRPCL: (_OPENJPEG, _PYLIBJPEG),
    HTJ2K: (_OPENJPEG, _PYLIBJPEG),
    JPEG2000Lossless: (_OPENJPEG, _PYLIBJPEG),
    JPEG2000: (_OPENJPEG, _PYLIBJPEG),
    JPEGBaseline8Bit: (_LIBJPEG_TURBO,),
    JPEGExtended12Bit: (_LIBJPEG_TURBO,),
}
