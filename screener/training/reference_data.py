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
#: Likewise of ages, years, and heights, cm.
_PLAUSIBLE_AGES = (0.0, 25.0)
_PLAUSIBLE_HEIGHTS = (40.0, 230.0)

#: A file of NHANES is known by a column that no other has.
_NHANES_MARKS = {"DXXSPN": "DXXOSBMD", "DEMO": "RIAGENDR", "BMX": "BMXHT"}
_NHANES_AGES = (8.0, 20.0)
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Measured children, ``[n]`` each; a height is not a number where it is unknown.

    Parameters
    ----------
    left_out
        Counts of rows, or of heights alone, that could not be used, by reason.
    synthetic
        Whether the table says of itself that its children were computed.
    years
        When they were measured, such as ``2005-10``, where the files say so.
    """

    sex: npt.NDArray[np.str_]
    age_years: Floats
    abmd_g_cm2: Floats
    height_cm: Floats
    left_out: dict[str, int]
    synthetic: bool = False
    years: str | None = None

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
        CSV with `COLUMNS` (sex M or F, decimal years, g/cm2), and ``height_cm`` if it is known. A
        table that holds the word synthetic in any cell or column, as a manifest of the phantom
        does, is one of computed children.

    Raises
    ------
    ConfigurationError
        There is no such file, a column is missing, or no row can be used.
    """
    try:
        frame = pd.read_csv(path, dtype="string")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"measurements {path}: cannot be read: {error}") from error
    if missing := set(COLUMNS) - set(frame.columns):
        raise ConfigurationError(
            f"measurements {path}: columns missing: {', '.join(sorted(missing))}"
        )
    synthetic = _calls_itself_synthetic(frame)
    if "height_cm" not in frame.columns:
        frame["height_cm"] = math.nan
    return _checked(frame, f"measurements {path}", synthetic=synthetic)


def read_nhanes(paths: Sequence[Path]) -> Measured:
    """Read lumbar spine DXA of NHANES: files DXXSPN, DEMO and BMX of one cycle or more.

    Parameters
    ----------
    paths
        SAS transport files, in any order; which is which, their columns say.

    Raises
    ------
    ConfigurationError
        A file cannot be read or is none of these, one of the three is missing, one is given twice,
        or no child is left.

    Notes
    -----
    Total spine is DXXOSBMD (g/cm2, Hologic); scans whose status DXASPNST is not 1 (all vertebrae
    valid) are left out. The age is that at the examination in months, RIDAGEEX, else that at the
    interview, RIDAGEMN, else RIDAGEYR and a half. Survey weights are not used: the curve is that of
    the children measured. Source: NHANES 2005-2010 codebooks DXXSPN_D, _E, _F and DEMO_D, _E, _F.
    """
    kinds: dict[str, list[pd.DataFrame]] = {name: [] for name in _NHANES_MARKS}
    for path in paths:
        kind, frame = _nhanes_file(path)
        kinds[kind].append(frame)
    if absent := [name for name, frames in kinds.items() if not frames]:
        raise ConfigurationError(f"NHANES files missing: {', '.join(absent)}")
    left_out = {"scan not valid": 0}
    for i, frame in enumerate(kinds["DXXSPN"]):
        if "DXASPNST" in frame.columns:
            valid = frame["DXASPNST"] == 1
            left_out["scan not valid"] += int((~valid).sum())
            kinds["DXXSPN"][i] = frame[valid]
    spine, people, body = (pd.concat(frames, ignore_index=True) for frames in kinds.values())
    for name, frame in zip(kinds, (spine, people, body), strict=True):
        if frame["SEQN"].duplicated().any():
            raise ConfigurationError(f"NHANES: a person stands in two {name} files; is one twice?")
    joined = spine[["SEQN", "DXXOSBMD"]].merge(people, on="SEQN")
    joined = joined.merge(body[["SEQN", "BMXHT"]], on="SEQN", how="left")
    left_out["not in DEMO"] = len(spine) - len(joined)
    frame = pd.DataFrame(
        {
            "sex": joined["RIAGENDR"].map({1: Sex.MALE.value, 2: Sex.FEMALE.value}),
            "age_years": _nhanes_age(joined),
            "abmd_g_cm2": joined["DXXOSBMD"],
            "height_cm": joined["BMXHT"],
        }
    )
    low, high = _NHANES_AGES
    outside = (frame["age_years"] < low) | (frame["age_years"] >= high)
    left_out["not 8 to 19 years"] = int(outside.sum())
    return _checked(frame[~outside], "NHANES", left_out, years=_nhanes_years(people))


