"""From a manifest, or a table of predictions, to the files of an evaluation."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from rich.console import Console

from screener.dicom.pixels import read_radiograph
from screener.domain.errors import ConfigurationError
from screener.imaging.preprocess import prepare
from screener.predictor.card import load_card, write_card
from screener.predictor.facts import ReferenceFacts
from screener.predictor.gates import clipped_share
from screener.storage.references import load_bmd_reference
from screener.training.evaluate import (
    Comparisons,
    evaluate,
    evaluate_predictions,
    evaluate_table,
    write_evaluation,
)
from screener.training.predictions import read_table, write_table
from tests.support.tiny_predictor import write_tiny_predictor
from tests.unit.predictor.conftest import make_gate, make_gates, make_network, write_full
from tests.unit.training.conftest import write_toy_manifest
from tests.unit.training.evaluation_tables import a_card, simulated

QUIET = Console(quiet=True)
FILES = {
    "evaluation.json", "figures", "model-card.md", "predictions.csv", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_predictor(tmp_path_factory.mktemp("tiny") / "predictor")


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("table") / "predictions.csv"
    write_table(file, simulated(60))
    return file


def test_films_become_a_report_with_a_gallery_and_a_table_that_gives_the_same(
    predictor: Path, tmp_path: Path
) -> None:
    manifest = write_toy_manifest(tmp_path / "films", 14)
    printed = io.StringIO()

    found = evaluate(
        manifest, predictor, tmp_path / "out", workers=1, console=Console(file=printed)
    )
    again = evaluate_predictions(
        tmp_path / "out" / "predictions.csv", predictor, None, console=QUIET
    )

    assert (found.films, found.synthetic) == (13, True)
    assert found.exclusions == {"BLANK_FILM": 1}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*FILES, "prepared-64px"}
    assert (tmp_path / "out" / "figures" / "largest-errors.png").is_file()
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert written["manifest_sha256"] == found.manifest_sha256
    assert "13 films; 1 rows excluded (BLANK_FILM 1)" in printed.getvalue()
    assert again.films == 13
    for name in ("r_z", "mae_z"):
        kept, new = found.overall.metrics[name], again.overall.metrics[name]
        assert new.value == pytest.approx(kept.value, abs=1e-3)


def test_without_a_folder_nothing_is_left(predictor: Path, tmp_path: Path) -> None:
    manifest = write_toy_manifest(tmp_path / "films", 3)
    before = sorted(tmp_path.rglob("*"))

    evaluate(manifest, predictor, None, workers=1, console=QUIET, not_scored={"BRACE_OR_CAST": 1})

    assert sorted(tmp_path.rglob("*")) == before


def test_a_table_is_evaluated_without_films(
    predictor: Path, predictions: Path, tmp_path: Path
) -> None:
    found = evaluate_predictions(
        predictions,
        predictor,
        tmp_path / "out",
        comparisons=Comparisons(arms=[f"image-only={predictions}"], seed_runs=[predictions]),
        console=QUIET,
    )

    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    assert read_table(tmp_path / "out" / "predictions.csv").path == read_table(predictions).path
    assert found.arms["image_only"].difference["r_z"].value == pytest.approx(0, abs=1e-9)
    assert found.seeds is not None
    assert found.seeds.runs == 1


@pytest.mark.parametrize(
    ("comparisons", "said"),
    [
        (Comparisons(arms=["x"]), "NAME=FILE"),
        (Comparisons(seed_runs=[Path("nowhere.csv")]), "cannot be read"),
        (Comparisons(reference="nowhere"), "no file"),
    ],
)
def test_what_does_not_fit_is_refused(
    comparisons: Comparisons, said: str, predictor: Path, predictions: Path
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        evaluate_predictions(predictions, predictor, None, comparisons=comparisons, console=QUIET)


def test_an_arm_on_other_films_is_refused_before_any_film_is_prepared(
    predictor: Path, predictions: Path, tmp_path: Path
) -> None:
    manifest = write_toy_manifest(tmp_path / "films", 3)
    other = tmp_path / "other.csv"
    table = read_table(predictions)
    write_table(other, dataclasses.replace(table, path=("elsewhere.dcm",) * len(table.path)))
    printed = io.StringIO()

    with pytest.raises(ConfigurationError, match="none of the films evaluated"):
        evaluate(
            manifest,
            predictor,
            None,
            comparisons=Comparisons(arms=[f"image-only={other}"]),
            workers=1,
            console=Console(file=printed),
        )

    assert not printed.getvalue()


def test_a_run_writes_its_test_as_json(tmp_path: Path) -> None:
    write_evaluation(tmp_path / "evaluation.json", evaluate_table(simulated(50), a_card()))

    written = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))

    assert set(written["overall"]["r_z"]) == {"value", "low", "high", "n"}


def test_films_that_the_gates_turn_away_are_counted_and_in_no_figure(tmp_path: Path) -> None:
    manifest = write_toy_manifest(tmp_path / "films", 14)
    network = make_network()
    facts = ReferenceFacts.of(load_bmd_reference("synthetic-demo"))

    def gated(limit: float) -> Path:
        gates = make_gates()
        folder = write_full(tmp_path / f"gated {limit}", network, gates)
        card = dataclasses.replace(
            load_card(folder),
            reference=facts,
            gates=(make_gate("CLIPPED_FILM", limit),),
            decision=None,
        )
        write_card(folder, card)
        return folder

    open_to_all = evaluate(manifest, gated(1.0), None, workers=1, console=QUIET)
    shares = sorted(
        float(clipped_share(torch.from_numpy(film)[None, None])) for film in toy_greys(manifest)
    )
    middle = (shares[5] + shares[6]) / 2
    half = evaluate(manifest, gated(middle), None, workers=1, console=QUIET)

    assert (open_to_all.films, open_to_all.not_scored) == (13, {})
    assert half.films + half.not_scored["CLIPPED_FILM"] == 13
    assert 0 < half.films < 13
    with pytest.raises(ConfigurationError, match="turn every film"):
        evaluate(manifest, gated(-1.0), None, workers=1, console=QUIET)


def toy_greys(manifest: Path) -> list[npt.NDArray[np.float32]]:
    """Return the toys as the network sees them; the last one is blank and is left out."""
    files = sorted(manifest.parent.glob("*.dcm"), key=lambda file: int(file.stem))[:-1]
    return [prepare(read_radiograph(file.read_bytes()), 64).pixels for file in files]
