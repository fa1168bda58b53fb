"""`screener reference`: list, show, add, fit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from screener.domain.patient import Sex
from screener.storage.references import DATA_FOLDER, load_bmd_reference
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.support.transport_file import write_xport

TABLE = DATA_FOLDER / "references" / "synthetic-demo.csv"
FACTS = ("--name", "ours", "--version", "2026", "--device", "Hologic", "--source", "a [test]")
HERE = {
    "name": "ours",
    "version": "2026",
    "device": "Hologic",
    "region": "L1-L4",
    "source": "measured here",
    "synthetic": False,
}


@pytest.fixture(autouse=True)
def _node(configure: Configure) -> None:
    configure()


def add(table: Path = TABLE, *more: str) -> str:
    return run_command("reference", "add", table, *FACTS, "--region", "L1-L4", *more).out


def test_what_ships_is_listed_as_synthetic_and_in_force() -> None:
    (row,) = run_command("reference", "list", "--json").json

    assert (row["name"], row["synthetic"], row["in_force"]) == ("synthetic-demo", True, True)
    assert row["ages_years"] == {"M": [3.0, 18.0], "F": [3.0, 18.0]}
    said = run_command("reference", "list").out
    assert "not a clinical reference" in said
    assert row["checksum"][:8] in said


def test_one_broken_reference_does_not_hide_the_others(configure: Configure) -> None:
    add()
    configure(reference={"bmd": "gone"})
    Path("screener-data/references/ours@2026.json").write_text("{", encoding="utf-8")

    ended = run_command("reference", "list", "--json")

    assert ended.code == 0
    assert [(row["name"], row["in_force"]) for row in ended.json] == [("synthetic-demo", False)]
    assert "ours@2026" in ended.err
    assert "gone" in ended.err


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
    assert run_command("reference", "show", "synthetic-demo", "--figure", "c.jpg").code == 2
    assert "no-such" in run_command("reference", "show", "no-such").err


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

    ended = run_command("reference", "add", other, *FACTS, "--region", "L1-L4")

    assert "another version" in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sex,age_years,L,M\nM,5,1,0.5\n", "columns missing: 'S'"),
        ("sex,age_years,L,M,S\nM,5,1,512,0.1\nM,6,1,520,0.1\n", "no aBMD in g/cm2"),
        ("sex,age_years,L,M,S\nM,6,1,0.5,0.1\nM,6,1,0.5,0.1\n", "must rise"),
        ("", "columns missing"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(content)

    ended = run_command("reference", "add", tmp_path / "t.csv", *FACTS, "--region", "L1-L4")

    assert ended.code == 2
    assert said in ended.err
    assert "t.csv" in ended.err
    assert "Traceback" not in ended.err


def test_the_facts_beside_a_table_need_not_be_given_again(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("sex,age_years,L,M,S\nM,5,1,0.5,0.1\nM,6,1,0.52,0.1\n")
    table.with_suffix(".json").write_text(json.dumps(HERE), encoding="utf-8")

    ended = run_command("reference", "add", table)

    assert "ours@2026 (boys 5 to 6 years)" in ended.out
    assert "it has no girls" in ended.err


def test_a_table_without_facts_says_which_are_needed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE.read_text())

    ended = run_command("reference", "add", tmp_path / "t.csv", "--name", "ours")

    assert ended.code == 2
    assert "give its version, device, region, source" in ended.err


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
    assert "children by completed year" in said.out
    assert "fewer than 20 children in a year" in said.err
    assert "no height adjustment" in said.out
    # computed children stay computed, whether it is said again or not
    assert "synthetic" in run_command("reference", "add", tmp_path / "fitted" / "ours.csv").out


def test_nhanes_files_become_a_reference_named_by_their_years(tmp_path: Path) -> None:
    reference, rng = load_bmd_reference("synthetic-demo"), np.random.default_rng(1)
    people = [float(seqn) for seqn in range(31131, 31371)]
    months = rng.integers(96, 204, len(people)).tolist()
    abmd = [
        reference.abmd_g_cm2(sex=Sex("MF"[i % 2]), age_years=age / 12, z_score=float(rng.normal()))
        for i, age in enumerate(months)
    ]
    files = [
        write_xport(
            tmp_path / "DXXSPN_D.XPT", {"SEQN": people, "DXASPNST": [1] * 240, "DXXOSBMD": abmd}
        ),
        write_xport(
            tmp_path / "DEMO_D.XPT",
            {"SEQN": people, "SDDSRVYR": [4] * 240, "RIAGENDR": [1, 2] * 120, "RIDAGEEX": months},
        ),
        write_xport(tmp_path / "BMX_D.XPT", {"SEQN": people, "BMXHT": [None] * 240}),
    ]

    said = run_command(
        "reference", "fit", "--nhanes", *files, "--out", tmp_path / "n", "--synthetic"
    ).out

    assert "synthetic: 120 boys" in said
    fitted = load_bmd_reference(str(tmp_path / "n" / "NHANES-2005-06-US.csv"))
    assert (fitted.device, fitted.region) == ("Hologic QDR 4500A", "L1-L4")
    assert "survey weights not used" in fitted.source


def test_a_fit_without_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sex,age_years,abmd_g_cm2\nM,5,0.5\n")

    ended = run_command("reference", "fit", tmp_path / "c.csv", "--out", tmp_path)

    assert "--device" in ended.err


def test_a_fit_of_nothing_is_refused(tmp_path: Path) -> None:
    ended = run_command("reference", "fit", "--out", tmp_path)

    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_two_files_are_of_nhanes_or_refused(tmp_path: Path) -> None:
    ended = run_command("reference", "fit", "a.XPT", "b.XPT", "--out", tmp_path)

    assert "--nhanes" in ended.err


@pytest.mark.parametrize("edf", ["3,6", "a,b,c", "1,6,4"])
def test_degrees_of_freedom_that_are_none_are_refused(tmp_path: Path, edf: str) -> None:
    (tmp_path / "c.csv").write_text("sex,age_years,abmd_g_cm2\nM,5,0.5\n")

    ended = run_command(
        "reference", "fit", tmp_path / "c.csv", "--out", tmp_path, *FACTS, "--edf", edf
    )

    assert ended.code == 2
    assert "edf" in ended.err
