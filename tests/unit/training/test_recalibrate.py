"""`screener calibrate`: a new predictor's folder, whose network is the old one's byte for byte."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from screener.dicom.pixels import read_radiograph
from screener.domain.errors import ConfigurationError
from screener.domain.prediction import Prediction
from screener.domain.reference import BmdReference
from screener.imaging.preprocess import prepare
from screener.predictor.card import WEIGHTS_FILE, load_card, write_card
from screener.predictor.checkpoint import save_weights
from screener.predictor.predict import TorchPredictor
from screener.training.learn import learn
from screener.training.predictions import read_table, write_table
from screener.training.recalibrate import Wishes, describe, recalibrate
from screener.training.recipe import Recipe
from screener.training.split import Part
from screener.training.threshold import Target
from tests.support.tiny_predictor import write_tiny_predictor
from tests.unit.training.conftest import (
    make_toy_films,
    toy_child,
    write_toy_film,
    write_toy_manifest,
)
from tests.unit.training.tables import make_table

QUIET = Console(quiet=True)
SENSITIVE = Wishes(target=Target(kind="sensitivity", value=0.85), prevalence=0.05)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_predictor(tmp_path_factory.mktemp("tiny") / "predictor")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a predictor that has learnt a little from toys: its estimates rise with the truth."""
    folder = tmp_path_factory.mktemp("taught")
    films = make_toy_films(160)
    recipe = Recipe(size_px=64, epochs=5, batch_size=16, rate=3e-3, widen_factor=1 / 16)
    parts: dict[Part, list[int]] = {part: [] for part in Part}
    parts[Part.TRAINING] = list(range(160))
    network = learn(films, parts, recipe, folder, device="cpu", console=QUIET)
    written = write_tiny_predictor(folder / "predictor")
    card = dataclasses.replace(load_card(written), weights_sha256=save_weights(written, network))
    write_card(written, card)
    return written


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "out-of-fold.csv"
    write_table(path, make_table(600))
    return path


def test_predictions_become_a_calibrated_predictor_without_a_film(
    predictor: Path, predictions: Path, tmp_path: Path
) -> None:
    folder = recalibrate(
        predictor, tmp_path, wishes=SENSITIVE, predictions=predictions, console=QUIET
    )

    card = load_card(folder)
    assert (folder / WEIGHTS_FILE).read_bytes() == (predictor / WEIGHTS_FILE).read_bytes()
    assert card.calibration.patients == 600
    assert card.decision is not None
    assert card.decision.sensitivity.value >= 0.85
    assert card.decision.threshold_z > -2.0
    assert card.decision.missing == "height and weight"
    assert card.probability is not None
    assert not card.probability.local
    assert card.metrics == {}
    assert card.version.startswith(load_card(predictor).version + "+")
    assert (tmp_path / "calibration.png").stat().st_size > 20_000
    account = json.loads((tmp_path / "calibration.json").read_text())
    assert account["decision"]["threshold_z"] == card.decision.threshold_z
    assert account["synthetic"] is True


def test_the_old_folder_is_left_as_it_is(
    predictor: Path, predictions: Path, tmp_path: Path
) -> None:
    before = {file.name: file.read_bytes() for file in predictor.iterdir()}

    recalibrate(predictor, tmp_path, wishes=SENSITIVE, predictions=predictions, console=QUIET)

    assert {file.name: file.read_bytes() for file in predictor.iterdir()} == before


