"""The table of radiograph-DXA pairs: read, checked, and what is left out counted by reason."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from screener.domain.clinical import clinical_variables
from screener.domain.eligibility import View
from screener.domain.errors import ConfigurationError, OutsideReference
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.reference import BmdReference, GrowthReference

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
    patient, site
        Keys that group films; never printed.
    clinical
        As the service would read them.
    abmd_g_cm2, z
        Measured L1-L4 aBMD, and its Z by the training's reference.
    """

    line: int
    path: Path
    patient: str
    site: str
    clinical: ClinicalVariables
    abmd_g_cm2: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as read: what is used, what is not, and the SHA-256 of the file."""

    pairs: tuple[Pair, ...]
    exclusions: tuple[Exclusion, ...]
    checksum: str

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
) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    path
        CSV in UTF-8 with at least `COLUMNS`; paths are relative to its folder. A column ``z`` is
        not read: Z follows from the aBMD by `reference`, so that both always agree.
    reference, growth
        What gives Z, and what height and weight are checked against.
    age_years
        Ages that the predictor is made for, from the first up to, and without, the second.

    Raises
    ------
    ConfigurationError
        There is no such file, a column is missing, or no row can be used.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"manifest {path}: {error.strerror}") from error
    rows = csv.DictReader(content.decode("utf-8-sig").splitlines())
    if missing := set(COLUMNS) - set(rows.fieldnames or ()):
        raise ConfigurationError(f"manifest {path}: columns missing: {', '.join(sorted(missing))}")
    pairs: list[Pair] = []
    exclusions: list[Exclusion] = []
    seen: set[Path] = set()
    for line, row in enumerate(rows, start=2):
        outcome = _read_row(line, row, path.parent, reference, growth, age_years)
        if isinstance(outcome, Pair) and outcome.path in seen:
            outcome = ExclusionReason.SAME_FILE_TWICE
        if isinstance(outcome, Pair):
            seen.add(outcome.path)
            pairs.append(outcome)
        else:
            exclusions.append(Exclusion(line=line, reason=outcome))
    if not pairs:
        raise ConfigurationError(
            f"manifest {path}: no row can be used; {describe_exclusions(exclusions)}"
        )
    return Manifest(
        pairs=tuple(pairs),
        exclusions=tuple(exclusions),
        checksum=hashlib.sha256(content).hexdigest(),
    )


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


def _read_row(
    line: int,
    row: Mapping[str, str],
    folder: Path,
    reference: BmdReference,
    growth: GrowthReference,
    age_years: tuple[float, float],
) -> Pair | ExclusionReason:
    age, abmd = _number(row["age_years"]), _number(row["abmd_g_cm2"])
    patient, name, sex = row["patient"].strip(), row["path"].strip(), row["sex"].strip()
    if not patient or not name or sex not in tuple(Sex) or age is None or abmd is None:
        return ExclusionReason.VALUE_MISSING
    if row["view"].strip() not in ("", *View):
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
    return Pair(
        line=line,
        path=film,
        patient=patient,
        site=row["site"].strip(),
        clinical=clinical_variables(
            age_years=age,
            sex=Sex(sex),
            patient_size=None if height_cm is None else height_cm / _CM_PER_M,
            patient_weight=_number(row["weight_kg"]),
            growth=growth,
        ),
        abmd_g_cm2=abmd,
        z=z,
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text and text.strip() else None
    except ValueError:
        return None
