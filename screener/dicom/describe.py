"""What stands in an object: its attributes, its codes, its tree, as plain values.

For the conformance statement, which is derived from objects that were really built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO

from pydicom import config, dcmread
from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.coding import Code
from pydicom.uid import UID

from screener.dicom import codes

#: Looked at by `tree_of`, and by nothing else.
_TREE = "ContentSequence"
#: Sequences that hold one item for each purpose: their items are told apart by it.
_PURPOSE = "PurposeOfReferenceCodeSequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAttribute:
    """One attribute of an object, at one place.

    Parameters
    ----------
    path
        Keywords from the top of the data set; an item with a purpose of reference adds the meaning
        of that in square brackets.
    tag, vr, name
        As PS3.6 has them: ``(0010,0010)``.
    values
        As text, of all items at this place; empty where there is none. A code is written
        ``(value, scheme, "meaning")``; bytes are left out.
    """

    path: tuple[str, ...]
    tag: str
    vr: str
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedCode:
    """A code and the sequence that it stands in."""

    code: Code
    sequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentItem:
    """One content item of a structured report with what lies below it.

    Parameters
    ----------
    relationship, value_type
        As encoded; the root has no relationship.
    template
        TID that the item itself names, or None.
    name
        Concept name, or None.
    value
        Code, unit, graphic type or text of the item.
    """

    relationship: str
    value_type: str
    template: str | None
    name: Code | None
    value: Code | str | None
    children: tuple[ContentItem, ...]


def read_attributes(encoded: bytes) -> tuple[SeenAttribute, ...]:
    """Return every attribute of a Part 10 file, in the order of tags.

    Items of one sequence are taken together; the content tree is left out.
    """
    dataset = dcmread(BytesIO(encoded))
    found: dict[tuple[str, ...], SeenAttribute] = {}
    for part in (dataset.file_meta, dataset):
        _read(part, (), found)
    return tuple(found.values())


def read_codes(encoded: bytes) -> frozenset[UsedCode]:
    """Return every code of an object, in its content tree too, with the sequence that holds it."""
    return frozenset(_codes(dcmread(BytesIO(encoded)), ""))


def read_tree(encoded: bytes) -> ContentItem | None:
    """Return the content tree of a structured report; None where there is none."""
    dataset = dcmread(BytesIO(encoded))
    return _item(dataset) if "ValueType" in dataset else None


def describe_keyword(keyword: str) -> tuple[str, str, str]:
    """Return tag, VR and name of a keyword of PS3.6."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is no keyword of DICOM")
    return _tag(tag), dictionary_VR(tag), dictionary_description(tag)


def uid_name(uid: str) -> str:
    """Return the name that PS3.6 gives a UID, or the text itself."""
    return UID(uid, validation_mode=config.IGNORE).name


def is_private(attribute: SeenAttribute) -> bool:
    """Return whether an attribute is a private one."""
    return int(attribute.tag[1:5], 16) % 2 == 1


def _read(
    dataset: Dataset, path: tuple[str, ...], found: dict[tuple[str, ...], SeenAttribute]
) -> None:
    for element in dataset:
        here = (*path, element.keyword or _tag(element.tag))
        values = _values(element)
        earlier = found.get(here)
        found[here] = SeenAttribute(
            path=here,
            tag=_tag(element.tag),
            vr=str(element.VR),
            name=element.name,
            values=values if earlier is None else (*earlier.values, *values),
        )
        if element.VR != "SQ" or element.keyword == _TREE:
            continue
        for item in element.value:
            if "CodeValue" not in item:
                _read(item, _step_into(here, item, found), found)


def _step_into(
    path: tuple[str, ...], item: Dataset, found: dict[tuple[str, ...], SeenAttribute]
) -> tuple[str, ...]:
    """Return the path of an item's attributes, and note the item itself where it has a purpose."""
    purposes = item.get(_PURPOSE)
    if not purposes or len(path) > 1:
        return path
    here = (*path, f"[{purposes[0].CodeMeaning}]")
    found.setdefault(here, SeenAttribute(path=here, tag="", vr="", name="", values=()))
    return here


def _values(element: DataElement) -> tuple[str, ...]:
    if element.VR == "SQ":
        items = element.value or ()
        codes = tuple(in_words(_code(item)) for item in items if "CodeValue" in item)
        return codes or tuple("item" for _ in items)
    if element.is_empty:
        return ()
    if isinstance(element.value, bytes):
        return ("bytes",)
    if isinstance(element.value, MultiValue | list):
        return ("\\".join(str(value) for value in element.value),)
    return (str(element.value),)


def _codes(dataset: Dataset, sequence: str) -> Iterator[UsedCode]:
    if "CodeValue" in dataset:
        yield UsedCode(code=_code(dataset), sequence=sequence)
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _codes(item, element.keyword)


def _item(dataset: Dataset) -> ContentItem:
    name = dataset.get("ConceptNameCodeSequence")
    template = dataset.get("ContentTemplateSequence")
    return ContentItem(
        relationship=str(dataset.get("RelationshipType", "")),
        value_type=str(dataset.ValueType),
        template=str(template[0].TemplateIdentifier) if template else None,
        name=_code(name[0]) if name else None,
        value=_item_value(dataset),
        children=tuple(_item(child) for child in dataset.get(_TREE, ())),
    )


def _item_value(dataset: Dataset) -> Code | str | None:
    if "ConceptCodeSequence" in dataset:
        return _code(dataset.ConceptCodeSequence[0])
    if measured := dataset.get("MeasuredValueSequence"):
        return _code(measured[0].MeasurementUnitsCodeSequence[0])
    if "GraphicType" in dataset:
        return str(dataset.GraphicType)
    if referenced := dataset.get("ReferencedSOPSequence"):
        return str(referenced[0].ReferencedSOPClassUID)
    value = dataset.get("TextValue")
    return None if value is None else str(value)


def _code(item: Dataset) -> Code:
    return Code(str(item.CodeValue), str(item.CodingSchemeDesignator), str(item.CodeMeaning))


def in_words(code: Code) -> str:
    """Return a code as the standard writes it: ``(121071, DCM, "Finding")``."""
    return f'({code.value}, {code.scheme_designator}, "{code.meaning}")'


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def defined_codes() -> tuple[Code, ...]:
    """Return every code of `codes`, private ones first, each once, sorted by scheme and value."""
    found: set[Code] = set()
    for value in vars(codes).values():
        for one in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(one, Code):
                found.add(one)
    return tuple(sorted(found, key=_order))


def _order(code: Code) -> tuple[bool, str, str]:
    return code.scheme_designator != codes.PRIVATE_SCHEME, code.scheme_designator, code.value
