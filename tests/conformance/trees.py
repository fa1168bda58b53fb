"""The shape of a report: which branches its tree has, and what is a report like another."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.dataset import quiet


def branches(encoded: bytes) -> frozenset[str]:
    """Return every path from the root to an item: names, value types and relationships."""
    return frozenset(_paths(dcmread(BytesIO(encoded)), ""))


def shape(encoded: bytes) -> tuple[str, ...]:
    """Return what two reports have in common for a validator of templates: class and tree."""
    with quiet():
        report = dcmread(BytesIO(encoded))
        return str(report.SOPClassUID), *_paths(report, ""), *_values(report)


def _values(item: Dataset) -> Iterator[str]:
    """Yield what coded items say: validators look it up."""
    for inner in item.get("ContentSequence", ()):
        yield from (str(code.CodeValue) for code in inner.get("ConceptCodeSequence", ()))
        yield from _values(inner)


def _paths(item: Dataset, above: str) -> Iterator[str]:
    for inner in item.get("ContentSequence", ()):
        name = "".join(str(code.CodeValue) for code in inner.get("ConceptNameCodeSequence", ()))
        path = f"{above}/{inner.RelationshipType} {inner.ValueType} {name}"
        yield path
        yield from _paths(inner, path)
