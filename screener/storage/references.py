"""Reads BMD and growth references from their tables, and keeps those that a site has added."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from screener.domain.errors import ConfigurationError
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
#: Medians of the lumbar spine, g/cm2, that any child or adult can have.
_LEAST_ABMD, _MOST_ABMD = 0.1, 2.0


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


def add_reference(folder: Path, table: Path, facts: Mapping[str, object]) -> BmdReference:
    """Add a reference to a site's, checked; returns it.

    Parameters
    ----------
    folder
        Of what was added; made if need be.
    table
        CSV with the columns ``sex, age_years, L, M, S``.
    facts
        ``name, version, device, region, source, synthetic``.

    Raises
    ------
    ConfigurationError
        The table is none, its values are no bone density, a word of the facts cannot be a name, or
        another table stands under this name and version.
    """
    name = f"{facts['name']}@{facts['version']}"
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"reference {name!r}: name and version are letters, digits, dots, - and _"
        )
    try:
        content = table.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"reference table {table}: {error.strerror}") from error
    document = (json.dumps(dict(facts), indent=2, ensure_ascii=False) + "\n").encode()
    with tempfile.TemporaryDirectory() as scratch:
        tried = Path(scratch, "table.csv")
        tried.write_bytes(content)
        tried.with_suffix(".json").write_bytes(document)
        reference = load_bmd_reference(str(tried))
    for sex, curve in reference.table.curves.items():
        low, high = min(curve.m), max(curve.m)
        if not _LEAST_ABMD <= low <= high <= _MOST_ABMD:
            raise ConfigurationError(
                f"reference table {table}: medians of sex {sex.value} from {low:g} to {high:g} are "
                "no aBMD in g/cm2"
            )
    target = folder / f"{name}.csv"
    if target.is_file() and (
        target.read_bytes() != content or target.with_suffix(".json").read_bytes() != document
    ):
        raise ConfigurationError(
            f"reference {name} was added before with other values: give this one another version"
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
        that holds ``name, version, device, region, source`` and ``synthetic``.

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
    content, facts_content = path.read_bytes(), facts_path.read_bytes()
    try:
        facts = json.loads(facts_content)
        table = _table(content, "age_years", ("L", "M", "S"))
        return BmdReference(
            name=str(facts["name"]),
            version=str(facts["version"]),
            device=str(facts["device"]),
            region=str(facts["region"]),
            source=str(facts["source"]),
            synthetic=bool(facts["synthetic"]),
            table=table,
            checksum=hashlib.sha256(content + facts_content).hexdigest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"reference {path}: {error}") from error


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
        with a JSON file of the same name beside it that holds ``name, version`` and ``source``.

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
        bands = tuple(
            HeightBand(
                sex=Sex(row["sex"]),
                age_from=float(row["age_from"]),
                age_to=float(row["age_to"]),
                b0=float(row["b0"]),
                b1=float(row["b1"]),
            )
            for row in csv.DictReader(content.decode("utf-8-sig").splitlines())
        )
        return HeightAdjustment(
            name=str(facts["name"]),
            version=str(facts["version"]),
            source=str(facts["source"]),
            checksum=hashlib.sha256(content + facts_content).hexdigest(),
            bands=bands,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"height adjustment {path}: {error}") from error


def _table(content: bytes, age_column: str, columns: tuple[str, ...]) -> LmsTable:
    per_year = _MONTHS_PER_YEAR if age_column == "age_months" else 1
    rows: dict[Sex, list[tuple[float, ...]]] = defaultdict(list)
    for row in csv.DictReader(content.decode("utf-8-sig").splitlines()):
        age = float(row[age_column]) / per_year
        rows[Sex(row["sex"])].append((age, *(float(row[column]) for column in columns)))
    if not rows:
        raise ValueError("the table has no rows")
    curves = {}
    for sex, values in rows.items():
        ages, l, m, s = zip(*sorted(values), strict=True)  # noqa: E741 - the field's own letter
        curves[sex] = LmsCurve(ages_years=ages, l=l, m=m, s=s)
    return LmsTable(curves=curves)
