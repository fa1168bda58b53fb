"""`screener evaluate`: films or a table of predictions, for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.training.predictions import write_table
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.structure.words import forbidden_words
from tests.unit.training.conftest import write_toy_manifest
from tests.unit.training.evaluation_tables import simulated


@pytest.fixture
def table(configure: Configure) -> Path:
    """Return a table in a folder whose settings name the tiny predictor."""
    configure()
    write_table(Path("test.csv"), simulated(120))
    return Path("test.csv")


def test_films_are_evaluated_by_the_predictor_in_force(configure: Configure) -> None:
    configure()
    write_toy_manifest(Path("films"), 12)

    ended = run_command("evaluate", "films/manifest.csv", "--json", "--processes", 1)

    assert ended.code == 0, ended.err
    assert ended.json["synthetic"] is True
    assert ended.json["films"] == 11
    assert set(ended.json["overall"]["r_z"]) == {"value", "low", "high", "n"}
    assert ended.json["exclusions"] == {"BLANK_FILM": 1}
    assert not list(Path().glob("prepared*"))


def test_a_table_is_shown_to_people_and_reported(table: Path) -> None:
    ended = run_command(
        "evaluate", "--predictions", table, "--out", "out", "--arm", f"clinical-only={table}"
    )

    assert ended.code == 0, ended.err
    assert ended.out.startswith("SYNTHETIC: ")
    for wanted in (
        "An AI estimate; not a DXA measurement.",
        "area under the ROC curve, AUC",
        "clinical variables only, no film",
        "report: out/report.html",
    ):
        assert wanted in ended.out
    assert forbidden_words(ended.out) == []
    assert "child-" not in ended.out
    assert Path("out/report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either a manifest"),
        (("films.csv", "--predictions", "test.csv"), "give either a manifest"),
        (("nowhere.csv",), "nowhere.csv"),
        (("--predictions", "test.csv", "--arm", "x"), "NAME=FILE"),
        (("--predictions", "test.csv", "--seed-run", "nowhere.csv"), "cannot be read"),
        (("--predictions", "test.csv", "--reference", "nowhere"), "nowhere"),
    ],
)
def test_wrong_usage_ends_with_a_sentence(
    table: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = run_command("evaluate", *arguments)

    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_help_is_worth_reading() -> None:
    ended = run_command("evaluate", "--help")

    assert ended.code == 0
    for wanted in ("--arm", "--seed-run", "--predictions", "clinical_only"):
        assert wanted in ended.out
    assert forbidden_words(ended.out) == []
