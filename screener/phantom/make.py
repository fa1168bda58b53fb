"""Makes a set of films with their manifest, in several processes."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import repeat
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from screener.phantom.cohort import draw_child, stream
from screener.phantom.film import expose
from screener.phantom.header import header
from screener.phantom.vendors import VENDORS
from screener.phantom.write_dicom import encode

#: Seeds of the children of one set: as many as a set can have films.
_SET_SIZE = 10**7
#: SD of a DXA measurement about the truth (domain.md 5.6).
_DXA_SD_G_CM2 = 0.010


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One film of a set, with its truth; the columns of ``manifest.csv`` in this order.

    `path` is relative to the manifest. `abmd_g_cm2` and `z` are the truth, `dxa_abmd_g_cm2` is
    what a DXA of the same day measured. `visible_lowest` is the lowest vertebra wholly in the
    field.
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


def make_films(
    count: int,
    seed: int,
    out: Path,
    *,
    site: str | None = None,
    processes: int = 2,
    spacing_mm: float | None = None,
    z_spread: float = 0.0,
    console: Console | None = None,
) -> Path:
    """Write films of synthetic children, one film of each child, and ``manifest.csv``.

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
    console
        Where progress is shown; None shows none.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    ValueError
        A count, seed or site that there is none of.
    """
    if not 0 < count <= _SET_SIZE:
        raise ValueError(f"count must lie between 1 and {_SET_SIZE}")
    if seed < 0:
        raise ValueError("seed must be 0 or more")
    if site is not None and site not in VENDORS:
        raise ValueError(f"site {site!r}: it is one of {', '.join(VENDORS)}")
    out.mkdir(parents=True, exist_ok=True)
    settings = (repeat(seed), repeat(out), repeat(site), repeat(spacing_mm), repeat(z_spread))
    if processes == 1:
        rows = _followed(map(_make_film, range(count), *settings), count, console)
    else:
        # spawned: a fork would copy the parent's threads and locks
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            processes, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)
        ) as pool:
            made = pool.map(_make_film, range(count), *settings, chunksize=4)
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
    seed: int,
    out: Path,
    site: str | None,
    spacing_mm: float | None,
    z_spread: float,
) -> ManifestRow:
    child = draw_child(seed * _SET_SIZE + index, z_spread=z_spread)
    rng = stream(child.seed, "make")
    drawn_site = str(rng.choice(list(VENDORS)))
    film = expose(child, seed=1, site=site or drawn_site, spacing_mm=spacing_mm)
    name = f"{index:06d}.dcm"
    (out / name).write_bytes(encode(film, child))
    items = header(film, child)
    return ManifestRow(
        path=name,
        patient=str(items["PatientID"]),
        site=film.site,
        view=film.view.value,
        acquired_on=_iso(items["AcquisitionDate"]),
        age_years=round(child.age_years, 4),
        sex=child.sex.value,
        height_cm=round(child.height_cm, 2),
        weight_kg=round(child.weight_kg, 2),
        height_z=round(child.height_z, 4),
        z=round(child.z, 5),
        abmd_g_cm2=round(child.abmd_g_cm2, 6),
        dxa_on=_iso(items["AcquisitionDate"]),
        dxa_abmd_g_cm2=round(child.abmd_g_cm2 + _DXA_SD_G_CM2 * rng.standard_normal(), 4),
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
    )


def _iso(value: object) -> str:
    text = str(value)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


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
