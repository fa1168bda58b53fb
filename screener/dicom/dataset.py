"""Opens an encoded instance up to its pixel data, without pydicom's warnings and exceptions."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from screener.domain.errors import FileUnavailable, OutOfMemory, UnreadableInstance

#: What pydicom and the decoders raise for bytes that are not what they should be.
LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    InvalidDicomError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

#: A data set grows at most to this when it is inflated, in bytes: a 100 megapixel film and more.
MAX_INFLATED_BYTES = 512 * 1024 * 1024

UNDEFINED_LENGTH = 0xFFFFFFFF

_PIXEL_DATA = 0x7FE00010
_FILE_META_GROUP = 0x0002
_PYDICOM_LOG = logging.getLogger("pydicom")
_LOCK = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelElement:
    """Where (7FE0,0010) lies; its value is not read.

    Parameters
    ----------
    vr
        None in implicit VR.
    length
        As the element has it, in bytes; `UNDEFINED_LENGTH` where it is encapsulated.
    offset
        Of its value from the start of `OpenedInstance.body`.
    """

    vr: str | None
    length: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedInstance:
    """A data set up to its pixel data.

    Parameters
    ----------
    dataset
        Values are converted when they are asked for: only inside `quiet`.
    transfer_syntax_uid
        As the file meta information has it, else as the data set was found to be encoded.
    pixels
        None where there is no Pixel Data element.
    body
        What `pixels` lies in: the file, or the inflated data set. Empty unless asked for.
    """

    dataset: Dataset
    transfer_syntax_uid: str
    pixels: PixelElement | None
    body: bytes


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings from printing or logging the values they complain about.

    Notes
    -----
    The warning filters belong to the process, hence the lock: hold this while a header is read
    (a millisecond), never while pixels are decoded.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        was_disabled, _PYDICOM_LOG.disabled = _PYDICOM_LOG.disabled, True
        try:
            yield
        finally:
            _PYDICOM_LOG.disabled = was_disabled


@contextmanager
def machine_errors() -> Iterator[None]:
    """Tell trouble of the machine, which passes, from bytes that cannot be read, which stay so.

    Raises
    ------
    FileUnavailable
        The disk, or our rights on it. A file that is gone stays gone; and pydicom raises an
        `OSError` of its own, without a number, for what it cannot read: both are left alone.
    OutOfMemory
        There is not enough.
    """
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory from error
    except OSError as error:
        if error.errno is None or isinstance(error, FileNotFoundError):
            raise
        raise FileUnavailable(f"a file cannot be read: {error.strerror}") from error


def open_instance(data: bytes | Path, *, with_body: bool = False) -> OpenedInstance:
    """Read an instance up to its pixel data.

    Parameters
    ----------
    data
        A Part 10 file or its bytes. A missing preamble or file meta information is forgiven.
    with_body
        Whether the bytes that hold the pixel data are wanted.

    Raises
    ------
    UnreadableInstance
        Not a data set, or one that ends in the middle of its header.
    FileUnavailable, OutOfMemory
        It cannot be read now.
    """
    try:
        with machine_errors():
            if isinstance(data, Path) and not with_body:
                with data.open("rb") as file, quiet():
                    return _read(file, body=None)
            encoded = data.read_bytes() if isinstance(data, Path) else data
            with quiet():
                return _read(BytesIO(encoded), body=encoded if with_body else None)
    except LIBRARY_ERRORS as error:
        raise UnreadableInstance(
            f"the bytes cannot be read as a DICOM data set ({type(error).__name__})"
        ) from error


def read_bare(
    encoded: bytes, transfer_syntax_uid: str, *, last_tag: int, tags: tuple[int, ...]
) -> Dataset:
    """Read some attributes of a data set as it comes off the wire, up to a tag.

    Raises
    ------
    UnreadableInstance
        Not a data set.
    """
    #: of a deflated one, more than any header holds before the study's UID
    beginning = 1024 * 1024
    try:
        with quiet():
            if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
                encoded = zlib.decompressobj(-zlib.MAX_WBITS).decompress(encoded, beginning)
            return read_dataset(
                BytesIO(encoded),
                is_implicit_VR=transfer_syntax_uid == ImplicitVRLittleEndian,
                is_little_endian=transfer_syntax_uid != ExplicitVRBigEndian,
                stop_when=lambda tag, _vr, _length: tag > last_tag,
                specific_tags=list(tags),
            )
    except LIBRARY_ERRORS as error:
        raise UnreadableInstance(
            f"the bytes cannot be read as a DICOM data set ({type(error).__name__})"
        ) from error


def read_file_meta(data: bytes | Path) -> dict[str, str]:
    """Return the UIDs of a file's meta information by keyword; empty without such information.

    Raises
    ------
    UnreadableInstance
        Its bytes are no file meta information.
    FileUnavailable
        It cannot be read now.
    """
    try:
        with machine_errors():
            stream = BytesIO(data) if isinstance(data, bytes) else data.open("rb")
            with stream, quiet():
                meta = _read_meta(stream)
                return {str(e.keyword): str(e.value).strip() for e in meta if e.VR == "UI"}
    except LIBRARY_ERRORS as error:
        raise UnreadableInstance(f"the file cannot be read ({type(error).__name__})") from error


def inflate(deflated: bytes) -> bytes:
    """Return an inflated data set, or raise `UnreadableInstance` for one that grows too large."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise UnreadableInstance(
            f"the deflated data set grows beyond {MAX_INFLATED_BYTES} bytes; it is not a film"
        )
    return inflated


def _read(stream: BinaryIO, body: bytes | None) -> OpenedInstance:
    meta = _read_meta(stream)
    syntax = str(meta.get("TransferSyntaxUID") or "").strip()
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = inflate(stream.read())
        stream = BytesIO(inflated)
        body = None if body is None else inflated

    found: list[tuple[str | None, int]] = []

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        if tag == _PIXEL_DATA:
            found.append((vr, length))
        return tag >= _PIXEL_DATA

    dataset = read_dataset(
        stream,
        is_implicit_VR=syntax in {"", ImplicitVRLittleEndian},
        is_little_endian=syntax != ExplicitVRBigEndian,
        stop_when=at_pixels,
    )
    implicit = bool(dataset.original_encoding[0])
    pixels = None
    if found:
        vr, length = found[-1]
        long_form = not implicit and vr in EXPLICIT_VR_LENGTH_32
        offset = stream.tell() + (12 if long_form else 8)
        pixels = PixelElement(vr=vr, length=length, offset=offset)
    else:
        _refuse_cut_short(dataset)
    return OpenedInstance(
        dataset=dataset,
        transfer_syntax_uid=syntax
        or (ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian),
        pixels=pixels,
        body=body or b"",
    )


def _read_meta(stream: BinaryIO) -> Dataset:
    """Read the file meta information, and leave the stream at the data set behind it."""
    read_preamble(stream, force=True)
    return read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag >> 16 != _FILE_META_GROUP,
    )


def _refuse_cut_short(dataset: Dataset) -> None:
    """Raise `EOFError` where the last element has fewer bytes than it says."""
    tags = list(dataset.keys())
    if not tags:
        raise EOFError
    last = dataset.get_item(tags[-1])
    length, value = getattr(last, "length", UNDEFINED_LENGTH), last.value
    if length != UNDEFINED_LENGTH and isinstance(value, bytes) and len(value) < length:
        raise EOFError
