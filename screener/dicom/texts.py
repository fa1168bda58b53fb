"""Texts of data elements: those of sources decoded, those of results encoded and read again.

Source: PS3.5 section 6.1.2; PS3.3 C.12.1.1.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from screener.dicom.character_sets import UTF_8, CharacterSet, read_character_set
from screener.dicom.dataset import LIBRARY_ERRORS
from screener.domain.errors import UnencodableText

#: Those that are encoded in the Specific Character Set; a backslash is a letter in the second lot.
_MULTIPLE = frozenset({"LO", "PN", "SH", "UC"})
TEXT_VRS = _MULTIPLE | {"LT", "ST", "UT"}
_CHARACTER_SET = Tag(0x00080005)
_PADDING = " \0"


def declared_character_set(
    dataset: Dataset, *, inherited: CharacterSet | None = None
) -> CharacterSet:
    """Return the set of a data set or item; that of what it lies in where it names none.

    Use it inside `screener.dicom.dataset.quiet`.
    """
    try:
        value = dataset[_CHARACTER_SET].value if _CHARACTER_SET in dataset else None
    except LIBRARY_ERRORS:
        value = None
    if not value:
        return inherited or read_character_set(())
    return read_character_set([value] if isinstance(value, str) else [str(v) for v in value])


def decoded_texts(
    element: DataElement | RawDataElement | None, vr: str, charset: CharacterSet
) -> str | list[str] | None:
    """Return the texts of an element as it was sent, or None where it is no such element.

    Parameters
    ----------
    element
        As `Dataset.get_item` has it: one that pydicom has converted is none any more.
    vr
        Of the dictionary.
    """
    if not isinstance(element, RawDataElement) or vr not in TEXT_VRS:
        return None
    if element.VR not in {None, "UN", vr} or not isinstance(element.value, bytes):
        return None
    text = charset.decode(element.value, name=vr == "PN")
    if vr not in _MULTIPLE:
        return text.rstrip(_PADDING)
    texts = [part.rstrip(_PADDING) for part in text.split("\\")]
    return texts if len(texts) > 1 else texts[0]


def choose_character_set(result: Dataset, source: CharacterSet) -> CharacterSet:
    """Return the source's set where every text of the result can be written in it, else UTF-8."""
    try:
        for vr, text in _texts(result):
            _encoded(vr, text, source)
    except UnencodableText:
        return read_character_set((UTF_8,))
    return source


def with_encoded_texts(result: Dataset, charset: CharacterSet) -> Dataset:
    """Return a result object whose texts are bytes; everything else is shared with the given one.

    Raises
    ------
    UnencodableText
        A text, once encoded, does not read as before.
    """
    encoded = _encoded_dataset(result, charset)
    if charset.value:
        encoded.SpecificCharacterSet = charset.value
    encoded.file_meta = result.file_meta
    encoded.preamble = getattr(result, "preamble", None) or bytes(128)
    return encoded


def _encoded_dataset(dataset: Dataset, charset: CharacterSet) -> Dataset:
    encoded = Dataset()
    for element in dataset:
        if element.tag == _CHARACTER_SET:
            continue
        if element.VR == "SQ":
            items = Sequence([_encoded_dataset(item, charset) for item in element.value])
            encoded.add(DataElement(element.tag, "SQ", items))
        elif element.VR in TEXT_VRS and not element.is_empty:
            encoded.add(_as_bytes(element, charset))
        else:
            encoded.add(element)
    return encoded


class _WrittenName(PersonName):
    """A name that pydicom writes as these bytes, in whatever set."""

    def __init__(self, written: bytes) -> None:
        super().__init__("")
        # as if read: what it has of its own is not looked into, and parted at no byte
        self.original_string = written

    def encode(self, encodings: Any = None) -> bytes:  # noqa: ARG002 - pydicom's interface
        return self.original_string


def _as_bytes(element: DataElement, charset: CharacterSet) -> DataElement:
    written = b"\\".join(_encoded(element.VR, text, charset) for text in _values(element))
    value = _WrittenName(written) if element.VR == "PN" else written
    return DataElement(element.tag, element.VR, value, already_converted=True)


def _encoded(vr: str, text: str, charset: CharacterSet) -> bytes:
    name = vr == "PN"
    try:
        encoded = charset.encode(text, name=name)
    except UnicodeEncodeError:
        encoded = None
    # what cannot be read again is a loss, too: an escape, or a backslash that would part a text
    if (
        encoded is None
        or charset.decode_exactly(encoded, name=name) != (text, True)
        or (vr in _MULTIPLE and "\\" in text)
    ):
        raise UnencodableText("a text of a result object cannot be written without a loss")
    return encoded


def _texts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif element.VR in TEXT_VRS and not element.is_empty:
            for text in _values(element):
                yield element.VR, text


def _values(element: DataElement) -> list[str]:
    value: Any = element.value
    if isinstance(value, MultiValue | list):
        return [str(part) for part in value]
    return [str(value)]
