"""The demo's worklist: 24 synthetic children, what is sent twice, and what must not be scored.

The seeds are fixed and belong to no training set: those count from 0, these from 7 thousand
million.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from screener.demo.foreign import ct_slice, own_report
from screener.domain.eligibility import View
from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.phantom.cohort import Child, draw_child
from screener.phantom.film import Film, expose
from screener.phantom.header import Items, header
from screener.phantom.odd import odd_film
from screener.phantom.write_dicom import encode
from screener.storage.codec import from_json, to_json

_SEED = 7_000_000_000
_SPACING_MM = 0.3

#: What films are written in, by the name that the table shows.
_SYNTAXES = {
    "uncompressed": "1.2.840.10008.1.2.1",
    "implicit VR": "1.2.840.10008.1.2",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG Lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}
_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

#: The worklist's lines, beside its films.
_LINES = "worklist.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the worklist.

    Parameters
    ----------
    file
        Name in `films/`; what is sent.
    kind
        What it is, for people.
    child
        Number of the child for the 24; None for what must not be scored.
    true_z
        Of a child who is scored; None for every other line.
    again
        The instance was sent before, by the line with this file.
    data
        The file's bytes; empty in the entries that `make_worklist` returns.
    """

    file: str
    kind: str
    sop_instance_uid: str
    study_instance_uid: str
    child: int | None = None
    true_z: float | None = None
    again: str | None = None
    data: bytes = field(default=b"", repr=False)

    @property
    def is_low(self) -> bool:
        """Whether the child's true Z is at or below -2.0, the definition of low."""
        return self.true_z is not None and self.true_z <= -2.0  # noqa: PLR2004


