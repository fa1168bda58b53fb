"""Reads BMD and growth references from their tables."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
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


def shipped_references() -> tuple[str, ...]:
    """Return the names of the BMD references that ship."""
    return tuple(sorted(path.stem for path in _REFERENCES.glob("*.csv")))


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
