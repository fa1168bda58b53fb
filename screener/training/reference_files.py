"""`screener reference fit`: measurements become a reference's table, its facts and its pictures."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from screener.domain.patient import Sex
from screener.storage.references import check_reference_name, load_growth_reference
from screener.training.reference_data import Measured
from screener.training.reference_figures import draw_centiles, draw_worms
from screener.training.reference_fit import EDF, FittedReference, fit_reference
from screener.training.reference_height import HeightLine, fit_height

#: Coefficients of the height-adjusted Z, with their facts in a JSON file beside it.
HEIGHT_FILE = "height-adjustment.csv"
#: Years with fewer children of a sex are told: their centiles lean on their neighbours.
FEW_A_YEAR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a reference is called, and where it comes from."""

    name: str
    version: str
    device: str
    region: str
    source: str
    synthetic: bool


def write_reference(
    measured: Measured,
    out: Path,
    naming: Naming,
    *,
    edf: tuple[float, float, float] = EDF,
    inputs: Sequence[Path] = (),
) -> tuple[Path, FittedReference]:
    """Fit a reference and write it.

    Parameters
    ----------
    measured
        Healthy children.
    out
        Gets ``NAME.csv`` and ``NAME.json`` (a reference that `reference add` takes),
        ``centiles.png``, ``worm.png``, and with heights `HEIGHT_FILE` with its JSON.
    naming, edf
        Of the reference, which is synthetic where the children are; and of the fit.
    inputs
        Files that the measurements came from: their checksums are kept.

    Returns
    -------
    Path, FittedReference
        Of the table; and what it holds.

    Raises
    ------
    ConfigurationError
        Too few children, or the name cannot be one.
    """
    check_reference_name(naming.name, naming.version)
    naming = replace(naming, synthetic=naming.synthetic or measured.synthetic)
    fitted = fit_reference(measured, edf=edf)
    out.mkdir(parents=True, exist_ok=True)
    for earlier in (out / HEIGHT_FILE, (out / HEIGHT_FILE).with_suffix(".json")):
        earlier.unlink(missing_ok=True)
    table = out / f"{naming.name}.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sex", "age_years", "L", "M", "S"))
        for sex, one in fitted.sexes.items():
            c = one.curve
            for age, l, m, s in zip(c.ages_years, c.l, c.m, c.s, strict=True):  # noqa: E741
                writer.writerow((sex.value, f"{age:g}", f"{l:.4f}", f"{m:.5f}", f"{s:.5f}"))
    facts = {
        "name": naming.name,
        "version": naming.version,
        "device": naming.device,
        "region": naming.region,
        "source": naming.source,
        "synthetic": naming.synthetic,
        "fitted_on": datetime.now(UTC).date().isoformat(),
        "method": "LMS, penalised likelihood (Cole and Green 1992), cubic P-splines",
        "edf": {"L": edf[0], "M": edf[1], "S": edf[2]},
        "children": {sex.value: one.children for sex, one in fitted.sexes.items()},
        "per_year": {sex.value: one.per_year for sex, one in fitted.sexes.items()},
        "deviance": {sex.value: round(one.deviance, 2) for sex, one in fitted.sexes.items()},
        "bic": {sex.value: round(one.bic, 2) for sex, one in fitted.sexes.items()},
        "left_out": measured.left_out,
        "inputs": [
            {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in inputs
        ],
    }
    table.with_suffix(".json").write_text(
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    made_up = "synthetic: " if naming.synthetic else ""
    title = f"{made_up}{naming.name} {naming.version} ({naming.device}, {naming.region})"
    draw_centiles(out / "centiles.png", fitted.table, title=title, measured=measured)
    draw_worms(out / "worm.png", fitted, measured, title=title)
    if measured.has_heights:
        lines = fit_height(measured, fitted.table, load_growth_reference())
        _write_height(out / HEIGHT_FILE, lines, naming)
    return table, fitted


def thin_years(fitted: FittedReference) -> list[str]:
    """Return the years of which few children were measured, in words."""
    words = {Sex.MALE: "boys", Sex.FEMALE: "girls"}
    return [
        f"{words[sex]} of {year}: {count}"
        for sex, one in fitted.sexes.items()
        for year, count in one.per_year.items()
        if count < FEW_A_YEAR
    ]


def _write_height(path: Path, lines: Sequence[HeightLine], naming: Naming) -> None:
    if not lines:
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sex", "age_from", "age_to", "b0", "b1"))
        for line in lines:
            writer.writerow(
                (
                    line.sex.value,
                    f"{line.age_from:g}",
                    f"{line.age_to:g}",
                    f"{line.b0:.4f}",
                    f"{line.b1:.4f}",
                )
            )
    facts = {
        "name": f"{naming.name} height",
        "version": naming.version,
        "of_reference": f"{naming.name}@{naming.version}",
        "source": f"least squares of Z for age on CDC 2000 height Z; {naming.source}",
        "synthetic": naming.synthetic,
        "bands": [
            {
                "sex": line.sex.value,
                "age_from": line.age_from,
                "age_to": line.age_to,
                "children": line.children,
                "b0_standard_error": round(line.b0_error, 4),
                "b1_standard_error": round(line.b1_error, 4),
                "r2": round(line.r2, 4),
            }
            for line in lines
        ],
    }
    path.with_suffix(".json").write_text(
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