def _nhanes_file(path: Path) -> tuple[str, pd.DataFrame]:
    try:
        frame = pd.read_sas(path, format="xport")
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no file {path}") from error
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"{path}: no SAS transport file that can be read: {error}"
        ) from error
    kind = next((name for name, mark in _NHANES_MARKS.items() if mark in frame.columns), None)
    if kind is None or "SEQN" not in frame.columns:
        raise ConfigurationError(f"{path}: it is none of DXXSPN, DEMO and BMX of NHANES")
    return kind, frame


def _nhanes_age(joined: pd.DataFrame) -> pd.Series:
    """Return decimal years: completed months, or years, are half of one more on average."""
    age = pd.Series(math.nan, index=joined.index)
    for column, per_year in (
        ("RIDAGEEX", _MONTHS_PER_YEAR),
        ("RIDAGEMN", _MONTHS_PER_YEAR),
        ("RIDAGEYR", 1),
    ):
        if column in joined.columns:
            age = age.fillna((joined[column] + 0.5) / per_year)
    return age


def _nhanes_years(people: pd.DataFrame) -> str | None:
    """Return the years of the cycles: release 4 is 2005-06, and each is two years."""
    if "SDDSRVYR" not in people.columns or people["SDDSRVYR"].isna().any():
        return None
    releases = sorted({int(one) for one in people["SDDSRVYR"]})
    if releases != list(range(releases[0], releases[-1] + 1)):
        return None
    first, last = (1997 + 2 * release for release in (releases[0], releases[-1]))
    return f"{first}-{(last + 1) % 100:02d}"


def _calls_itself_synthetic(frame: pd.DataFrame) -> bool:
    no = {"", "0", "0.0", "no", "n", "false", "f"}
    for name in frame.columns:
        cells = frame[name].fillna("").str.strip().str.lower()
        if cells.str.contains("synthetic").any():
            return True
        if "synthetic" in name.lower() and not set(cells) <= no:
            return True
    return False


def _checked(
    frame: pd.DataFrame,
    where: str,
    left_out: dict[str, int] | None = None,
    *,
    synthetic: bool = False,
    years: str | None = None,
) -> Measured:
    reasons = dict(left_out or {})
    values = {
        name: pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for name in ("age_years", "abmd_g_cm2", "height_cm")
    }
    age, abmd, height = values.values()
    sex = frame["sex"].astype("string").str.strip().to_numpy(dtype=str, na_value="")
    tests = {
        "sex not M or F": ~np.isin(sex, [one.value for one in Sex]),
        "age or aBMD missing": np.isnan(age) | np.isnan(abmd),
        "age not 0 to 25 years": _outside(age, _PLAUSIBLE_AGES),
        "aBMD implausible": _outside(abmd, _PLAUSIBLE_ABMD),
    }
    kept = np.ones(len(sex), bool)
    for reason, wrong in tests.items():
        reasons[reason] = int((kept & wrong).sum())
        kept &= ~wrong
    odd = kept & _outside(height, _PLAUSIBLE_HEIGHTS)
    reasons["height implausible (the child is kept)"] = int(odd.sum())
    counted = {reason: count for reason, count in reasons.items() if count}
    if not kept.any():
        raise ConfigurationError(
            f"{where}: no row can be used; "
            + ", ".join(f"{reason} {count}" for reason, count in counted.items())
        )
    return Measured(
        sex=sex[kept],
        age_years=age[kept],
        abmd_g_cm2=abmd[kept],
        height_cm=np.where(odd, np.nan, height)[kept],
        left_out=counted,
        synthetic=synthetic,
        years=years,
    )


def _outside(values: Floats, bounds: tuple[float, float]) -> npt.NDArray[np.bool_]:
    return np.asarray((values < bounds[0]) | (values > bounds[1]))
