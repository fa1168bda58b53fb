"""The table of radiograph-DXA pairs: read, checked, and what is left out counted by reason."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import pandas as pd

from screener.domain.clinical import clinical_variables
from screener.domain.eligibility import View
from screener.domain.errors import ConfigurationError, OutsideReference, PermanentError
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.reference import BmdReference, GrowthReference
from screener.training.pairing import days_apart, film_day, nearest

#: Columns that a manifest must have. `height_cm`, `weight_kg`, `site` and `view` may be empty.
COLUMNS = (
    "path",
    "patient",
    "site",
    "view",
    "age_years",
    "sex",
    "height_cm",
    "weight_kg",
    "abmd_g_cm2",
)

#: Columns that a manifest may have beside them.
FURTHER_COLUMNS = (
    "acquired_on",
    "dxa_on",
    "vendor",
    "kind",
    "group",
    "variant",
    "spine_mask",
)

#: `kind` of a film that may be estimated.
CHEST = "chest"

#: A measured Z beyond these is an entry error or another device's unit.
PLAUSIBLE_Z = (-8.0, 6.0)

_CM_PER_M = 100


class ExclusionReason(StrEnum):
    """Why a row of the manifest is not used."""

    #: Age, sex, patient, path or aBMD is empty or cannot be read.
    VALUE_MISSING = "VALUE_MISSING"
    #: The film is not there.
    FILE_MISSING = "FILE_MISSING"
    #: The same film stands in an earlier row.
    SAME_FILE_TWICE = "SAME_FILE_TWICE"
    #: The view is given and is not frontal.
    NOT_FRONTAL = "NOT_FRONTAL"
    #: The reference has no values for this age and sex, or the predictor is not made for it.
    AGE_OUTSIDE_RANGE = "AGE_OUTSIDE_RANGE"
    #: No child has such an aBMD: wrong unit or entry.
    ABMD_IMPLAUSIBLE = "ABMD_IMPLAUSIBLE"
    #: The manifest's ``kind`` says that the film must not be estimated; it may teach a gate.
    MUST_NOT_BE_ESTIMATED = "MUST_NOT_BE_ESTIMATED"
    #: Film and DXA lie further apart than the pairing allows.
    DXA_TOO_FAR_APART = "DXA_TOO_FAR_APART"
    #: The day of film or DXA is needed, and neither the table nor the film's header gives it; days
    #: are written as 2026-03-01.
    DATE_MISSING = "DATE_MISSING"
    #: Another DXA of the same film lies nearer.
    NEARER_DXA = "NEARER_DXA"
    #: The film cannot be read or decoded.
    UNREADABLE_FILM = "UNREADABLE_FILM"
    #: The film shows nothing.
    BLANK_FILM = "BLANK_FILM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A row that is not used: its line in the manifest (the header is line 1) and why."""

    line: int
    reason: ExclusionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A radiograph and the DXA result of the same child.

    Parameters
    ----------
    line
        In the manifest; the header is line 1.
    path
        Of the DICOM file.
    listed
        The same as the manifest has it.
    patient, site
        Keys that group films; never printed.
    clinical
        As the service would read them.
    abmd_g_cm2, z
        Measured L1-L4 aBMD, and its Z by the training's reference.
    view, vendor, group, variant
        As the manifest has them, empty where it has none.
    acquired_on, dxa_on
        Days of film and DXA; None where the manifest has none. That of the film comes from its
        header where it is needed.
    spine_mask
        Picture of the film's spine; None where there is none.
    """

    line: int
    path: Path
    patient: str
    site: str
    clinical: ClinicalVariables
    abmd_g_cm2: float
    z: float
    listed: str = ""
    view: str = ""
    vendor: str = ""
    group: str = ""
    variant: str = ""
    acquired_on: date | None = None
    dxa_on: date | None = None
    spine_mask: Path | None = None

    @property
    def film(self) -> tuple[str, str]:
        """Patient and path, which tell a film from others in any table."""
        return self.patient, self.listed or self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as read: what is used, what is not, the SHA-256 of the file, and what to know."""

    pairs: tuple[Pair, ...]
    exclusions: tuple[Exclusion, ...]
    checksum: str
    notes: tuple[str, ...] = ()

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, in the manifest's order."""
        return tuple(dict.fromkeys(pair.patient for pair in self.pairs))


