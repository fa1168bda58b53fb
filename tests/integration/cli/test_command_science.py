"""`phantom make` and `train`: from nothing to a predictor that a node takes, by two commands."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

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


def test_four_commands_make_a_predictor_of_a_sites_own(
    configure: Configure, tmp_path: Path
) -> None:
    configure(predictor={"folder": ""})
    write_toy_manifest(tmp_path / "pairs", 130)
    write_toy_manifest(tmp_path / "local", 121, seed=7)
    write_toy_manifest(tmp_path / "test", 91, seed=8)

    trained = run_command(
        "train", "pairs/manifest.csv", "--out", "run", "--size-px", 64, "--epochs", 6,
        "--batch", 8, "--width", 0.125, "--name", "ours", "--processes", 1,
    )  # fmt: skip
    calibrated = run_command(
        "calibrate", "run/predictor", "--pairs", "local/manifest.csv", "--out", "cal", "--local",
        "--target", "sensitivity=0.85", "--prevalence", 0.05, "--version", "1-here",
        "--processes", 1,
    )  # fmt: skip
    evaluated = run_command(
        "evaluate", "test/manifest.csv", "--predictor", "cal/predictor", "--json",
        "--processes", 1,
    )  # fmt: skip
    run_command("db", "upgrade")
    installed = run_command("predictor", "install", "cal/predictor")
    used = run_command("predictor", "use", "ours@1-here", "--reason", "it is ours")

    for ended in (trained, calibrated, evaluated, installed, used):
        assert ended.code == 0, ended.err
    card = load_card(Path("cal/predictor"))
    assert card.decision is not None
    assert f"decision threshold Z <= {card.decision.threshold_z:.1f}" in calibrated.err
    said = evaluated.json
    assert set(said["overall"]["auc"]) == {"value", "low", "high", "n"}
    assert said["overall"]["r_z"]["n"] == 90
    assert "no_height_no_weight" in said["arms"]
    listed = run_command("predictor", "list", "--json").json
    (ours,) = [row for row in listed["predictors"] if row["checksum"] == listed["in_force"]]
    assert (ours["name"], ours["version"]) == ("ours", "1-here")


def test_arms_go_to_folders_of_their_own(configure: Configure, tmp_path: Path) -> None:
    configure()
    write_toy_manifest(tmp_path / "pairs", 61)

    ended = run_command(
        "train", "pairs/manifest.csv", "--out", "arms", "--size-px", 64, "--epochs", 1,
        "--batch", 8, "--width", 0.125, "--processes", 1,
        "--arm", "clinical-only", "--arm", "image-only",
    )  # fmt: skip

    assert ended.code == 0, ended.err
    assert ended.out == "predictions: arms/clinical-only\npredictions: arms/image-only\n"
    assert Path("arms/prepared-64px/films.npy").is_file()


def test_a_page_of_films_is_drawn(configure: Configure) -> None:
    configure()

    films = run_command("phantom", "sheet", "--count", 2, "--out", "page.png")
    kinds = run_command("phantom", "sheet", "--count", 1, "--kind", "rods", "--out", "rods.png")

    assert films.out == "2 synthetic film(s): page.png\n"
    assert kinds.code == 0
    assert Path("page.png").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "x.csv", "--out", "r", "--arm", "half"), "arm half"),
        (("calibrate", "nowhere", "--pairs", "x.csv", "--out", "c"), "nowhere"),
        (("calibrate", "nowhere", "--out", "c", "--target", "85"), "target"),
        (("evaluate",), "either a manifest"),
        (("phantom", "sheet", "--out", "p.png", "--kind", "cat"), "kind cat"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(
    configure: Configure, arguments: tuple[str, ...], said: str
) -> None:
    configure()

    ended = run_command(*arguments)

    assert ended.code in {1, 2}
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_node_without_the_packages_of_training_says_what_to_install(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    # as if it were not there: None in sys.modules is how Python says so
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "screener.training.manifest", raising=False)
    monkeypatch.delitem(sys.modules, "screener.training.reference_data", raising=False)

    ended = run_command("reference", "fit", "x.csv", "--out", "r")

    assert ended.code == 1
    assert "pip install 'bmd-screener[training]'" in ended.err
    assert "Traceback" not in ended.err
