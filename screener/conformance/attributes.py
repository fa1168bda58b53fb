"""The attributes of our objects: present when, and from where. Read off objects that were built.

Each object is built from several findings on films that agree in no value: what stands in all of
them is fixed, what follows the film is copied, what follows an archive's settings is configured,
and all else is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from screener.conformance.markdown import code, nested, table
from screener.conformance.modules import module_of, order_of
from screener.conformance.specimens import built
from screener.dicom.describe import (
    SeenAttribute,
    describe_keyword,
    is_private,
    read_attributes,
    uid_name,
)
from screener.dicom.source import PATIENT_AND_STUDY, TYPE_2
from screener.dicom.uids import is_own_uid
from screener.domain.report import ResultKind

_COLUMNS = ("Attribute", "Tag", "VR", "Presence", "Source", "Value")
_LONGEST = 100
#: Depends on the length of UIDs, and on nothing else.
_LEFT_OUT = "FileMetaInformationGroupLength"
_REFERENCED = "Referenced"


class Presence(StrEnum):
    """Whether an attribute is there, in the words of PS3.2."""

    #: Present with a value in every object.
    ALWAYS = "ALWAYS"
    #: Present in every object, with no value in some (value not always present).
    VNAP = "VNAP"
    #: Absent in some objects (attribute not always present).
    ANAP = "ANAP"
    #: Present without a value in every object.
    EMPTY = "EMPTY"


class Source(StrEnum):
    """Where a value comes from, in the words of PS3.2."""

    #: The same in every object.
    FIXED = "FIXED"
    #: As the film has it.
    COPY = "COPY"
    #: By the settings of the archive that the object is made for.
    CONFIG = "CONFIG"
    #: Made for the object.
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attribute of one kind of object."""

    path: tuple[str, ...]
    tag: str
    vr: str
    name: str
    presence: Presence
    source: Source | None
    value: str


#: One object's attributes by path, those of its other forms, and its film's.
_Seen = dict[tuple[str, ...], SeenAttribute]
_Build = tuple[_Seen, tuple[_Seen, ...], _Seen]


def shared_attributes() -> str:
    """Return the table of what all kinds of objects have alike."""
    return _as_table(_shared())


def attributes_of(kind: ResultKind) -> str:
    """Return the table of what a kind of object has beside what all have."""
    shared = set(_shared())
    return _as_table(row for row in rows_of(kind) if row not in shared)


def copied_attributes() -> str:
    """Return the table of patient and study attributes that are taken over from the film."""
    rows = []
    for keyword in PATIENT_AND_STUDY:
        tag, vr, name = describe_keyword(keyword)
        absent = "present without a value" if keyword in TYPE_2 else "left out"
        rows.append((name, tag, vr, absent))
    return table(("Attribute", "Tag", "VR", "Where the film has no legal value"), rows)


def private_attribute_count() -> int:
    """Return how many private attributes our objects have."""
    return sum(
        is_private(seen)
        for kind in ResultKind
        for main, forms, _ in _builds(kind)
        for each in (main, *forms)
        for seen in each.values()
        if seen.tag
    )


@cache
def rows_of(kind: ResultKind) -> tuple[Row, ...]:
    """Return the attributes of a kind of object, module by module."""
    builds = _builds(kind)
    paths = dict.fromkeys(path for main, _, _ in builds for path in main)
    rows = [_row(path, builds) for path in paths if path[-1] != _LEFT_OUT]
    at = {path: number for number, path in enumerate(paths)}
    return tuple(sorted(rows, key=lambda row: (order_of(row.path[0]), _place(row.path, at))))


def _place(path: tuple[str, ...], at: dict[tuple[str, ...], int]) -> tuple[int, ...]:
    """Return a path's place below its parents, whichever object it was first seen in."""
    return tuple(at[path[: depth + 1]] for depth in range(len(path)))


@cache
def _builds(kind: ResultKind) -> tuple[_Build, ...]:
    return tuple(
        (
            _by_path(objects[0].encoded),
            tuple(_by_path(form.encoded) for form in objects[1:]),
            _by_path(case.film),
        )
        for case, objects in built(kind)
    )


def _by_path(encoded: bytes) -> _Seen:
    return {seen.path: seen for seen in read_attributes(encoded)}


@cache
def _shared() -> tuple[Row, ...]:
    first, *others = (rows for kind in ResultKind if (rows := rows_of(kind)))
    return tuple(row for row in first if all(row in rows for rows in others))


