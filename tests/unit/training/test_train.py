"""Training: learns on toys, goes on after a kill, and ends in a predictor's folder."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import Outputs, ScreenerNet
from screener.predictor.card import load_card
from screener.predictor.encoding import HEIGHT, HEIGHT_KNOWN, LOG_MM, MALE, forget
from screener.predictor.predict import TorchPredictor
from screener.training.arms import Arm
from screener.training.dataset import FilmSet
from screener.training.evaluate import evaluate
from screener.training.features import pooled_features, raw_z
from screener.training.learn import _resume, _save_state, learn, loss_of
from screener.training.predictions import read_table
from screener.training.recipe import Recipe
from screener.training.split import HeldOut, Part, SplitShares
from screener.training.train import ENSEMBLE, OUT_OF_FOLD, TEST_PREDICTIONS, mean_of, train
from tests.unit.training.tables import make_table

QUIET = Console(quiet=True)
TINY = Recipe(size_px=64, epochs=8, batch_size=16, rate=3e-3, widen_factor=1 / 16)
PARTS = {
    Part.TRAINING: list(range(160)),
    Part.VALIDATION: list(range(160, 240)),
    Part.CALIBRATION: [],
    Part.TEST: [],
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny layers wait for threads longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_network_learns_the_z_of_toy_films_it_has_not_seen(
    toy_films: FilmSet, tmp_path: Path
) -> None:
    network = learn(toy_films, PARTS, TINY, tmp_path, device="cpu", console=QUIET)

    rows = PARTS[Part.VALIDATION]
    pooled = pooled_features(network, toy_films, rows, device="cpu")
    estimate = raw_z(network.head, pooled, toy_films.clinical[rows], ("height", "weight"))
    assert np.corrcoef(estimate, toy_films.z[rows])[0, 1] > 0.8
    assert np.abs(estimate - toy_films.z[rows]).mean() < 1.0
    assert (tmp_path / "curves.png").stat().st_size > 5_000


def test_killed_run_goes_on_to_the_same_weights(toy_films: FilmSet, tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=3)
    whole = learn(toy_films, PARTS, recipe, tmp_path / "whole", device="cpu", console=QUIET)

    class KilledHere(Exception):
        """Stands for a signal in the middle of a run."""

    class Killer(io.StringIO):
        def write(self, text: str) -> int:
            if "epoch 2/3" in text:
                raise KilledHere
            return len(text)

    with pytest.raises(KilledHere):
        learn(
            toy_films,
            PARTS,
            recipe,
            tmp_path / "killed",
            device="cpu",
            console=Console(file=Killer()),
        )
    resumed = learn(toy_films, PARTS, recipe, tmp_path / "killed", device="cpu", console=QUIET)

    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    epochs = (tmp_path / "killed" / "history.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in epochs] == ["1", "2", "3"]


def test_manifest_becomes_a_predictor_that_estimates(toy_manifest: Path, tmp_path: Path) -> None:
    recipe = replace(
        TINY,
        epochs=6,
        batch_size=8,
        shares=SplitShares(training=0.5, validation=0.1, calibration=0.2, test=0.2),
    )
    printed = io.StringIO()

    folder = train(
        toy_manifest,
        tmp_path,
        recipe,
        workers=1,
        name="toy",
        version="9",
        console=Console(file=printed),
    )

    card = load_card(folder)
    assert (card.name, card.version, card.size_px, card.synthetic) == ("toy", "9", 64, True)
    assert card.training.films == pytest.approx(30, abs=1)
    assert card.calibration.patients == pytest.approx(12, abs=1)
    assert set(card.metrics) >= {"r_z", "mae_z", "no_height_no_weight.r_z"}
    assert "synthetic" in card.intended_use
    assert json.loads((tmp_path / "excluded.json").read_text())["by_reason"] == {"BLANK_FILM": 1}
    assert "epoch 6/6" in printed.getvalue()
    assert TorchPredictor.load(folder).card == card

    assert len(read_table(tmp_path / OUT_OF_FOLD)) == pytest.approx(12, abs=1)
    assert len(read_table(tmp_path / TEST_PREDICTIONS)) == pytest.approx(12, abs=1)
    evaluation = evaluate(toy_manifest, folder, tmp_path / "again", workers=1, console=QUIET)
    assert (evaluation.films, evaluation.synthetic) == (59, True)


def two_sites(manifest: Path, folder: Path) -> Path:
    """Return a manifest whose every third child is of site E."""
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["path"] = str(manifest.parent / row["path"])
        row["site"] = "E" if i % 3 == 0 else "A"
    folder.mkdir(exist_ok=True)
    with (folder / "two.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "two.csv"


def test_folds_give_every_child_an_estimate_by_a_network_that_has_not_seen_it(
    toy_manifest: Path, tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=4, batch_size=8, folds=2, held_out=HeldOut(sites=("E",)))

    folder = train(
        two_sites(toy_manifest, tmp_path / "m"), tmp_path / "run", recipe, workers=1, console=QUIET
    )

    out_of_fold = read_table(tmp_path / "run" / OUT_OF_FOLD)
    ensemble = read_table(tmp_path / "run" / ENSEMBLE)
    tested = read_table(tmp_path / "run" / TEST_PREDICTIONS)
    assert set(out_of_fold.site) == {"A"}
    assert len(set(out_of_fold.patient)) == len(out_of_fold) == 39
    assert set(ensemble.site) == set(tested.site) == {"E"}
    assert ensemble.path == tested.path
    assert (ensemble.raw_z["none"] != tested.raw_z["none"]).any()
    card = load_card(folder)
    assert (card.training.films, card.calibration.patients) == (39, 39)
    assert (tmp_path / "run" / "fold-1" / "history.csv").is_file()


def test_the_arm_without_film_leaves_predictions_and_no_predictor(
    toy_manifest: Path, tmp_path: Path
) -> None:
    recipe = replace(TINY, arm=Arm.CLINICAL_ONLY, held_out=HeldOut(sites=("E",)))

    out = train(
        two_sites(toy_manifest, tmp_path / "m"), tmp_path / "run", recipe, workers=1, console=QUIET
    )

    tested = read_table(out / TEST_PREDICTIONS)
    assert set(tested.site) == {"E"}
    assert not (out / "predictor").exists()
    assert not (out / "state.pt").exists()


def test_folds_give_the_arm_without_film_an_estimate_of_every_child_too(
    toy_manifest: Path, tmp_path: Path
) -> None:
    recipe = replace(TINY, arm=Arm.CLINICAL_ONLY, folds=2, held_out=HeldOut(sites=("E",)))

    out = train(
        two_sites(toy_manifest, tmp_path / "m"), tmp_path / "run", recipe, workers=1, console=QUIET
    )

    held_out = read_table(out / OUT_OF_FOLD)
    assert len(set(held_out.patient)) == len(held_out) == 39
    assert not set(held_out.patient) & set(read_table(out / TEST_PREDICTIONS).patient)


def test_an_ensemble_is_the_mean_of_its_networks() -> None:
    first, second = make_table(4), make_table(4)
    second = replace(
        second,
        raw_z={name: values + 1 for name, values in second.raw_z.items()},
        raw_low_logit=second.raw_low_logit - 2,
        on_spine=np.full(4, 0.5),
    )

    mean = mean_of([replace(first, on_spine=np.full(4, 0.1)), second])

    assert mean.raw_z["height"] == pytest.approx(first.raw_z["height"] + 0.5)
    assert mean.raw_low_logit == pytest.approx(first.raw_low_logit - 1)
    assert mean.on_spine == pytest.approx(np.full(4, 0.3))
    assert mean.path == first.path


def test_a_manifest_too_small_to_calibrate_with_is_refused(
    toy_manifest: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.csv"
    rows = toy_manifest.read_text().splitlines()[:41]
    few.write_text("\n".join([rows[0], *(f"{toy_manifest.parent}/{row}" for row in rows[1:])]))

    with pytest.raises(ConfigurationError, match="4 patients to calibrate with, and 9 are needed"):
        train(few, tmp_path / "run", TINY, workers=1, console=QUIET)
    assert not (tmp_path / "run" / "state.pt").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_refused(toy_manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no CUDA device"):
        train(toy_manifest, tmp_path, TINY, device="cuda", workers=1, console=QUIET)


def test_runs_of_one_study_share_their_prepared_films(toy_manifest: Path, tmp_path: Path) -> None:
    shared = tmp_path / "prepared"
    for arm in (Arm.CLINICAL_ONLY, Arm.LABEL_SHUFFLED):
        train(
            toy_manifest,
            tmp_path / arm.value,
            replace(TINY, epochs=1, batch_size=8, arm=arm),
            workers=1,
            prepared=shared,
            console=QUIET,
        )

    assert (shared / "films.npy").is_file()
    assert not list(tmp_path.glob("*/prepared-*"))
    assert (tmp_path / "label-shuffled" / TEST_PREDICTIONS).is_file()
    assert not (tmp_path / "label-shuffled" / "predictor").exists()


def test_folder_of_another_run_is_refused(toy_manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{}")

    with pytest.raises(ConfigurationError, match="another folder"):
        train(toy_manifest, tmp_path, TINY, workers=1, console=QUIET)


def test_too_few_films_for_a_step_are_refused(toy_films: FilmSet, tmp_path: Path) -> None:
    parts = {**PARTS, Part.TRAINING: list(range(10))}

    with pytest.raises(ConfigurationError, match="do not fill a step of 16"):
        learn(toy_films, parts, TINY, tmp_path, device="cpu", console=QUIET)


@pytest.mark.parametrize("size_px", [32, 250])
def test_a_side_that_does_not_halve_is_refused(size_px: int) -> None:
    with pytest.raises(ConfigurationError, match="multiple of 32"):
        Recipe(size_px=size_px)


def test_what_no_training_child_had_is_not_listened_to_later(
    toy_films: FilmSet, tmp_path: Path
) -> None:
    girls = forget(toy_films.clinical, height=True)
    girls[:, MALE], girls[:, LOG_MM] = 0.0, math.log(1.2)
    films = replace(toy_films, clinical=girls)
    parts = {**PARTS, Part.VALIDATION: []}

    network = learn(films, parts, replace(TINY, epochs=1), tmp_path, device="cpu", console=QUIET)

    boys = girls.copy()
    boys[:, [HEIGHT, HEIGHT_KNOWN, MALE]] = (1.5, 1.0, 1.0)
    magnified = girls.copy()
    magnified[:, LOG_MM] += math.log(1.1)
    pooled = pooled_features(network, films, range(40), device="cpu")
    as_learnt = raw_z(network.head, pooled, girls[:40])
    assert raw_z(network.head, pooled, boys[:40]) == pytest.approx(as_learnt, abs=0.01)
    # one scale in training: another is still within what augmentation showed
    assert float(network.head.standardise(torch.from_numpy(magnified))[:, LOG_MM].max()) < 2


def test_the_scaling_of_gradients_goes_on_after_a_kill(tmp_path: Path) -> None:
    network = ScreenerNet(widen_factor=1 / 16)
    optimizer = torch.optim.AdamW(network.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(torch.ones(1))
    _save_state(tmp_path / "state.pt", network, optimizer, scaler, [])

    resumed = torch.amp.GradScaler("cpu")
    assert _resume(tmp_path / "state.pt", network, optimizer, resumed) == []

    assert resumed.get_scale() == 1024.0


@pytest.mark.parametrize(("size_px", "sides"), [(256, [128, 192, 256]), (64, [64, 64, 64])])
def test_films_grow_with_the_epochs(size_px: int, sides: list[int]) -> None:
    recipe = Recipe(size_px=size_px, epochs=10)

    assert [recipe.side_px(epoch) for epoch in (0, 4, 9)] == sides


def test_rate_warms_up_and_falls() -> None:
    recipe = Recipe(rate=1.0)

    rates = [recipe.rate_at(progress) for progress in (0.0, 0.025, 0.05, 0.5, 1.0)]

    assert rates == pytest.approx([0.01, 0.5, 1.0, 0.546, 0.01], abs=0.01)


def test_loss_is_least_at_the_truth_and_the_variance_does_not_pull_at_the_estimate() -> None:
    head = ScreenerNet(widen_factor=1 / 16).head
    z = torch.tensor([-3.0, 0.5])

    def outputs(estimate: torch.Tensor, log_variance: float) -> Outputs:
        return Outputs(
            z=estimate,
            log_variance=torch.full((2,), log_variance),
            low_logit=torch.tensor([3.0, -3.0]),
        )

    estimate = (z + 1.0).requires_grad_()
    gradients = []
    for log_variance in (-2.0, 2.0):
        (gradient,) = torch.autograd.grad(
            loss_of(outputs(estimate, log_variance), z, head), estimate
        )
        gradients.append(gradient)

    assert loss_of(outputs(z, 0.0), z, head) < loss_of(outputs(z + 1.0, 0.0), z, head)
    assert torch.equal(gradients[0], gradients[1])
