"""What a network says of films that it has not learnt from, in one table that needs no GPU again.

Calibration, thresholds, intervals and evaluation read this table; none of them asks the network.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.predictor.facts import MISSING_PATTERNS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Column of the raw Z under each pattern of missing variables, by the pattern's name in the card.
RAW_COLUMNS: Mapping[str, str] = {
    name: "raw_z" if name == "none" else "raw_z_without_" + name.replace(" ", "_")
    for name in MISSING_PATTERNS.values()
}

_TEXTS = ("path", "patient", "site", "vendor", "view", "sex", "kind", "group", "variant")
_NUMBERS = ("age_years", "height_z", "z", "abmd_g_cm2", "raw_low_logit", "on_spine", "spine_area")
_FLAGS = ("height_known", "weight_known")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionTable:
    """One row per film; `[n]` each.

    Parameters
    ----------
    path, patient, site, vendor, view, sex, kind, group, variant
        As the manifest has them; empty where it has none.
    age_years
        Decimal years.
    height_z
        Height-for-age Z; not a number where the height is unknown or off the chart.
    height_known, weight_known
        Whether the network may be told.
    z, abmd_g_cm2
        The measured truth: reference SDs, and g/cm2 of L1-L4.
    raw_z
        The network's Z before calibration, by pattern of missing variables (the names of
        `MISSING_PATTERNS`). ``none`` is told all that is known of the film: a height that nobody
        knows is missing there, too.
    raw_low_logit
        The auxiliary head's logit of Z <= -2, told all that is known.
    on_spine, spine_area
        Share of the positive attribution inside the spine, and the spine's share of the input
        field; not a number where the spine is not known.
    """

    path: tuple[str, ...]
    patient: tuple[str, ...]
    site: tuple[str, ...]
    vendor: tuple[str, ...]
    view: tuple[str, ...]
    sex: tuple[str, ...]
    kind: tuple[str, ...]
    group: tuple[str, ...]
    variant: tuple[str, ...]
    age_years: Floats
    height_z: Floats
    height_known: Flags
    weight_known: Flags
    z: Floats
    abmd_g_cm2: Floats
    raw_z: Mapping[str, Floats]
    raw_low_logit: Floats
    on_spine: Floats
    spine_area: Floats

    def __len__(self) -> int:
        """Return the number of films."""
        return len(self.patient)

    @property
    def sexes(self) -> tuple[Sex, ...]:
        """Each child's sex."""
        return tuple(Sex(sex) for sex in self.sex)

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> PredictionTable:
        """Return the table of some films, in the order given."""
        picked = [int(row) for row in rows]
        columns: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in picked) for name in _TEXTS
        }
        columns |= {name: getattr(self, name)[picked] for name in (*_NUMBERS, *_FLAGS)}
        raw = {name: values[picked] for name, values in self.raw_z.items()}
        return PredictionTable(**columns, raw_z=raw)


def joined(tables: Sequence[PredictionTable]) -> PredictionTable:
    """Return several tables below one another."""
    columns: dict[str, Any] = {
        name: tuple(text for table in tables for text in getattr(table, name)) for name in _TEXTS
    }
    columns |= {
        name: np.concatenate([getattr(table, name) for table in tables])
        for name in (*_NUMBERS, *_FLAGS)
    }
    raw = {name: np.concatenate([t.raw_z[name] for t in tables]) for name in RAW_COLUMNS}
    return PredictionTable(**columns, raw_z=raw)


def write_table(path: Path, table: PredictionTable) -> None:
    """Write a table as CSV; what is not known stays empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_TEXTS, *_NUMBERS, *_FLAGS, *RAW_COLUMNS.values()))
        for i in range(len(table)):
            numbers = [getattr(table, name)[i] for name in _NUMBERS]
            raw = [table.raw_z[name][i] for name in RAW_COLUMNS]
            writer.writerow(
                (
                    *(getattr(table, name)[i] for name in _TEXTS),
                    *("" if math.isnan(number) else f"{number:.6g}" for number in numbers),
                    *(int(getattr(table, name)[i]) for name in _FLAGS),
                    *(f"{value:.6f}" for value in raw),
                )
            )


def read_table(path: Path) -> PredictionTable:
    """Read a table.

    Raises
    ------
    ConfigurationError
        There is no such file, or it is no table of predictions; says what is wrong.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"predictions {path}: cannot be read: {error}") from error
    wanted = (*_TEXTS, *_NUMBERS, *_FLAGS, *RAW_COLUMNS.values())
    if not rows or (missing := set(wanted) - set(rows[0])):
        what = f"columns missing: {', '.join(sorted(missing))}" if rows else "it has no rows"
        raise ConfigurationError(
            f"predictions {path}: {what}; `screener train` and `screener calibrate` write it"
        )
    try:
        columns: dict[str, Any] = {name: tuple(row[name] for row in rows) for name in _TEXTS}
        columns |= {name: _numbers(rows, name) for name in _NUMBERS}
        columns |= {name: np.array([bool(int(row[name])) for row in rows]) for name in _FLAGS}
        raw = {name: _numbers(rows, column) for name, column in RAW_COLUMNS.items()}
    except ValueError as error:
        raise ConfigurationError(f"predictions {path}: {error}") from error
    return PredictionTable(**columns, raw_z=raw)


def _numbers(rows: Sequence[Mapping[str, str]], name: str) -> Floats:
    return np.array([float(row[name] or "nan") for row in rows], np.float64)
