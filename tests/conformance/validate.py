"""Every object of the table of headers and of the table of contents, against every validator.

``make validate``. Templates are checked once for each shape of a report: two reports that differ
in words and numbers only say the same to a validator. Exits 1 where anything is not waived.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from screener.domain.errors import ScreenerError
from tests.conformance.content_objects import objects_of_case
from tests.conformance.contents import CASES, Case
from tests.conformance.header_objects import Made, objects_of
from tests.conformance.headers import VARIANTS
from tests.conformance.trees import shape
from tests.conformance.validators import (
    dciodvfy,
    dcmpschk,
    dsr2html,
    dsrdump,
    pixelmed,
    unwaived,
)
from tests.conformance.waivers import OF_FILMS, Patterns

_VALIDATORS: dict[str, Callable[[Path], list[str]]] = {
    "dciodvfy": dciodvfy,
    "dsrdump": dsrdump,
    "dsr2html": dsr2html,
    "DicomSRValidator": pixelmed,
    "dcmpschk": dcmpschk,
}
_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Check:
    """One validator on one object."""

    validator: str
    of: str
    path: Path
    waived: Patterns


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What it said, and what of it is not waived."""

    check: Check
    said: list[str]
    left: list[str]


def main() -> int:
    """Validate everything, print a table, and return the exit status."""
    console = Console()
    missing = [tool for tool in _VALIDATORS if shutil.which(tool) is None]
    if missing:
        console.print(f"not installed: {', '.join(missing)} (.ci/servers installs them)")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        builders = track(list(_builders()), "building", console=console)
        objects = [(of, waived, one) for of, waived, build in builders for one in build()]
        checks = list(_checks(Path(folder), objects))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = pool.map(_run, checks)
            outcomes = list(track(done, "validating", total=len(checks), console=console))
    _print(console, objects, outcomes)
    return 1 if any(outcome.left for outcome in outcomes) else 0


Objects = list[tuple[str, Patterns, Made]]


def _builders() -> Iterator[tuple[str, Patterns, Callable[[], list[Made]]]]:
    for name, case in CASES.items():
        yield name, (), partial(_of_case, case)
    for variant in VARIANTS:
        waived = OF_FILMS.get(variant.odd, ())
        yield f"{variant.make}: {variant.odd}", waived, partial(_of_header, variant.encoded)


def _of_case(case: Case) -> list[Made]:
    return list(objects_of_case(case))


def _of_header(source: bytes) -> list[Made]:
    try:
        return list(objects_of(source))
    except ScreenerError as error:
        return [Made(what="header", error=error.code)]


def _checks(folder: Path, objects: Objects) -> Iterator[Check]:
    shapes = set()
    for number, (of, waived, made) in enumerate(objects):
        if made.result is None:
            continue
        path = folder / f"{number}.dcm"
        path.write_bytes(made.result.encoded)
        names = ["dciodvfy"]
        if made.what.startswith("report"):
            names += ["dsrdump", "dsr2html"]
            like = shape(made.result.encoded)
            if like not in shapes:
                shapes.add(like)
                names.append("DicomSRValidator")
        if made.what == "presentation":
            names.append("dcmpschk")
        for name in names:
            yield Check(validator=name, of=f"{of}, {made.what}", path=path, waived=waived)


def _run(check: Check) -> Outcome:
    said = _VALIDATORS[check.validator](check.path)
    return Outcome(check=check, said=said, left=unwaived(said, check.validator, check.waived))


def _print(console: Console, objects: Objects, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        for line in outcome.left:
            console.print(f"{outcome.check.validator}: {outcome.check.of}: {line}", markup=False)
    table = Table("validator", "objects", "errors", "warnings", "of these waived", "not waived")
    for name in _VALIDATORS:
        of = [outcome for outcome in outcomes if outcome.check.validator == name]
        said = [line for outcome in of for line in outcome.said]
        errors = sum(line.startswith("Error") for line in said)
        left = sum(len(outcome.left) for outcome in of)
        counts = (len(of), errors, len(said) - errors, len(said) - left, left)
        table.add_row(name, *map(str, counts))
    console.print(table)
    whole = [made for _, _, made in objects if made.result is not None]
    coded = Counter(made.error for _, _, made in objects if made.error is not None)
    reports = sum(made.what.startswith("report") for made in whole)
    console.print(
        f"{len(CASES)} contents and {len(VARIANTS)} headers: {len(whole)} objects, of which "
        f"{reports} reports; coded errors in place of objects: {dict(coded)}"
    )


if __name__ == "__main__":
    sys.exit(main())