def read_manifest(
    path: Path,
    *,
    reference: BmdReference,
    growth: GrowthReference,
    age_years: tuple[float, float],
    pair_days: int | None = None,
    film_days: bool = False,
) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    path
        CSV in UTF-8, or Parquet, with at least `COLUMNS`; paths are relative to its folder. A
        column ``z`` is not read: Z follows from the aBMD by `reference`, so that both always agree.
        The same film in several rows is one with several DXAs: the nearest is taken.
    reference, growth
        What gives Z, and what height and weight are checked against.
    age_years
        Ages that the predictor is made for, from the first up to, and without, the second.
    pair_days
        Most days between film and DXA; None takes every pair. A row whose days are not known is
        left out; where no row gives the day of its DXA, all are taken, with a note.
    film_days
        Whether the day of every film must be known, as for a temporal test.

    Raises
    ------
    ConfigurationError
        There is no such file, a column is missing, or no row can be used.
    """
    content = _content(path)
    rows = _rows(path, content)
    dated = any(_text(row, "dxa_on") for row in rows)
    most_days = pair_days if dated else None
    pairs: list[Pair] = []
    exclusions: list[Exclusion] = []
    for line, row in enumerate(rows, start=2):
        outcome = _read_row(line, row, path.parent, reference, growth, age_years)
        if isinstance(outcome, Pair) and (film_days or most_days is not None):
            outcome = _on_its_day(outcome)
        if isinstance(outcome, Pair) and most_days is not None:
            outcome = _near_enough(outcome, most_days)
        if isinstance(outcome, Pair):
            pairs.append(outcome)
        else:
            exclusions.append(Exclusion(line=line, reason=outcome))
    pairs, twice = _one_of_each_film(pairs)
    exclusions = sorted([*exclusions, *twice], key=lambda exclusion: exclusion.line)
    if not pairs:
        raise ConfigurationError(
            f"manifest {path}: no row can be used; {describe_exclusions(exclusions)}"
        )
    undated = "no row says when its DXA was (dxa_on): every pair is taken as near enough"
    return Manifest(
        pairs=tuple(pairs),
        exclusions=tuple(exclusions),
        checksum=hashlib.sha256(content).hexdigest(),
        notes=(undated,) if pair_days is not None and not dated else (),
    )


def read_refused(path: Path) -> dict[str, list[Path]]:
    """Return the films of a manifest that must not be estimated, by their ``kind``.

    Raises
    ------
    ConfigurationError
        There is no such file, it has no column ``kind``, no such film, or a film is not there.
    """
    films: dict[str, list[Path]] = {}
    for row in _rows(path, _content(path), needed=("path", "kind")):
        kind = _text(row, "kind")
        if kind in {"", CHEST}:
            continue
        film = path.parent / _text(row, "path")
        if not film.is_file():
            raise ConfigurationError(f"manifest {path}: a film of kind {kind} is not there")
        films.setdefault(kind, []).append(film)
    if not films:
        raise ConfigurationError(f"manifest {path}: no film's kind says that it must not be scored")
    return films


def describe_exclusions(exclusions: Sequence[Exclusion]) -> str:
    """Return the exclusions counted by reason, in a line."""
    counts = Counter(exclusion.reason for exclusion in exclusions)
    listed = ", ".join(f"{reason.value} {count}" for reason, count in counts.most_common())
    return f"{len(exclusions)} rows excluded" + (f" ({listed})" if listed else "")


def write_exclusions(path: Path, manifest: Manifest, exclusions: Sequence[Exclusion]) -> None:
    """Write how many rows are used, and which are not and why, as JSON."""
    document = {
        "manifest_sha256": manifest.checksum,
        "rows": len(manifest.pairs) + len(manifest.exclusions),
        "excluded": len(exclusions),
        "by_reason": dict(Counter(exclusion.reason.value for exclusion in exclusions)),
        "lines": {str(exclusion.line): exclusion.reason.value for exclusion in exclusions},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"manifest {path}: {error.strerror}") from error


def _rows(
    path: Path, content: bytes, needed: Sequence[str] = COLUMNS
) -> Sequence[Mapping[str, str | None]]:
    """Return the rows as text, whatever the file's form; what is not known is empty or None."""
    rows: Sequence[Mapping[str, str | None]]
    if path.suffix.lower() in {".parquet", ".pq"}:
        try:
            frame = pd.read_parquet(io.BytesIO(content))
        except (ValueError, OSError) as error:
            raise ConfigurationError(f"manifest {path}: no Parquet that can be read") from error
        names: Sequence[str] = list(frame.columns)
        rows = [
            {name: "" if pd.isna(value) else str(value) for name, value in row.items()}
            for row in frame.to_dict(orient="records")
        ]
    else:
        try:
            reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
            names, rows = reader.fieldnames or (), list(reader)
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"manifest {path}: save it as UTF-8") from error
        except csv.Error as error:
            raise ConfigurationError(
                f"manifest {path}: no CSV that can be read: {error}"
            ) from error
    if missing := set(needed) - set(names):
        raise ConfigurationError(
            f"manifest {path}: columns missing: {', '.join(sorted(missing))}; columns are "
            "separated by commas"
        )
    return rows


