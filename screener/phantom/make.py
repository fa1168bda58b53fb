"""Makes a set of films with their manifest, in several processes."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from screener.phantom.cohort import Child, stream
from screener.phantom.film import Film, expose
from screener.phantom.header import Items, header, phantom_uid
from screener.phantom.odd import ODD_KINDS, odd_film
from screener.phantom.sets import (
    CHEST,
    COHORTS,
    CROPPED_AT,
    MARKED_COBB_DEG,
    PAIRED,
    SET_SIZE,
    Planned,
    plan,
)
from screener.phantom.vendors import VENDORS
from screener.phantom.write_dicom import encode

#: Folder of the spine masks.
_MASKS = "masks"
#: How often a header has neither height nor weight, and how often one of them: most have none.
_TELLS_NOTHING, _TELLS_ONE = 0.6, 0.1
#: Days from a child's first film, which is that of its DXA, to each further one.
_FOLLOW_UP_DAYS = (5, 85)
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
#: SD of a DXA measurement about the truth (domain.md 5.6).
_DXA_SD_G_CM2 = 0.010


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One film of a set, with its truth; the columns of ``manifest.csv`` in this order.

    `path` and `spine_mask` are relative to the manifest. `abmd_g_cm2` and `z` are the truth on the
    day of the child's DXA, which is that of its first film; `dxa_abmd_g_cm2` is what it measured.
    `visible_lowest` is the lowest vertebra wholly in the field. `kind` is ``chest``, or why the
    film must not be estimated; `group` and `variant` tell films that belong together.
    """

    path: str
    patient: str
    site: str
    view: str
    acquired_on: str
    age_years: float
    sex: str
    height_cm: float
    weight_kg: float
    height_z: float
    z: float
    abmd_g_cm2: float
    dxa_on: str
    dxa_abmd_g_cm2: float
    seed: int
    film_seed: int
    visible_lowest: str
    spacing_mm: float
    photometric_interpretation: str
    kvp: float
    grid: bool
    supine: bool
    cobb_deg: float
    turn_deg: float
    extras: str
    vendor: str
    cohort: str
    kind: str
    group: str
    variant: str
    spine_mask: str


def make_films(
    count: int,
    seed: int,
    out: Path,
    *,
    site: str | None = None,
    processes: int = 2,
    spacing_mm: float | None = None,
    z_spread: float = 0.0,
    cohort: str = "main",
    films_per_child: int = 1,
    clear: bool = False,
    console: Console | None = None,
) -> Path:
    """Write films of synthetic children with their spine masks, and ``manifest.csv``.

    Parameters
    ----------
    count
        How many.
    seed
        Of the set. Two sets of different seeds share no child, and a larger set of the same seed
        begins with the smaller one.
    out
        The folder; made if need be, files of the same names are overwritten.
    site
        ``A`` to ``E``; None spreads the films over all five.
    processes
        How many at a time.
    spacing_mm
        Pixel size; None is each site's own.
    z_spread
        See `screener.phantom.cohort.draw_child`.
    cohort, films_per_child, clear
        See `screener.phantom.sets.plan`.
    console
        Where progress is shown; None shows none.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    ValueError
        A count, seed, site or cohort that there is none of, or that do not go together.
    """
    if not 0 < count <= SET_SIZE:
        raise ValueError(f"count must lie between 1 and {SET_SIZE}")
    if seed < 0:
        raise ValueError("seed must be 0 or more")
    if site is not None and site not in VENDORS:
        raise ValueError(f"site {site!r}: it is one of {', '.join(VENDORS)}")
    if cohort not in COHORTS:
        raise ValueError(f"cohort {cohort!r}: it is one of {', '.join(COHORTS)}")
    if films_per_child < 1:
        raise ValueError("films_per_child must be 1 or more")
    if cohort in PAIRED and (count % 2 or films_per_child != 1):
        raise ValueError(
            f"cohort {cohort!r} has two films of each child: count must be even, "
            "and films_per_child 1"
        )
    (out / _MASKS).mkdir(parents=True, exist_ok=True)
    planned = partial(
        plan,
        seed=seed,
        cohort=cohort,
        site=site,
        z_spread=z_spread,
        films_per_child=films_per_child,
        clear=clear,
    )
    make = partial(_make_film, planned=planned, out=out, cohort=cohort, spacing_mm=spacing_mm)
    if processes == 1:
        rows = _followed(map(make, range(count)), count, console)
    else:
        # spawned: a fork would copy the parent's threads and locks
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            processes, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)
        ) as pool:
            made = pool.map(make, range(count), chunksize=4)
            rows = _followed(made, count, console)
    manifest = out / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        columns = [field.name for field in fields(ManifestRow)]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([getattr(row, column) for column in columns] for row in rows)
    return manifest