def test_a_threshold_for_another_reference_is_fitted_in_its_z(
    predictor: Path, predictions: Path, tmp_path: Path, reference: BmdReference
) -> None:
    table = tmp_path / "other.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sex", "age_years", "L", "M", "S"))
        for sex, curve in reference.table.curves.items():
            # everybody's median a tenth lower: the same child has a higher Z
            for age, l, m, s in zip(curve.ages_years, curve.l, curve.m, curve.s, strict=True):  # noqa: E741
                writer.writerow((sex.value, age, l, 0.9 * m, s))
    facts = {"name": "other", "version": "3", "device": "d", "region": "L1-L4", "source": "made up"}
    table.with_suffix(".json").write_text(json.dumps(facts | {"synthetic": True}))
    wishes = dataclasses.replace(SENSITIVE, reference=str(table))

    own = load_card(
        recalibrate(
            predictor, tmp_path / "own", wishes=SENSITIVE, predictions=predictions, console=QUIET
        )
    ).decision
    other = load_card(
        recalibrate(
            predictor, tmp_path / "other", wishes=wishes, predictions=predictions, console=QUIET
        )
    ).decision

    assert own is not None
    assert other is not None
    assert (own.reference, other.reference) == ("synthetic-demo 1", "other 3")
    assert other.low_patients < own.low_patients


def test_pairs_and_refused_films_teach_gates(taught: Path, tmp_path: Path) -> None:
    pairs = write_toy_manifest(tmp_path / "pairs", 121, seed=5)
    refused = tmp_path / "refused"
    refused.mkdir()
    rng = np.random.default_rng(0)
    with (refused / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "kind"))
        for i in range(40):
            y, _ = np.mgrid[-1:1:160j, -1:1:160j]
            picture = np.clip(
                0.5 + 0.4 * np.sign(np.sin(9 * y)) + rng.normal(0, 0.02, y.shape), 0, 1
            )
            write_toy_film(refused / f"{i}.dcm", picture)
            writer.writerow((f"{i}.dcm", "hand"))

    folder = recalibrate(
        taught,
        tmp_path / "out",
        wishes=dataclasses.replace(SENSITIVE, local=True),
        pairs=pairs,
        refused=refused / "manifest.csv",
        workers=1,
        console=QUIET,
    )

    card = load_card(folder)
    assert [gate.reason for gate in card.gates] == [
        "NOT_FRONTAL_CHEST", "CLIPPED_FILM", "UNLIKE_TRAINING",
    ]  # fmt: skip
    assert card.calibration.origin == "the site's own children"
    assert any("gate NOT_FRONTAL_CHEST" in line for line in describe(card))
    assert len(read_table(tmp_path / "out" / "predictions.csv")) == 120
    TorchPredictor.load(folder)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either pairs"),
        ({"pairs": Path("a"), "predictions": Path("b")}, "either pairs"),
        ({"predictions": Path("b"), "refused": Path("c")}, "gates are learnt from films"),
    ],
)
def test_what_does_not_go_together_is_refused(
    predictor: Path, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        recalibrate(predictor, tmp_path, wishes=SENSITIVE, console=QUIET, **given)


def test_few_children_calibrate_nothing(predictor: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "few.csv", make_table(49))

    with pytest.raises(ConfigurationError, match="49 children are too few"):
        recalibrate(
            predictor, tmp_path, wishes=SENSITIVE, predictions=tmp_path / "few.csv", console=QUIET
        )


@pytest.mark.parametrize("changes", [{"prevalence": 5.0}, {"missing": "age"}])
def test_wishes_that_cannot_be_meant_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(changes))):
        Wishes(**changes)  # type: ignore[arg-type]


def test_a_calibrated_predictor_tells_threshold_and_probability_with_each_estimate(
    predictor: Path, predictions: Path, tmp_path: Path
) -> None:
    folder = recalibrate(
        predictor, tmp_path, wishes=SENSITIVE, predictions=predictions, console=QUIET
    )
    loaded = TorchPredictor.load(folder)
    pairs = write_toy_manifest(tmp_path / "toys", 3)

    film = prepare(read_radiograph((pairs.parent / "0.dcm").read_bytes()), loaded.card.size_px)
    (said,) = loaded.predict([(film, toy_child(np.random.default_rng(0)))])

    assert isinstance(said, Prediction)
    assert said.decision is not None
    assert said.low_probability is not None
    assert said.distribution is not None
