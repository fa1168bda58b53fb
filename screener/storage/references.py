"""Reads BMD and growth references from their tables, and keeps those that a site has added."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from screener.domain.errors import ConfigurationError, OutsideReference
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.domain.reference import (
    BmdReference,
    GrowthReference,
    HeightAdjustment,
    HeightBand,
)

#: Tables that ship with the package.
DATA_FOLDER = Path(__file__).parent.parent / "data"

_REFERENCES = DATA_FOLDER / "references"
_MONTHS_PER_YEAR = 12
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9._-]{1,32}")
_FACTS = ("name", "version", "device", "region", "source")
#: Of the lumbar spine, g/cm2, at -2 SD and +2 SD of any age.
_PLAUSIBLE_ABMD = (0.1, 2.0)
_LAST_AGE_YEARS = 25


def shipped_references() -> tuple[str, ...]:
    """Return the names of the BMD references that ship."""
    return tuple(sorted(path.stem for path in _REFERENCES.glob("*.csv")))


def added_references(folder: Path) -> tuple[str, ...]:
    """Return the references that a site has added, as ``NAME@VERSION``."""
    return tuple(sorted(path.stem for path in folder.glob("*@*.csv")))


def find_reference(name: str, folder: Path) -> str:
    """Return what `load_bmd_reference` takes for a name that ships or was added, or for a path.

    Parameters
    ----------
    name
        ``NAME``, ``NAME@VERSION`` or a path. A name alone is what ships, or the only version that
        was added.
    folder
        Of what was added.

    Raises
    ------
    ConfigurationError
        Several versions of the name were added.
    """
    if name in shipped_references():
        return name
    if (exact := folder / f"{name}.csv").is_file():
        return str(exact)
    versions = [one for one in added_references(folder) if one.partition("@")[0] == name]
    if len(versions) > 1:
        raise ConfigurationError(
            f"reference {name!r} has several versions: {', '.join(versions)}; name one of them"
        )
    return str(folder / f"{versions[0]}.csv") if versions else name


def check_reference_name(name: str, version: str) -> str:
    """Return ``NAME@VERSION``, by which an added reference is known.

    Raises
    ------
    ConfigurationError
        One of the two cannot be part of a file's name, or the name is one that ships.
    """
    known = f"{name}@{version}"
    if not _NAME.fullmatch(known):
        raise ConfigurationError(
            f"reference {known!r}: a name is 1 to 64, a version 1 to 32 letters (of English), "
            "digits, dots, - and _"
        )
    if name in shipped_references():
        raise ConfigurationError(f"reference {name!r} ships with this software: give another name")
    return known


def add_reference(folder: Path, table: Path, given: Mapping[str, object]) -> BmdReference:
    """Add a reference to a site's, checked; returns it.

    Parameters
    ----------
    folder
        Of what was added; made if need be.
    table
        CSV with the columns ``sex, age_years, L, M, S``. What a JSON file of the same name beside
        it says is kept.
    given
        ``name, version, device, region, source, synthetic``; None for what that JSON file says. A
        table that this calls synthetic stays so, whatever is given.

    Raises
    ------
    ConfigurationError
        The table is none, its values are no bone density, a fact is missing, name and version
        cannot be any, or another table stands under them.
    """
    beside = table.with_suffix(".json")
    try:
        content = table.read_bytes()
        kept = json.loads(beside.read_bytes()) if beside.is_file() else {}
    except OSError as error:
        raise ConfigurationError(f"reference {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"reference {beside}: {error}") from error
    if not isinstance(kept, dict):
        raise ConfigurationError(f"reference {beside}: it holds no facts of a table")
    facts = kept | {name: value for name, value in given.items() if value is not None}
    facts["synthetic"] = bool(kept.get("synthetic")) or bool(given.get("synthetic"))
    if missing := [name for name in _FACTS if not str(facts.get(name, "")).strip()]:
        raise ConfigurationError(f"reference {table}: give its {', '.join(missing)}")
    known = check_reference_name(str(facts["name"]), str(facts["version"]))
    document = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    reference = _reference(content, document, table)
    _refuse_implausible(reference, table)
    target = folder / f"{known}.csv"
    if target.is_file():
        if _holds(target, content, facts):
            return load_bmd_reference(str(target))
        raise ConfigurationError(
            f"reference {known} was added before with other values or facts: give this one another "
            "version"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # the table last: a reference without its facts is not seen
    for path, data in ((target.with_suffix(".json"), document), (target, content)):
        partial = path.with_suffix(path.suffix + ".part")
        partial.write_bytes(data)
        partial.replace(path)
    return reference


def load_bmd_reference(name_or_path: str) -> BmdReference:
    """Load a BMD reference: one that ships, by its name, or a site's own, by its path.

    Parameters
    ----------
    name_or_path
        A name of `shipped_references`, or a CSV file with the columns ``sex`` (M or F),
        ``age_years``, ``L``, ``M`` (g/cm2) and ``S``, with a JSON file of the same name beside it
        that holds ``name, version, device, region, source`` and ``synthetic``. For what was added
        by name, `find_reference` gives the path.

    Raises
    ------
    ConfigurationError
        The files are missing, or are not such a reference; says what is wrong with which.
    """
    path = _REFERENCES / f"{name_or_path}.csv"
    if not path.is_file():
        path = Path(name_or_path)
    facts_path = path.with_suffix(".json")
    for file in (path, facts_path):
        if not file.is_file():
            raise ConfigurationError(
                f"reference {name_or_path!r}: no file {file}; give a CSV with a JSON file beside "
                f"it, or one of: {', '.join(shipped_references())}"
            )
    return _reference(path.read_bytes(), facts_path.read_bytes(), path)


def _holds(target: Path, content: bytes, facts: Mapping[str, object]) -> bool:
    try:
        kept = json.loads(target.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(target.read_bytes() == content and kept == facts)


def _reference(content: bytes, facts_content: bytes, path: Path) -> BmdReference:
    try:
        facts = json.loads(facts_content)
        return BmdReference(
            name=str(facts["name"]),
            version=str(facts["version"]),
            device=str(facts["device"]),
            region=str(facts["region"]),
            source=str(facts["source"]),
            synthetic=bool(facts["synthetic"]),
            table=_table(content, "age_years", ("L", "M", "S")),
            checksum=hashlib.sha256(content + facts_content).hexdigest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"reference {path}: {error}") from error


def _refuse_implausible(reference: BmdReference, path: Path) -> None:
    """Refuse ages in months, values in another unit, and S or L that are none."""
    low, high = _PLAUSIBLE_ABMD
    for sex, curve in reference.table.curves.items():
        if curve.ages_years[0] < 0 or curve.ages_years[-1] > _LAST_AGE_YEARS:
            raise ConfigurationError(
                f"reference {path}: ages of sex {sex.value} from {curve.ages_years[0]:g} to "
                f"{curve.ages_years[-1]:g} are no children's in years"
            )
        for age in curve.ages_years:
            try:
                minus, median, plus = (
                    reference.abmd_g_cm2(sex=sex, age_years=age, z_score=z) for z in (-2.0, 0, 2.0)
                )
            except (OutsideReference, OverflowError):
                minus = median = plus = math.nan
            if not low <= minus < median < plus <= high:
                raise ConfigurationError(
                    f"reference {path}: sex {sex.value} at {age:g} years: median {median:.3g}, "
                    f"-2 SD {minus:.3g} and +2 SD {plus:.3g} are no aBMD in g/cm2, which lies "
                    f"between {low:g} and {high:g}"
                )


def load_growth_reference() -> GrowthReference:
    """Load the CDC 2000 charts of height, weight and BMI for age, 2 to 20 years."""
    content = (DATA_FOLDER / "cdc2000_lms_2to20y.csv").read_bytes()

    def table(measure: str) -> LmsTable:
        return _table(content, "age_months", tuple(f"{letter}_{measure}" for letter in "LMS"))

    return GrowthReference(
        name="CDC 2000",
        height_cm=table("height_cm"),
        weight_kg=table("weight_kg"),
        bmi_kg_m2=table("bmi"),
    )


def load_height_adjustment(path: Path) -> HeightAdjustment:
    """Load a site's coefficients for the height-adjusted Z.

    Parameters
    ----------
    path
        CSV with the columns ``sex`` (M or F), ``age_from``, ``age_to`` (years), ``b0`` and ``b1``,
        with a JSON file of the same name beside it that holds ``name, version, source``, and
        ``synthetic`` where it is of computed children.

    Raises
    ------
    ConfigurationError
        The files are missing, or are not such coefficients; says what is wrong with which.
    """
    facts_path = path.with_suffix(".json")
    for file in (path, facts_path):
        if not file.is_file():
            raise ConfigurationError(f"height adjustment: there is no file {file}")
    content, facts_content = path.read_bytes(), facts_path.read_bytes()
    try:
        facts = json.loads(facts_content)
        names = ("age_from", "age_to", "b0", "b1")
        bands = tuple(
            HeightBand(sex=sex, **dict(zip(names, values, strict=True)))
            for sex, values in _rows(content, names)
        )
        _refuse_bad_bands(bands)
        return HeightAdjustment(
            name=str(facts["name"]),
            version=str(facts["version"]),
            source=str(facts["source"]),
            checksum=hashlib.sha256(content + facts_content).hexdigest(),
            bands=bands,
            synthetic=bool(facts.get("synthetic", False)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"height adjustment {path}: {error}") from error


def _refuse_bad_bands(bands: Sequence[HeightBand]) -> None:
    for band in bands:
        if not band.age_from < band.age_to:
            raise ValueError(f"age_from {band.age_from:g} is not below age_to {band.age_to:g}")
    for a, b in combinations(bands, 2):
        if a.sex is b.sex and a.age_from < b.age_to and b.age_from < a.age_to:
            raise ValueError(
                f"bands of sex {a.sex.value} overlap: {a.age_from:g} to {a.age_to:g} and "
                f"{b.age_from:g} to {b.age_to:g} years"
            )


def _table(content: bytes, age_column: str, columns: tuple[str, ...]) -> LmsTable:
    per_year = _MONTHS_PER_YEAR if age_column == "age_months" else 1
    rows: dict[Sex, list[tuple[float, ...]]] = defaultdict(list)
    for sex, (age, *values) in _rows(content, (age_column, *columns)):
        rows[sex].append((age / per_year, *values))
    curves = {}
    for sex, of_sex in rows.items():
        ages, l, m, s = zip(*sorted(of_sex), strict=True)  # noqa: E741 - the field's own letter
        curves[sex] = LmsCurve(ages_years=ages, l=l, m=m, s=s)
    return LmsTable(curves=curves)


def _rows(content: bytes, columns: tuple[str, ...]) -> list[tuple[Sex, tuple[float, ...]]]:
    """Read rows of a sex and finite numbers, or raise `ValueError` with the line that is wrong."""
    reader = csv.DictReader(content.decode("utf-8-sig").splitlines())
    if missing := [name for name in ("sex", *columns) if name not in (reader.fieldnames or ())]:
        raise ValueError(f"columns missing: {', '.join(map(repr, missing))}")
    rows = []
    for row in reader:
        try:
            values = tuple(float(row[name] or "") for name in columns)
            sex = Sex(row["sex"])
        except ValueError as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None
        if not all(map(math.isfinite, values)):
            raise ValueError(f"line {reader.line_num}: a value is not a number")
        rows.append((sex, values))
    if not rows:
        raise ValueError("the table has no rows")
    return rows