def _make_film(
    index: int,
    *,
    planned: Callable[[int], Planned],
    out: Path,
    cohort: str,
    spacing_mm: float | None,
) -> ManifestRow:
    wanted = planned(index)
    child = wanted.child
    film = take(wanted, spacing_mm)
    name, mask = f"{index:06d}.dcm", f"{_MASKS}/{index:06d}.png"
    study = film.seed - 1
    dxa_day = _day(header(film, child)["AcquisitionDate"])
    changed = _changed(film, child, wanted, dxa_day)
    # headers of the main cohort tell both, as they did before there were others
    height, weight = (True, True) if cohort == "main" else _told(child, film.seed)
    content = encode(film, child, study=study, height=height, weight=weight, overrides=changed)
    (out / name).write_bytes(content)
    write_mask(out / mask, film.spine_mask)
    items = header(film, child, study=study) | changed
    taken_day = _day(items["AcquisitionDate"])
    measured = _DXA_SD_G_CM2 * _dxa_error(child)
    return ManifestRow(
        path=name,
        patient=str(items["PatientID"]),
        site=film.site,
        view=film.view.value,
        acquired_on=f"{taken_day}",
        age_years=round(child.age_years + (taken_day - dxa_day).days / 365.25, 4),
        sex=child.sex.value,
        height_cm=round(child.height_cm, 2),
        weight_kg=round(child.weight_kg, 2),
        height_z=round(child.height_z, 4),
        z=round(child.z, 5),
        abmd_g_cm2=round(child.abmd_g_cm2, 6),
        dxa_on=f"{dxa_day}",
        dxa_abmd_g_cm2=round(child.abmd_g_cm2 + measured, 4),
        seed=child.seed,
        film_seed=film.seed,
        visible_lowest=film.lowest_visible,
        spacing_mm=film.spacing_mm,
        photometric_interpretation=film.photometric_interpretation,
        kvp=film.technique.kvp,
        grid=film.technique.grid,
        supine=film.technique.supine,
        cobb_deg=round(film.cobb_deg, 2),
        turn_deg=round(film.turn_deg, 2),
        extras=film.extras.names,
        vendor=f"{film.vendor.manufacturer} {film.vendor.model}",
        cohort=cohort,
        kind=_kind(film, wanted),
        group=wanted.group,
        variant=wanted.variant,
        spine_mask=mask,
    )


def take(wanted: Planned, spacing_mm: float | None) -> Film:
    """Take a planned film."""
    if wanted.kind in ODD_KINDS:
        return odd_film(
            wanted.kind,
            wanted.shown,
            seed=wanted.film_seed,
            site=wanted.site,
            spacing_mm=spacing_mm,
        )
    return expose(
        wanted.shown,
        seed=wanted.film_seed,
        site=wanted.site,
        spacing_mm=spacing_mm,
        staging=wanted.staging,
    )


def _kind(film: Film, wanted: Planned) -> str:
    """Return ``chest``, or why a film must not be estimated, also where chance made it so."""
    if film.extras.over_spine:
        return film.extras.over_spine
    if wanted.kind == CHEST and film.cobb_deg >= MARKED_COBB_DEG:
        return "scoliosis"
    if wanted.kind == CHEST and film.lowest_visible in CROPPED_AT:
        return "cropped"
    return wanted.kind


def write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """Write a spine mask as a PNG, white where the spine is; it covers the whole film."""
    cv2.imwrite(str(path), mask.astype(np.uint8) * 255)


def _told(child: Child, film_seed: int) -> tuple[bool, bool]:
    """Return whether a film's header has height and weight; the manifest has both."""
    chance = float(stream(child.seed, "film", film_seed, "told").random())
    if chance < _TELLS_NOTHING:
        return False, False
    if chance < _TELLS_NOTHING + _TELLS_ONE:
        return (True, False) if chance < _TELLS_NOTHING + _TELLS_ONE / 2 else (False, True)
    return True, True


def _dxa_error(child: Child) -> float:
    rng = stream(child.seed, "make")
    # the first draw of this stream is the child's site
    rng.choice(list(VENDORS))
    return float(rng.standard_normal())


def _changed(film: Film, child: Child, wanted: Planned, dxa_day: date) -> Items:
    """Return what a header says otherwise than that of the child's first film."""
    changed: Items = {}
    if film.seed > 1:
        # one birth date for all of a child's films
        changed["PatientBirthDate"] = header(film, child)["PatientBirthDate"]
        days = int(stream(child.seed, "film", film.seed, "day").integers(*_FOLLOW_UP_DAYS))
        taken = f"{dxa_day + timedelta(days=days):%Y%m%d}"
        changed |= dict.fromkeys(_DATES, taken)
    if wanted.variant == "port_removed":
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
            changed[keyword] = phantom_uid(keyword, child.key, wanted.variant)
    return changed


def _day(value: object) -> date:
    return date.fromisoformat(str(value))


def _followed(
    rows: Iterable[ManifestRow], count: int, console: Console | None
) -> list[ManifestRow]:
    if console is None:
        return list(rows)
    columns = (
        TextColumn("synthetic films"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        return list(progress.track(rows, total=count))