def _on_its_day(pair: Pair) -> Pair | ExclusionReason:
    """Return a pair with the day of its film, from the header where the table has none."""
    if pair.acquired_on is not None:
        return pair
    try:
        day = film_day(pair.path)
    except PermanentError:
        return ExclusionReason.UNREADABLE_FILM
    return ExclusionReason.DATE_MISSING if day is None else replace(pair, acquired_on=day)


def _near_enough(pair: Pair, most_days: int) -> Pair | ExclusionReason:
    apart = days_apart(pair.acquired_on, pair.dxa_on)
    if apart is None:
        return ExclusionReason.DATE_MISSING
    return pair if apart <= most_days else ExclusionReason.DXA_TOO_FAR_APART


def _one_of_each_film(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Exclusion]]:
    """Return each film with its nearest DXA, or its first row where no day is known."""
    rows_of: dict[Path, list[Pair]] = {}
    for pair in pairs:
        rows_of.setdefault(pair.path, []).append(pair)
    kept, excluded = [], []
    for rows in rows_of.values():
        apart = [days_apart(row.acquired_on, row.dxa_on) for row in rows]
        taken = rows[nearest(apart)]
        kept.append(taken)
        for row, days in zip(rows, apart, strict=True):
            if row is taken:
                continue
            reason = ExclusionReason.NEARER_DXA
            if days is None or row.dxa_on == taken.dxa_on:
                reason = ExclusionReason.SAME_FILE_TWICE
            excluded.append(Exclusion(line=row.line, reason=reason))
    return sorted(kept, key=lambda pair: pair.line), excluded


def _read_row(
    line: int,
    row: Mapping[str, str | None],
    folder: Path,
    reference: BmdReference,
    growth: GrowthReference,
    age_years: tuple[float, float],
) -> Pair | ExclusionReason:
    age, abmd = _number(row["age_years"]), _number(row["abmd_g_cm2"])
    patient, name, sex, view = (_text(row, key) for key in ("patient", "path", "sex", "view"))
    if not patient or not name or sex not in tuple(Sex) or age is None or abmd is None:
        return ExclusionReason.VALUE_MISSING
    if _text(row, "kind") not in {"", CHEST}:
        return ExclusionReason.MUST_NOT_BE_ESTIMATED
    if view not in ("", *View):
        return ExclusionReason.NOT_FRONTAL
    if abmd <= 0:
        return ExclusionReason.ABMD_IMPLAUSIBLE
    if not age_years[0] <= age < age_years[1]:
        return ExclusionReason.AGE_OUTSIDE_RANGE
    try:
        z = reference.z_score(sex=Sex(sex), age_years=age, abmd_g_cm2=abmd)
    except OutsideReference:
        return ExclusionReason.AGE_OUTSIDE_RANGE
    if not PLAUSIBLE_Z[0] <= z <= PLAUSIBLE_Z[1]:
        return ExclusionReason.ABMD_IMPLAUSIBLE
    film = folder / name
    if not film.is_file():
        return ExclusionReason.FILE_MISSING
    height_cm = _number(row["height_cm"])
    mask = _text(row, "spine_mask")
    return Pair(
        line=line,
        path=film,
        listed=name,
        patient=patient,
        site=_text(row, "site"),
        clinical=clinical_variables(
            age_years=age,
            sex=Sex(sex),
            patient_size=None if height_cm is None else height_cm / _CM_PER_M,
            patient_weight=_number(row["weight_kg"]),
            growth=growth,
        ),
        abmd_g_cm2=abmd,
        z=z,
        view=view,
        vendor=_text(row, "vendor"),
        group=_text(row, "group"),
        variant=_text(row, "variant"),
        acquired_on=_day(_text(row, "acquired_on")),
        dxa_on=_day(_text(row, "dxa_on")),
        spine_mask=folder / mask if mask and (folder / mask).is_file() else None,
    )


def _text(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
