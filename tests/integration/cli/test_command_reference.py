"""`screener reference`: list, show, add, fit."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from screener.domain.patient import Sex
from screener.storage.references import DATA_FOLDER, load_bmd_reference
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure

TABLE = DATA_FOLDER / "references" / "synthetic-demo.csv"
FACTS = ("--name", "ours", "--version", "2026", "--device", "Hologic", "--source", "a [test]")


@pytest.fixture(autouse=True)
def _node(configure: Configure) -> None:
    configure()


def add(table: Path = TABLE, *more: str) -> str:
    return run_command("reference", "add", table, *FACTS, *more).out


def test_what_ships_is_listed_as_synthetic_and_in_force() -> None:
    (row,) = run_command("reference", "list", "--json").json

    assert (row["name"], row["synthetic"], row["in_force"]) == ("synthetic-demo", True, True)
    assert "synthetic" in run_command("reference", "list").out


def test_a_table_is_shown_with_its_source_and_values() -> None:
    said = run_command("reference", "show", "synthetic-demo").out

    assert "never for a child" in said
    assert "-2 SD, g/cm2" in said
    table = run_command("reference", "show", "synthetic-demo", "--json").json["table"]
    ten = next(row for row in table if (row["sex"], row["age_years"]) == ("M", 10.0))
    assert ten["minus_2_sd"] < ten["M"]


def test_a_picture_of_its_centiles_is_drawn(tmp_path: Path) -> None:
    run_command("reference", "show", "synthetic-demo", "--figure", tmp_path / "c.png")

    assert (tmp_path / "c.png").stat().st_size > 20_000


def test_an_added_table_is_known_by_its_name(tmp_path: Path) -> None:
    said = add()

    assert 'reference.bmd = "ours@2026"' in said
    assert [r["name"] for r in run_command("reference", "list", "--json").json] == [
        "synthetic-demo",
        "ours",
    ]
    for name in ("ours", "ours@2026"):
        assert run_command("reference", "show", name, "--json").json["source"] == "a [test]"


def test_an_added_table_can_be_put_in_force(configure: Configure) -> None:
    add(TABLE, "--synthetic")
    configure(reference={"bmd": "ours"})

    rows = run_command("reference", "list", "--json").json

    assert [row["in_force"] for row in rows] == [False, True]


def test_the_same_table_again_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    add()
    add()
    other = tmp_path / "other.csv"
    other.write_text(TABLE.read_text().replace("0.4547", "0.4548"))

    ended = run_command("reference", "add", other, *FACTS)

    assert "another version" in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sex,age_years,L,M\nM,5,1,0.5\n", "S"),
        ("sex,age_years,L,M,S\nM,5,1,512,0.1\nM,6,1,520,0.1\n", "no aBMD in g/cm2"),
        ("sex,age_years,L,M,S\nM,6,1,0.5,0.1\nM,6,1,0.5,0.1\n", "must rise"),
        ("", "no rows"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(content)

    ended = run_command("reference", "add", tmp_path / "t.csv", *FACTS)

    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_several_versions_of_a_name_have_to_be_told_apart() -> None:
    add()
    run_command("reference", "add", TABLE, *FACTS[:2], "--version", "2027", *FACTS[4:])

    ended = run_command("reference", "show", "ours")

    assert "ours@2026, ours@2027" in ended.err


def test_measured_children_become_a_reference_that_can_be_added(tmp_path: Path) -> None:
    reference, rng = load_bmd_reference("synthetic-demo"), np.random.default_rng(0)
    with (tmp_path / "children.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sex", "age_years", "abmd_g_cm2"))
        for i in range(400):
            sex, age = Sex("MF"[i % 2]), float(rng.uniform(5, 15))
            z = float(rng.normal())
            writer.writerow(
                (sex.value, age, reference.abmd_g_cm2(sex=sex, age_years=age, z_score=z))
            )

    said = run_command(
        "reference", "fit", tmp_path / "children.csv", "--out", tmp_path / "fitted", *FACTS,
        "--synthetic",
    )  # fmt: skip

    assert "synthetic: 200 boys" in said.out
    assert "few children in a year" in said.err
    assert not (tmp_path / "fitted" / "height-adjustment.csv").exists()
    add(tmp_path / "fitted" / "ours.csv", "--synthetic")


def test_a_fit_without_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sex,age_years,abmd_g_cm2\nM,5,0.5\n")

    ended = run_command("reference", "fit", tmp_path / "c.csv", "--out", tmp_path)

    assert "--device" in ended.err


def test_a_fit_of_nothing_is_refused(tmp_path: Path) -> None:
    ended = run_command("reference", "fit", "--out", tmp_path)

    assert "--nhanes" in ended.err