#: Makes one film that must not be scored, from what it is, a child and a number.
_Maker = Callable[[str, Child, int], Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """One of the 24 children."""

    number: int
    z: float
    age_years: float
    sex: Sex
    site: str
    syntax: str = "uncompressed"
    monochrome1: bool = False
    measured: bool = True


_M, _F = Sex.MALE, Sex.FEMALE

#: A film that ends here shows no lumbar vertebra, nor half of T12.
_HIGH_FIELD = ("T9", "T10", "T11")

_PLANS = (
    _Plan(number=1, z=-2.3, age_years=10.4, sex=_F, site="A"),
    _Plan(number=2, z=-2.4, age_years=14.8, sex=_M, site="B", syntax="RLE"),
    _Plan(number=3, z=-2.6, age_years=5.6, sex=_F, site="C", syntax="JPEG Lossless"),
    _Plan(number=4, z=-2.7, age_years=12.2, sex=_M, site="D", syntax="JPEG-LS"),
    _Plan(number=5, z=-2.8, age_years=16.5, sex=_F, site="E", syntax="JPEG 2000"),
    _Plan(number=6, z=-3.0, age_years=8.1, sex=_M, site="A", monochrome1=True),
    _Plan(number=7, z=-3.1, age_years=13.3, sex=_F, site="B", measured=False),
    _Plan(number=8, z=-3.2, age_years=17.2, sex=_M, site="C", syntax="implicit VR"),
    _Plan(number=9, z=-3.4, age_years=11.0, sex=_F, site="D"),
    _Plan(number=10, z=-3.6, age_years=6.9, sex=_M, site="E"),
    _Plan(number=11, z=-3.8, age_years=15.1, sex=_F, site="A", syntax="JPEG-LS"),
    _Plan(number=12, z=-4.0, age_years=9.4, sex=_M, site="B"),
    _Plan(number=13, z=-1.5, age_years=12.9, sex=_F, site="C"),
    _Plan(number=14, z=-1.3, age_years=7.7, sex=_M, site="D", syntax="RLE"),
    _Plan(number=15, z=-1.0, age_years=16.0, sex=_F, site="E", syntax="JPEG Lossless"),
    _Plan(number=16, z=-0.7, age_years=4.3, sex=_M, site="A"),
    _Plan(number=17, z=-0.5, age_years=10.9, sex=_F, site="B", syntax="JPEG 2000"),
    _Plan(number=18, z=-0.2, age_years=13.8, sex=_M, site="C", monochrome1=True),
    _Plan(number=19, z=0.0, age_years=8.8, sex=_F, site="D"),
    _Plan(number=20, z=0.3, age_years=15.6, sex=_M, site="E"),
    _Plan(number=21, z=0.6, age_years=6.2, sex=_F, site="A", syntax="JPEG-LS"),
    _Plan(number=22, z=0.9, age_years=17.6, sex=_M, site="B"),
    _Plan(number=23, z=1.2, age_years=11.7, sex=_F, site="C"),
    _Plan(number=24, z=1.5, age_years=14.2, sex=_M, site="D"),
)

#: This child has two frontal films and a lateral in one study.
_THREE_FILMS = 9
#: This child's study is sent twice.
_SENT_TWICE = 1
#: This child's film is sent again, in JPEG-LS.
_OTHER_SYNTAX = 12


def make_worklist(folder: Path, *, processes: int, on_film: Callable[[str], None]) -> list[Entry]:
    """Write the worklist's films, and return its lines in the order in which they are sent.

    Parameters
    ----------
    folder
        Where the films go.
    processes
        Films are made in so many processes.
    on_film
        Called with the name of each film that is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_of_child, plan) for plan in _PLANS]
        jobs += [pool.submit(_not_to_score, number) for number in range(len(_MAKERS))]
        for job in jobs:
            for entry in job.result():
                (folder / entry.file).write_bytes(entry.data)
                entries.append(replace(entry, data=b""))
                on_film(entry.file)
    # what is sent again comes last, when its first arrival may already be scored
    entries.sort(key=lambda entry: entry.again is not None)
    write_lines(folder, entries)
    return entries


def write_lines(folder: Path, entries: list[Entry]) -> None:
    """Write the lines beside their films, for `read_worklist`."""
    (folder / _LINES).write_text(to_json(entries), encoding="utf-8")


def read_worklist(folder: Path) -> list[Entry]:
    """Return the lines of a worklist that `make_worklist` wrote.

    Raises
    ------
    ConfigurationError
        The folder does not hold all of one.
    """
    advice = "`screener demo --films-only` writes one"
    try:
        entries = from_json(list[Entry], (folder / _LINES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(f"{folder} holds no worklist of the demo; {advice}") from None
    whole = sum((folder / entry.file).is_file() for entry in entries)
    if whole != film_count():
        raise ConfigurationError(
            f"{folder} holds {whole} of the worklist's {film_count()} films; {advice}"
        )
    return entries


def film_count() -> int:
    """Return how many films the worklist has."""
    return len(_PLANS) + len(_MAKERS) + 2 + 2


def _of_child(plan: _Plan) -> list[Entry]:
    child = draw_child(_SEED + plan.number, z=plan.z, age_years=plan.age_years, sex=plan.sex)
    entries = [_frontal(plan, child, seed=1, name="")]
    if plan.number == _THREE_FILMS:
        entries.append(_frontal(plan, child, seed=2, name="-second", view=View.AP))
        lateral = odd_film("lateral", child, seed=3, site=plan.site, spacing_mm=_SPACING_MM)
        entries.append(_entry("lateral", f"lateral of child {plan.number}", lateral, child))
    first = entries[0]
    if plan.number == _SENT_TWICE:
        kind = f"child {plan.number}: the study sent a second time"
        again = replace(first, file=f"child-{plan.number:02d}-again.dcm", kind=kind)
        entries.append(replace(again, again=first.file))
    if plan.number == _OTHER_SYNTAX:
        other = _frontal(replace(plan, syntax="JPEG-LS"), child, seed=1, name="-again")
        kind = f"child {plan.number}: the film again, in JPEG-LS"
        entries.append(replace(other, kind=kind, again=first.file))
    return entries


def _frontal(plan: _Plan, child: Child, *, seed: int, name: str, view: View | None = None) -> Entry:
    film = expose(
        child,
        seed=seed,
        site=plan.site,
        view=view or (View.PA if plan.number == _THREE_FILMS else None),
        spacing_mm=_SPACING_MM,
        photometric_interpretation="MONOCHROME1" if plan.monochrome1 else "MONOCHROME2",
    )
    odd = [plan.syntax] if plan.syntax != "uncompressed" else []
    odd += ["MONOCHROME1"] if plan.monochrome1 else []
    odd += [] if plan.measured else ["no height, no weight"]
    odd += ["second film, AP"] if name == "-second" else []
    odd += [f"ends at {film.lowest_visible}"] if film.lowest_visible in _HIGH_FIELD else []
    kind = f"{plan.sex.value} {plan.age_years:.1f} y {film.view.value}"
    entry = _entry(
        f"child-{plan.number:02d}{name}",
        ", ".join([kind, *odd]),
        film,
        child,
        syntax=plan.syntax,
        measured=plan.measured,
    )
    return replace(entry, child=plan.number, true_z=plan.z)


def _entry(
    name: str,
    kind: str,
    film: Film,
    child: Child,
    *,
    syntax: str = "uncompressed",
    measured: bool = True,
    overrides: Items | None = None,
) -> Entry:
    facts = header(film, child) | (overrides or {})
    return Entry(
        file=f"{name}.dcm",
        kind=kind,
        sop_instance_uid=str(facts["SOPInstanceUID"]),
        study_instance_uid=str(facts["StudyInstanceUID"]),
        data=encode(
            film,
            child,
            transfer_syntax_uid=_SYNTAXES[syntax],
            height=measured,
            weight=measured,
            overrides=overrides,
        ),
    )


def _not_to_score(number: int) -> list[Entry]:
    """Make one of the films that must not be scored; a job of its own, by its number."""
    kind, age_years, make = _MAKERS[number]
    child = draw_child(_SEED + 100 + number, z=-3.0, age_years=age_years)
    return [make(kind, child, number)]


def _frontal_film(child: Child, number: int) -> Film:
    return expose(
        child, seed=number, site="ABCDE"[number % 5], view=View.PA, spacing_mm=_SPACING_MM
    )


def _with_header(**overrides: str | list[str] | None) -> _Maker:
    """Return a maker of a frontal film with another header."""

    def make(kind: str, child: Child, number: int) -> Entry:
        film = _frontal_film(child, number)
        return _entry(_name(kind), kind, film, child, overrides=dict(overrides))

    return make


def _aged(years: int, days: int) -> _Maker:
    """Return a maker of a frontal film of somebody with this age, and the film of an older one."""

    def make(kind: str, child: Child, number: int) -> Entry:
        film = _frontal_film(child, number)
        acquired = date.fromisoformat(str(header(film, child)["AcquisitionDate"]))
        born = acquired.replace(year=acquired.year - years) - timedelta(days=days)
        overrides: Items = {"PatientBirthDate": f"{born:%Y%m%d}"}
        return _entry(_name(kind), kind, film, child, overrides=overrides)

    return make


def _odd(name: str) -> _Maker:
    """Return a maker of a film that is no frontal chest film."""

    def make(kind: str, child: Child, number: int) -> Entry:
        film = odd_film(name, child, seed=number, site="ABCDE"[number % 5], spacing_mm=_SPACING_MM)
        return _entry(_name(kind), kind, film, child)

    return make


def _truncated(kind: str, child: Child, number: int) -> Entry:
    entry = _entry(_name(kind), kind, _frontal_film(child, number), child)
    return replace(entry, data=entry.data[: len(entry.data) // 3])


def _ct(kind: str, child: Child, number: int) -> Entry:
    film = ct_slice(_frontal_film(child, number))
    overrides: Items = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "SeriesDescription": "Chest axial",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }
    return _entry(_name(kind), kind, film, child, overrides=overrides)


def _own(kind: str, child: Child, number: int) -> Entry:
    film = _frontal_film(child, number)
    report = own_report(film, child)
    return Entry(
        file=f"{_name(kind)}.dcm",
        kind=kind,
        sop_instance_uid=report.sop_instance_uid,
        study_instance_uid=str(header(film, child)["StudyInstanceUID"]),
        data=report.encoded,
    )


def _name(kind: str) -> str:
    return "not-" + "-".join("".join(c if c.isalnum() else " " for c in kind.lower()).split())


#: What must not be scored: what it is, the age of the anatomy in it, and how it is made.
_MAKERS: tuple[tuple[str, float, _Maker], ...] = (
    ("adult of 45", 17.9, _aged(45, 100)),
    ("one day past 18", 17.9, _aged(18, 1)),
    ("infant of 1", 3.0, _aged(1, 120)),
    ("hand", 11.0, _odd("hand")),
    (
        "DX For Processing",
        12.0,
        _with_header(
            SOPClassUID=_FOR_PROCESSING,
            Modality="DX",
            PresentationIntentType="FOR PROCESSING",
        ),
    ),
    (
        "derived capture",
        10.0,
        _with_header(
            SOPClassUID=_SECONDARY_CAPTURE,
            Modality="OT",
            ConversionType="WSD",
            ImageType=["DERIVED", "SECONDARY"],
        ),
    ),
    ("our own earlier report", 12.5, _own),
    ("film without pixel data", 9.0, _with_header(PixelData=None)),
    ("truncated file", 13.0, _truncated),
    ("blank film", 10.0, _odd("blank")),
    ("CT slice", 12.0, _ct),
    ("whole-spine film", 13.5, _odd("whole_spine")),
    ("babygram", 3.0, _odd("babygram")),
)
