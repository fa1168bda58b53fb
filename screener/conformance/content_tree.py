"""The content tree of the report, merged from reports that together reach every item."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from screener.conformance.markdown import code, nested, table
from screener.conformance.specimens import built
from screener.dicom.describe import ContentItem, in_words, read_tree, uid_name
from screener.domain.report import ResultKind

#: Template whose row an item is, by the item's concept, where the item does not say it itself
#: (PS3.16 has containers name theirs, and nothing else).
TEMPLATES: Mapping[str, str] = {
    "121049": "1204",
    "121005": "1002",
    "121012": "1004",
    "121013": "1004",
    "121014": "1004",
    "121015": "1004",
    "121016": "1004",
    "121058": "1500",
    "111028": "1600",
    "126200": "1601",
    "121139": "1602",
    "110910": "1602",
    "110911": "1602",
    "111044": "1603",
    "111043": "1603",
    "111026": "1603",
    "111066": "1603",
    "126010": "1500",
    "126011": "1500",
    "C0034375": "1500",
    "112039": "1410",
    "112040": "1410",
    "111030": "1410",
    "130400": "1410",
    "121200": "1410",
    "121401": "300",
    "111000": "4019",
    "111001": "4019",
    "111002": "4019",
    "111003": "4019",
}
_NUMBER_TEMPLATE = "300"
_LONGEST = 60

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Place:
    """All items of one kind at one place in the reports."""

    first: ContentItem
    template: str
    values: dict[str, None] = field(default_factory=dict)
    #: How often the item stands below one parent, over all parents of all reports.
    counts: list[int] = field(default_factory=list)
    children: dict[_Key, _Place] = field(default_factory=dict)


def tree_table() -> str:
    """Return the content tree as a table: a row for each place, in the order of the report."""
    root = _merged()
    rows: list[tuple[str, ...]] = []
    _add_rows(root, 0, rows)
    return table(("Content item", "Relationship", "Type", "Times", "TID", "Value"), rows)


def _add_rows(place: _Place, depth: int, rows: list[tuple[str, ...]]) -> None:
    item = place.first
    name = in_words(item.name) if item.name else ""
    rows.append(
        (
            nested(depth, name),
            item.relationship,
            item.value_type,
            _times(place.counts),
            place.template,
            _value(place),
        )
    )
    for child in place.children.values():
        _add_rows(child, depth + 1, rows)


@cache
def _merged() -> _Place:
    trees = [
        tree
        for _, reports in built(ResultKind.REPORT)
        if (tree := read_tree(reports[0].encoded)) is not None
    ]
    return _merge(trees)


def _merge(items: Iterable[ContentItem]) -> _Place:
    """Return one place for items that stand at the same one."""
    together = list(items)
    place = _Place(first=together[0], template=_template(together[0]))
    for item in together:
        if (said := _said(item)) is not None:
            place.values[said] = None
    children = _by_key(together)
    for key, found in children.items():
        place.children[key] = _merge(found)
        place.children[key].counts = [_count(item, key) for item in together]
    return place


def _by_key(parents: Iterable[ContentItem]) -> dict[_Key, list[ContentItem]]:
    """Return the children of some items by what they are, each where its elder neighbour is."""
    found: dict[_Key, list[ContentItem]] = defaultdict(list)
    order: list[_Key] = []
    for parent in parents:
        at = -1
        for child in parent.children:
            key = _key(child)
            if key not in found:
                order.insert(at + 1, key)
            found[key].append(child)
            at = order.index(key)
    return {key: found[key] for key in order}


def _count(parent: ContentItem, key: _Key) -> int:
    return Counter(map(_key, parent.children))[key]


def _key(item: ContentItem) -> _Key:
    return item.relationship, item.value_type, "" if item.name is None else item.name.value


def _template(item: ContentItem) -> str:
    if item.template is not None:
        return item.template
    if item.value_type == "NUM" and item.relationship == "CONTAINS":
        return _NUMBER_TEMPLATE
    return "" if item.name is None else TEMPLATES.get(item.name.value, "")


def _said(item: ContentItem) -> str | None:
    if item.value is None or isinstance(item.value, str):
        return item.value
    return in_words(item.value)


def _times(counts: list[int]) -> str:
    if not counts:
        return "1"
    low, high = min(counts), max(counts)
    most = "n" if high > 1 else "1"
    return most if str(low) == most else f"{min(low, 1)}-{most}"


def _value(place: _Place) -> str:
    values = list(place.values)
    match place.first.value_type:
        case "NUM":
            return f"in {values[0]}"
        case "CODE":
            return "; ".join(values)
        case "TEXT":
            fixed = len(values) == 1 and len(values[0]) <= _LONGEST
            return code(values[0]) if fixed else "text"
        case "SCOORD":
            return f"{values[0]}, coordinates of the film"
        case "IMAGE" | "COMPOSITE":
            kinds = [uid_name(value).removesuffix(" Storage") for value in values]
            return "an instance, such as of " + ", ".join(kinds)
        case "UIDREF":
            return "UID under 2.25"
        case _:
            return ""
