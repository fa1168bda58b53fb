"""Rows of a manifest: read, or excluded for a reason."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Absence
from screener.domain.reference import BmdReference
from screener.storage.references import load_growth_reference
from screener.training.manifest import (
    COLUMNS,
    ExclusionReason,
    Manifest,
    describe_exclusions,
    read_manifest,
    read_refused,
    write_exclusions,
)
from tests.unit.training.conftest import write_toy_film

GOOD = {
    "path": "a.dcm",
    "patient": "one",
    "site": "A",
    "view": "PA",
    "age_years": "10.5",
    "sex": "F",
    "height_cm": "140",
    "weight_kg": "33",
    "abmd_g_cm2": "0.55",
}


def write(folder: Path, *rows: dict[str, str]) -> Path:
    for name in ("a.dcm", "b.dcm"):
        (folder / name).write_bytes(b"")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "manifest.csv"


def read(path: Path, reference: BmdReference) -> Manifest:
    return read_manifest(
        path, reference=reference, growth=load_growth_reference(), age_years=(3.0, 18.0)
    )


def test_row_becomes_a_pair_with_the_references_z(tmp_path: Path, reference: BmdReference) -> None:
    manifest = read(write(tmp_path, GOOD), reference)

    (pair,) = manifest.pairs
    assert (pair.path, pair.listed) == (tmp_path / "a.dcm", "a.dcm")
    assert pair.clinical.height_m.value == pytest.approx(1.40)
    assert pair.z == pytest.approx(
        reference.z_score(sex=pair.clinical.sex, age_years=10.5, abmd_g_cm2=0.55)
    )
    assert not manifest.exclusions


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"age_years": ""}, ExclusionReason.VALUE_MISSING),
        ({"age_years": "ten"}, ExclusionReason.VALUE_MISSING),
        ({"patient": " "}, ExclusionReason.VALUE_MISSING),
        ({"sex": "O"}, ExclusionReason.VALUE_MISSING),
        ({"abmd_g_cm2": "-"}, ExclusionReason.VALUE_MISSING),
        ({"abmd_g_cm2": "nan"}, ExclusionReason.VALUE_MISSING),
        ({"age_years": "inf"}, ExclusionReason.VALUE_MISSING),
        ({"path": "c.dcm"}, ExclusionReason.FILE_MISSING),
        ({"path": "a.dcm"}, ExclusionReason.SAME_FILE_TWICE),
        ({"view": "LATERAL"}, ExclusionReason.NOT_FRONTAL),
        ({"age_years": "2.9"}, ExclusionReason.AGE_OUTSIDE_RANGE),
        ({"age_years": "18.0"}, ExclusionReason.AGE_OUTSIDE_RANGE),
        ({"abmd_g_cm2": "0"}, ExclusionReason.ABMD_IMPLAUSIBLE),
        ({"abmd_g_cm2": "550"}, ExclusionReason.ABMD_IMPLAUSIBLE),
    ],
)
def test_row_that_cannot_be_used_says_why(
    tmp_path: Path, reference: BmdReference, changes: dict[str, str], reason: ExclusionReason
) -> None:
    path = write(tmp_path, GOOD, {**GOOD, "path": "b.dcm", **changes})

    manifest = read(path, reference)

    assert [pair.line for pair in manifest.pairs] == [2]
    assert [(e.line, e.reason) for e in manifest.exclusions] == [(3, reason)]


def test_missing_height_and_weight_are_missing_and_no_reason_to_exclude(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = write(tmp_path, {**GOOD, "height_cm": "", "weight_kg": "0", "view": ""})

    (pair,) = read(path, reference).pairs

    assert pair.clinical.height_m.absence is Absence.NOT_GIVEN
    assert pair.clinical.weight_kg.absence is Absence.ZERO


def test_manifest_without_a_column_is_refused(tmp_path: Path, reference: BmdReference) -> None:
    (tmp_path / "manifest.csv").write_text("path,patient\na.dcm,one\n")

    with pytest.raises(ConfigurationError, match="abmd_g_cm2"):
        read(tmp_path / "manifest.csv", reference)


def test_manifest_that_is_not_there_is_refused(tmp_path: Path, reference: BmdReference) -> None:
    with pytest.raises(ConfigurationError, match=r"manifest\.csv"):
        read(tmp_path / "manifest.csv", reference)


def test_manifest_of_which_nothing_can_be_used_is_refused_with_the_counts(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = write(tmp_path, {**GOOD, "sex": ""}, {**GOOD, "age_years": "40"})

    with pytest.raises(ConfigurationError, match="2 rows excluded"):
        read(path, reference)


def test_exclusions_are_counted_and_written(tmp_path: Path, reference: BmdReference) -> None:
    manifest = read(write(tmp_path, GOOD, GOOD, {**GOOD, "sex": "x"}), reference)

    write_exclusions(tmp_path / "excluded.json", manifest, manifest.exclusions)

    written = json.loads((tmp_path / "excluded.json").read_text())
    assert (written["rows"], written["excluded"]) == (3, 2)
    assert written["lines"] == {"3": "SAME_FILE_TWICE", "4": "VALUE_MISSING"}
    assert "SAME_FILE_TWICE 1" in describe_exclusions(manifest.exclusions)


def write_wide(folder: Path, *rows: dict[str, str], name: str = "wide.csv") -> Path:
    """Write rows with further columns, as CSV or Parquet."""
    for film in ("a.dcm", "b.dcm"):
        (folder / film).write_bytes(b"")
    frame = pd.DataFrame([GOOD | row for row in rows]).fillna("")
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


def read_within(path: Path, reference: BmdReference, days: int) -> Manifest:
    return read_manifest(
        path,
        reference=reference,
        growth=load_growth_reference(),
        age_years=(3.0, 18.0),
        pair_days=days,
    )


def test_parquet_is_read_as_csv_is(tmp_path: Path, reference: BmdReference) -> None:
    rows = ({"vendor": "Make 1", "weight_kg": ""}, {"path": "b.dcm", "patient": "two"})

    (a, b), (c, d) = (
        read(write_wide(tmp_path, *rows, name=name), reference).pairs
        for name in ("wide.csv", "wide.parquet")
    )

    assert (a, b) == (c, d)
    assert a.vendor == "Make 1"
    assert a.clinical.weight_kg.absence is Absence.NOT_GIVEN


def test_rows_that_end_early_lack_what_they_end_before(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = write(tmp_path, GOOD, {**GOOD, "path": "b.dcm"})
    header, first, second = path.read_text().splitlines()
    path.write_text("\n".join([header, first, second.rsplit(",", 7)[0]]) + "\n")

    manifest = read(path, reference)

    assert [e.reason for e in manifest.exclusions] == [ExclusionReason.VALUE_MISSING]


def test_text_in_quotes_may_hold_commas_and_lines(tmp_path: Path, reference: BmdReference) -> None:
    path = write(tmp_path, {**GOOD, "site": "North,\nold wing"}, {**GOOD, "path": "b.dcm"})

    pairs = read(path, reference).pairs

    assert [pair.site for pair in pairs] == ["North,\nold wing", "A"]


def test_what_is_no_csv_is_refused(tmp_path: Path, reference: BmdReference) -> None:
    path = write(tmp_path, {**GOOD, "site": "x" * 200_000})

    with pytest.raises(ConfigurationError, match="no CSV that can be read"):
        read(path, reference)


def test_numbers_of_a_parquet_file_need_not_be_text(
    tmp_path: Path, reference: BmdReference
) -> None:
    (tmp_path / "a.dcm").write_bytes(b"")
    numbers = GOOD | {"age_years": 10.5, "height_cm": float("nan"), "abmd_g_cm2": 0.55}
    pd.DataFrame([numbers]).to_parquet(tmp_path / "n.parquet")

    (pair,) = read(tmp_path / "n.parquet", reference).pairs

    assert pair.abmd_g_cm2 == 0.55
    assert pair.clinical.height_m.absence is Absence.NOT_GIVEN


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, reference: BmdReference) -> None:
    (tmp_path / "x.parquet").write_bytes(b"nothing")

    with pytest.raises(ConfigurationError, match="Parquet"):
        read(tmp_path / "x.parquet", reference)


@pytest.mark.parametrize(
    ("dxa_on", "reasons"),
    [
        ("2025-04-01", []),
        ("2024-10-03", []),
        ("20250401", []),
        ("2025-04-02", [ExclusionReason.DXA_TOO_FAR_APART]),
        ("2024-10-02", [ExclusionReason.DXA_TOO_FAR_APART]),
        ("", [ExclusionReason.DATE_MISSING]),
        ("01.04.2025", [ExclusionReason.DATE_MISSING]),
    ],
)
def test_pairs_further_apart_than_is_allowed_or_nobody_knows_how_far_are_left_out(
    tmp_path: Path, reference: BmdReference, dxa_on: str, reasons: list[ExclusionReason]
) -> None:
    near = {"path": "b.dcm", "acquired_on": "2025-01-01", "dxa_on": "2025-01-02"}
    path = write_wide(tmp_path, near, {"acquired_on": "2025-01-01", "dxa_on": dxa_on})

    manifest = read_within(path, reference, 90)

    assert len(manifest.pairs) == 2 - len(reasons)
    assert [e.reason for e in manifest.exclusions] == reasons
    assert not manifest.notes


def test_a_table_that_dates_no_dxa_is_taken_whole_and_says_so(
    tmp_path: Path, reference: BmdReference
) -> None:
    manifest = read_within(write(tmp_path, GOOD, {**GOOD, "path": "b.dcm"}), reference, 90)

    assert len(manifest.pairs) == 2
    assert "dxa_on" in manifest.notes[0]


def test_days_that_nobody_asked_for_are_not_needed(tmp_path: Path, reference: BmdReference) -> None:
    path = write_wide(tmp_path, {"acquired_on": "2025-01-01", "dxa_on": "2020-01-01"})

    manifest = read(path, reference)

    assert len(manifest.pairs) == 1
    assert not manifest.notes


def film_of_day(folder: Path, day: str | None) -> dict[str, str]:
    """Write a film whose header has a day, or none, and return what the table says of it."""
    write_toy_film(folder / "film.dcm", np.zeros((8, 8)), day)
    return {"path": "film.dcm", "dxa_on": "2025-01-10"}


@pytest.mark.parametrize(
    ("day", "reasons"),
    [
        ("20250101", []),
        ("20240101", [ExclusionReason.DXA_TOO_FAR_APART]),
        (None, [ExclusionReason.DATE_MISSING]),
    ],
)
def test_a_film_that_the_table_does_not_date_is_dated_by_its_header(
    tmp_path: Path, reference: BmdReference, day: str | None, reasons: list[ExclusionReason]
) -> None:
    dated = {"path": "b.dcm", "acquired_on": "2025-01-10", "dxa_on": "2025-01-10"}
    path = write_wide(tmp_path, dated, film_of_day(tmp_path, day))

    manifest = read_within(path, reference, 90)

    assert [e.reason for e in manifest.exclusions] == reasons
    assert [pair.acquired_on for pair in manifest.pairs[1:]] == (
        [] if reasons else [date(2025, 1, 1)]
    )


def test_a_film_whose_header_cannot_be_read_has_no_day(
    tmp_path: Path, reference: BmdReference
) -> None:
    dated = {"path": "b.dcm", "acquired_on": "2025-01-10", "dxa_on": "2025-01-10"}
    path = write_wide(tmp_path, dated, {"dxa_on": "2025-01-10"})

    manifest = read_within(path, reference, 90)

    assert [e.reason for e in manifest.exclusions] == [ExclusionReason.UNREADABLE_FILM]


def test_a_temporal_test_needs_the_day_of_every_film(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = write_wide(tmp_path, {"path": "b.dcm", "acquired_on": "2025-01-10"}, {"path": "c.dcm"})
    write_toy_film(tmp_path / "c.dcm", np.zeros((8, 8)))

    manifest = read_manifest(
        path,
        reference=reference,
        growth=load_growth_reference(),
        age_years=(3.0, 18.0),
        film_days=True,
    )

    assert [pair.line for pair in manifest.pairs] == [2]
    assert [e.reason for e in manifest.exclusions] == [ExclusionReason.DATE_MISSING]


def test_a_film_with_two_dxas_keeps_the_nearer(tmp_path: Path, reference: BmdReference) -> None:
    days = {"acquired_on": "2025-01-10"}
    path = write_wide(
        tmp_path,
        days | {"dxa_on": "2025-02-10", "abmd_g_cm2": "0.50"},
        days | {"dxa_on": "2025-01-12", "abmd_g_cm2": "0.60"},
    )

    manifest = read_within(path, reference, 90)

    assert [pair.abmd_g_cm2 for pair in manifest.pairs] == [0.60]
    assert [(e.line, e.reason) for e in manifest.exclusions] == [(2, ExclusionReason.NEARER_DXA)]


def test_films_that_must_not_be_estimated_teach_gates_alone(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = write_wide(tmp_path, {"kind": "chest"}, {"path": "b.dcm", "kind": "rods"})

    manifest = read(path, reference)

    assert len(manifest.pairs) == 1
    assert [e.reason for e in manifest.exclusions] == [ExclusionReason.MUST_NOT_BE_ESTIMATED]
    assert read_refused(path) == {"rods": [tmp_path / "b.dcm"]}


def test_a_manifest_without_refused_films_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="columns missing: kind"):
        read_refused(write(tmp_path, GOOD))
    with pytest.raises(ConfigurationError, match="must not be scored"):
        read_refused(write_wide(tmp_path, {"kind": "chest"}))
    path = write_wide(tmp_path, {"kind": "rods"})
    (tmp_path / "a.dcm").unlink()
    with pytest.raises(ConfigurationError, match="kind rods is not there"):
        read_refused(path)


def test_a_mask_that_is_not_there_is_none(tmp_path: Path, reference: BmdReference) -> None:
    (tmp_path / "m.png").write_bytes(b"")
    path = write_wide(
        tmp_path, {"spine_mask": "m.png"}, {"path": "b.dcm", "spine_mask": "other.png"}
    )

    masks = [pair.spine_mask for pair in read(path, reference).pairs]

    assert masks == [tmp_path / "m.png", None]
