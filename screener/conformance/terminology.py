"""Coded terms: which we use, in which object and where."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from screener.conformance.markdown import code, table
from screener.conformance.specimens import KINDS, built
from screener.dicom.codes import LANGUAGES, PRIVATE_SCHEME, coding_scheme
from screener.dicom.describe import (
    UsedCode,
    defined_codes,
    describe_keyword,
    read_codes,
)
from screener.domain.report import ResultKind

_COLUMNS = ("Code", "Scheme", "Meaning", "Where")
#: Of films, and copied with them.
_SPECIMEN_SCHEME = "99SPECIMEN"


def own_codes() -> str:
    """Return the table of the codes of our private scheme."""
    return _table(private=True)


def standard_codes() -> str:
    """Return the table of the codes that we take from public schemes."""
    return _table(private=False)


def template_codes() -> str:
    """Return the table of codes that the templates of PS3.16 bring with them."""
    own = {(one.value, one.scheme_designator) for one in defined_codes()}
    rows = {
        (used.code.scheme_designator, used.code.value, used.code.meaning)
        for used in _used()
        if (used.code.value, used.code.scheme_designator) not in own
        and used.code.scheme_designator != _SPECIMEN_SCHEME
    }
    lines = [(code(value), scheme, meaning) for scheme, value, meaning in sorted(rows)]
    return table(("Code", "Scheme", "Meaning"), lines)


def private_scheme() -> str:
    """Return the declaration of our private scheme as it stands in each object."""
    rows = [(element.name, code(element.value)) for element in coding_scheme()]
    return table(("Attribute", "Value"), rows)


def languages() -> str:
    """Return the languages that texts are written in."""
    rows = [(one.meaning, code(one.value), one.scheme_designator) for one in LANGUAGES.values()]
    return table(("Language", "Code", "Scheme"), rows)


def _table(*, private: bool) -> str:
    where = _used()
    rows = []
    for one in defined_codes():
        if (one.scheme_designator == PRIVATE_SCHEME) is not private:
            continue
        places = [
            where[used]
            for used in where
            if (used.code.value, used.code.scheme_designator) == (one.value, one.scheme_designator)
        ]
        said = dict.fromkeys(place for found in places for place in sorted(found))
        shown = "; ".join(sorted(said)) or "no object of this statement"
        rows.append((code(one.value), one.scheme_designator, one.meaning, shown))
    return table(_COLUMNS, rows)


@cache
def _used() -> dict[UsedCode, frozenset[str]]:
    """Return every code in our objects with the places in which it stands."""
    found: dict[UsedCode, set[str]] = defaultdict(set)
    for kind in ResultKind:
        for _, objects in built(kind):
            for one in objects:
                for used in read_codes(one.encoded):
                    found[used].add(_place(kind, used.sequence))
    return {used: frozenset(places) for used, places in found.items()}


def _place(kind: ResultKind, sequence: str) -> str:
    name = describe_keyword(sequence)[2].removesuffix(" Sequence").removesuffix(" Code")
    return f"{KINDS[kind].title}: {name}"
