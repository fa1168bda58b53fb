"""`phantom make` and `train`: from nothing to a predictor that a node takes, by two commands."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from screener.predictor.card import load_card
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.unit.training.conftest import write_toy_manifest


def test_phantom_make_writes_films_that_score_takes_and_their_truth(
    configure: Configure, tmp_path: Path
) -> None:
    configure()

    made = run_command(
        "phantom", "make", "--count", 2, "--out", "films", "--seed", 5, "--spacing-mm", 0.8,
        "--processes", 1,
    )  # fmt: skip
    scored = run_command("score", "films", "--json")

    assert made.code == 0
    assert made.out == "2 synthetic film(s): films/manifest.csv\n"
    with (tmp_path / "films" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["000000.dcm", "000001.dcm"]
    assert all(-4.5 <= float(row["z"]) <= 4.0 for row in rows)
    assert scored.code == 0
    assert [film["verdict"] for film in scored.json["films"]] != [None, None]


def test_train_makes_a_predictor_that_the_node_takes(configure: Configure, tmp_path: Path) -> None:
    write_toy_manifest(tmp_path / "pairs", 130)

    trained = run_command(
        "train", "pairs/manifest.csv", "--out", "run", "--size-px", 64, "--epochs", 5,
        "--batch", 8, "--width", 0.125, "--name", "toy", "--version", "7", "--processes", 1,
    )  # fmt: skip
    configure(predictor={"folder": "run/predictor", "threads": 1})
    checked = run_command("check", "--json")

    assert (trained.code, trained.out) == (0, "predictor: run/predictor\n"), trained.err
    card = load_card(Path("run/predictor"))
    assert (card.name, card.version, card.synthetic) == ("toy", "7", True)
    assert json.loads(Path("run/excluded.json").read_text())
    doors = {door["name"]: door for door in checked.json["doors"]}
    assert doors["predictor"]["ok"] is True
    assert "toy 7 (synthetic)" in doors["predictor"]["said"]


def test_a_manifest_that_cannot_be_used_ends_with_a_sentence(configure: Configure) -> None:
    configure()
    Path("bad.csv").write_text("path,patient\nx.dcm,1\n")

    bad = run_command("train", "bad.csv", "--out", "run")
    missing = run_command("train", "nowhere.csv", "--out", "run")
    too_many = run_command("phantom", "make", "--count", 10**9, "--out", "films")

    for ended in (bad, missing, too_many):
        assert ended.code == 2
        assert ended.err.startswith("error: ")
        assert "Traceback" not in ended.err
    assert "abmd_g_cm2" in bad.err
    assert "nowhere.csv" in missing.err
