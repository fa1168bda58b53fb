"""Measured children for a reference: a table of a site's own, or the files of NHANES."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex

Floats = npt.NDArray[np.float64]

#: Columns of a table of measurements; a height in cm may stand beside them.
COLUMNS = ("sex", "age_years", "abmd_g_cm2")

#: A lumbar aBMD that no child has, g/cm2: another unit, or an entry error.
_PLAUSIBLE_ABMD = (0.1, 2.0)
_NHANES_AGES = (8.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Measured children, ``[n]`` each; a height is not a number where it is unknown.

    `left_out` counts rows that could not be used, by reason.
    """

    sex: npt.NDArray[np.str_]
    age_years: Floats
    abmd_g_cm2: Floats
    height_cm: Floats
    left_out: dict[str, int]

    def __len__(self) -> int:
        """Return the number of children."""
        return len(self.sex)

    @property
    def has_heights(self) -> bool:
        """Whether any height is known."""
        return bool(np.isfinite(self.height_cm).any())


def read_measurements(path: Path) -> Measured:
    """Read a table of healthy children.

    Parameters
    ----------
    path
        CSV with `COLUMNS` (sex M or F, decimal years, g/cm2), and ``height_cm`` if it is known.

    Raises
    ------
    ConfigurationError
        There is no such file, a column is missing, or no row can be used.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"measurements {path}: cannot be read: {error}") from error
    if missing := set(COLUMNS) - set(frame.columns):
        raise ConfigurationError(
            f"measurements {path}: columns missing: {', '.join(sorted(missing))}"
        )
    if "height_cm" not in frame.columns:
        frame["height_cm"] = math.nan
    return _checked(frame, f"measurements {path}")


def read_nhanes(paths: Sequence[Path]) -> Measured:
    """Read lumbar spine DXA of NHANES: files DXXSPN, DEMO and BMX of one cycle or more.

    Parameters
    ----------
    paths
        SAS transport files, in any order; which is which, their columns say.

    Raises
    ------
    ConfigurationError
        A file cannot be read or is none of these, one of the three is missing, or no child is left.

    Notes
    -----
    Total spine is DXXOSBMD (g/cm2, Hologic); scans whose status DXASPNST is not 1 (valid) are left
    out. The age is that at the examination in months, RIDAGEEX, else RIDAGEMN. Survey weights are
    not used: the curve is that of the children measured. Source: NHANES 2005-2010 codebooks
    DXXSPN_D, _E, _F.
    """
    kinds: dict[str, list[pd.DataFrame]] = {"DXXSPN": [], "DEMO": [], "BMX": []}
    marks = {"DXXSPN": "DXXOSBMD", "DEMO": "RIAGENDR", "BMX": "BMXHT"}
    for path in paths:
        try:
            frame = pd.read_sas(path, format="xport")
        except (OSError, ValueError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path}: no SAS transport file that can be read: {error}"
            ) from error
        kind = next((name for name, mark in marks.items() if mark in frame.columns), None)
        if kind is None:
            raise ConfigurationError(f"{path}: it is none of DXXSPN, DEMO and BMX of NHANES")
        kinds[kind].append(frame)
    if absent := [name for name, frames in kinds.items() if not frames]:
        raise ConfigurationError(f"NHANES files missing: {', '.join(absent)}")
    spine, people, body = (pd.concat(frames, ignore_index=True) for frames in kinds.values())
    left_out: dict[str, int] = {}
    if "DXASPNST" in spine.columns:
        valid = spine["DXASPNST"] == 1
        left_out["scan not valid"] = int((~valid).sum())
        spine = spine[valid]
    joined = spine.merge(people, on="SEQN", suffixes=("", "_demo")).merge(
        body[["SEQN", "BMXHT"]], on="SEQN", how="left"
    )
    months = joined["RIDAGEEX"] if "RIDAGEEX" in joined.columns else joined["RIDAGEMN"]
    if "RIDAGEMN" in joined.columns:
        months = months.fillna(joined["RIDAGEMN"])
    frame = pd.DataFrame(
        {
            "sex": joined["RIAGENDR"].map({1: Sex.MALE.value, 2: Sex.FEMALE.value}),
            # a child is half a month older than its completed months, on average
            "age_years": (months + 0.5) / 12,
            "abmd_g_cm2": joined["DXXOSBMD"],
            "height_cm": joined["BMXHT"],
        }
    )
    inside = frame["age_years"].between(*_NHANES_AGES, inclusive="left")
    left_out["not 8 to 19 years"] = int((~inside).sum())
    return _checked(frame[inside], "NHANES", left_out)


def _checked(frame: pd.DataFrame, where: str, left_out: dict[str, int] | None = None) -> Measured:
    reasons = dict(left_out or {})
    values = {
        name: pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
        for name in ("age_years", "abmd_g_cm2", "height_cm")
    }
    sex = frame["sex"].astype("string").str.strip().to_numpy(dtype=str, na_value="")
    low, high = _PLAUSIBLE_ABMD
    tests = {
        "sex not M or F": ~np.isin(sex, [one.value for one in Sex]),
        "age or aBMD missing": np.isnan(values["age_years"]) | np.isnan(values["abmd_g_cm2"]),
        "aBMD implausible": (values["abmd_g_cm2"] < low) | (values["abmd_g_cm2"] > high),
    }
    kept = np.ones(len(sex), bool)
    for reason, wrong in tests.items():
        reasons[reason] = int((kept & wrong).sum())
        kept &= ~wrong
    if not kept.any():
        raise ConfigurationError(
            f"{where}: no row can be used; "
            + ", ".join(f"{reason} {count}" for reason, count in reasons.items() if count)
        )
    return Measured(
        sex=sex[kept],
        age_years=values["age_years"][kept],
        abmd_g_cm2=values["abmd_g_cm2"][kept],
        height_cm=values["height_cm"][kept],
        left_out={reason: count for reason, count in reasons.items() if count},
    )