def _row(path: tuple[str, ...], builds: Sequence[_Build]) -> Row:
    seen = next(main[path] for main, _, _ in builds if path in main)
    if path[-1].startswith("["):
        return Row(
            path=path,
            tag="",
            vr="",
            name=f"*item: {path[-1].strip('[]')}*",
            presence=Presence.ALWAYS if _is_always_there(path, builds) else Presence.ANAP,
            source=None,
            value="",
        )
    presence = _presence(path, builds)
    empty = not any(main[path].values for main, _, _ in builds if path in main)
    source = None if empty or _holds_items(seen) else _source(path, builds)
    return Row(
        path=path,
        tag=seen.tag,
        vr=seen.vr,
        name=seen.name,
        presence=presence,
        source=source,
        value=_value(path, seen.vr, source, builds),
    )


def _holds_items(seen: SeenAttribute) -> bool:
    return seen.vr == "SQ" and (not seen.values or seen.values[0] == "item")


def _presence(path: tuple[str, ...], builds: Sequence[_Build]) -> Presence:
    """Return whether an attribute is there, wherever that which holds it is."""
    if not _is_always_there(path, builds):
        return Presence.ANAP
    filled = [bool(main[path].values) for main in _holding(path, builds)]
    if all(filled):
        return Presence.ALWAYS
    return Presence.VNAP if any(filled) else Presence.EMPTY


def _is_always_there(path: tuple[str, ...], builds: Sequence[_Build]) -> bool:
    return all(path in main for main in _holding(path, builds))


def _holding(path: tuple[str, ...], builds: Sequence[_Build]) -> list[_Seen]:
    """Return the objects that have what holds an attribute."""
    return [main for main, _, _ in builds if len(path) == 1 or path[:-1] in main]


def _source(path: tuple[str, ...], builds: Sequence[_Build]) -> Source:
    if _configured(path, builds):
        return Source.CONFIG
    if _copied(path, builds):
        return Source.COPY
    values = {main[path].values for main, _, _ in builds if path in main and main[path].values}
    return Source.FIXED if len(values) == 1 else Source.AUTO


def _configured(path: tuple[str, ...], builds: Sequence[_Build]) -> bool:
    for main, forms, _ in builds:
        values = {each[path].values for each in (main, *forms) if path in each}
        if len(values) > 1 and not any(is_own_uid(one) for value in values for one in value):
            return True
    return False


def _copied(path: tuple[str, ...], builds: Sequence[_Build]) -> bool:
    """Return whether every value is the film's, and would not be there without it."""
    pairs = [(main.get(path), _of_film(film, path)) for main, _, film in builds]
    filled = [(ours, film) for ours, film in pairs if ours is not None and ours.values]
    if any(film is None or ours.values != film.values for ours, film in filled):
        return False
    differing = len({ours.values for ours, _ in filled}) > 1
    follows = any(ours is None or not ours.values for ours, film in pairs if film is None)
    return differing or follows


def _of_film(film: _Seen, path: tuple[str, ...]) -> SeenAttribute | None:
    keyword = path[-1]
    for place in (path, (keyword,), (keyword.removeprefix(_REFERENCED),)):
        if place in film and film[place].values:
            return film[place]
    return None


def _value(path: tuple[str, ...], vr: str, source: Source | None, builds: Sequence[_Build]) -> str:
    values = [
        one
        for main, forms, _ in builds
        for each in (main, *forms)
        if path in each
        for one in each[path].values
    ]
    if path == ("ContentSequence",):
        return "the content tree below"
    if not values or source in {None, Source.COPY}:
        return ""
    if "bytes" in values:
        return "binary"
    if source is Source.CONFIG:
        return "one of: " + ", ".join(dict.fromkeys(map(_shown, values)))
    if source is Source.FIXED:
        return _shown(values[0])
    if all(is_own_uid(one) for one in values):
        return "derived from the content, under 2.25"
    different = list(dict.fromkeys(map(_shown, values)))
    if path == ("SpecificCharacterSet",):
        return "by the rules of section 8"
    if vr == "CS":
        return "one of: " + ", ".join(different)
    return f"such as {different[0]}" if len(path) == 1 else ""


def _shown(value: str) -> str:
    named = uid_name(value)
    if named != value:
        return f"{value} ({named})"
    if value.startswith("("):
        return value  # a code
    return code(value if len(value) <= _LONGEST else value[: _LONGEST - 1].rstrip() + "…")


def _depth(path: tuple[str, ...]) -> int:
    """Return how many sequences an attribute lies in."""
    return len(path) - 1 - sum(step.startswith("[") for step in path[:-1])


def _as_table(rows: Iterable[Row]) -> str:
    lines: list[tuple[str, ...]] = []
    module = ""
    for row in rows:
        if module != (module := module_of(row.path[0])):
            lines.append((f"**{module}**", "", "", "", "", ""))
        lines.append(
            (
                nested(_depth(row.path), row.name),
                row.tag,
                row.vr,
                row.presence.value,
                row.source.value if row.source else "",
                row.value,
            )
        )
    return table(_COLUMNS, lines)
