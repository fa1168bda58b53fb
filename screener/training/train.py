"""A manifest becomes a predictor's folder: the chain that `screener train` runs.

    read the manifest -> split by patient -> prepare the films -> learn (once, or fold by fold)
    -> ask about films of no other use -> calibrate -> test -> card

Every step leaves a file in the output folder, and a second call with the same settings goes on
where the first was killed.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.domain.reference import BmdReference
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import WEIGHTS_FILE, write_card
from screener.predictor.checkpoint import read_weights, save_weights
from screener.predictor.predict import Device
from screener.storage.references import load_bmd_reference, load_growth_reference
from screener.training.arms import Arm, clinical_estimates, dress
from screener.training.asking import describe_films, predict_table
from screener.training.calibrate import calibrate
from screener.training.card import describe_machine, make_card
from screener.training.dataset import FilmSet, prepare_films
from screener.training.evaluate import evaluate_table, write_evaluation
from screener.training.learn import learn
from screener.training.manifest import (
    Manifest,
    describe_exclusions,
    read_manifest,
    write_exclusions,
)
from screener.training.predictions import PredictionTable, joined, write_table
from screener.training.progress import say
from screener.training.recipe import Recipe
from screener.training.split import Part, deal_folds, keep_split, rows_by_part, rows_that_teach

#: What a run leaves for `screener calibrate` and `screener evaluate --arm`.
OUT_OF_FOLD, TEST_PREDICTIONS, ENSEMBLE = "out-of-fold.csv", "test.csv", "ensemble.csv"

#: An interval that holds nine in ten needs nine errors to look at.
_FEWEST_TO_CALIBRATE = 9

Parts = Mapping[Part, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What every step of a run needs."""

    read: Manifest
    films: FilmSet
    parts: dict[Part, list[int]]
    recipe: Recipe
    reference: BmdReference
    out: Path
    device: Device
    initial: Path | None
    console: Console


def train(
    manifest: Path,
    out: Path,
    recipe: Recipe,
    *,
    device: Device = "cpu",
    threads: int = 0,
    workers: int = 2,
    name: str = "screener-synthetic",
    version: str = "0.1.0",
    initial: Path | None = None,
    prepared: Path | None = None,
    split: Path | None = None,
    console: Console | None = None,
) -> Path:
    """Train, calibrate and test a predictor, and return its folder.

    Parameters
    ----------
    manifest
        As `manifest.read_manifest` takes it.
    out
        Gets ``excluded.json``, ``split.csv``, ``recipe.json``, ``prepared-<size>px/``,
        ``state.pt``, ``history.csv``, ``curves.png``, ``out-of-fold.csv``, with a test part
        ``test.csv`` and ``evaluation.json``, with folds ``ensemble.csv``, and ``predictor/``. Arms
        other than ``fused`` leave predictions and no predictor: `out` is returned.
    recipe
        How.
    device, threads
        Where the network is trained; 0 threads for one per core.
    workers
        Processes that prepare films.
    name, version
        Of the predictor, in its card.
    initial
        ImageNet weights to start the trunk from.
    prepared
        Folder of prepared films that several runs share; one in `out` if not given.
    split
        ``split.csv`` of another run on the same films, to be taken over.
    console
        Shows progress; standard output if not given.

    Raises
    ------
    ConfigurationError
        The manifest cannot be used, has too few patients, `out` holds another run, or there is no
        such device.
    """
    console = console or Console()
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("this machine shows no CUDA device: take --device cpu")
    if threads:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    reference = load_bmd_reference(recipe.reference)
    read = read_pairs(manifest, recipe)
    _keep_recipe(out / "recipe.json", recipe, read.checksum, initial)
    films, excluded = prepare_films(
        read,
        prepared or out / f"prepared-{recipe.size_px}px",
        size_px=recipe.size_px,
        workers=workers,
        console=console,
    )
    write_exclusions(out / "excluded.json", read, excluded)
    if split is not None and not (out / "split.csv").is_file():
        shutil.copyfile(split, out / "split.csv")
    patients = keep_split(
        out / "split.csv", films.pairs, recipe.shares, recipe.seed, recipe.held_out
    )
    parts = rows_by_part(films.pairs, patients)
    for note in read.notes:
        say(console, f"note: {note}")
    say(console, f"{len(films.pairs)} films; {describe_exclusions(excluded)}")
    if recipe.folds == 1:
        dealt = ", ".join(f"{part.value} {len(rows)}" for part, rows in parts.items())
        say(console, f"films by part: {dealt}")
    else:
        taught = len(rows_that_teach(parts, recipe.folds))
        say(console, f"films: {taught} in {recipe.folds} folds, TEST {len(parts[Part.TEST])}")
    run = _Run(
        read=read,
        films=films,
        parts=parts,
        recipe=recipe,
        reference=reference,
        out=out,
        device=device,
        initial=initial,
        console=console,
    )
    _check_there_are_enough(run)
    if recipe.arm is Arm.CLINICAL_ONLY:
        return _without_film(run)
    return _with_film(run, name=name, version=version)


def read_pairs(manifest: Path, recipe: Recipe) -> Manifest:
    """Return a manifest as a recipe's runs take it.

    Raises
    ------
    ConfigurationError
        It cannot be used.
    """
    return read_manifest(
        manifest,
        reference=load_bmd_reference(recipe.reference),
        growth=load_growth_reference(),
        age_years=recipe.age_years,
        pair_days=recipe.pair_days,
        film_days=recipe.held_out.from_day is not None,
    )


def _check_there_are_enough(run: _Run) -> None:
    """Refuse before hours of learning what could not be calibrated after them."""
    folds = run.recipe.folds
    rows = run.parts[Part.CALIBRATION] if folds == 1 else rows_that_teach(run.parts, folds)
    patients = len({run.films.pairs[row].patient for row in rows})
    needed = _FEWEST_TO_CALIBRATE if run.recipe.arm is Arm.FUSED else 1
    if patients < needed:
        raise ConfigurationError(
            f"{patients} patients to calibrate with, and {needed} are needed: add patients"
            + (", or let --folds 5 calibrate with all of them" if folds == 1 else "")
        )


def _with_film(run: _Run, *, name: str, version: str) -> Path:
    """Learn, calibrate on films of no other use, test, and write the predictor."""
    folded = run.recipe.folds > 1
    learnt_from = rows_that_teach(run.parts, run.recipe.folds)
    films = dress(run.films, run.recipe.arm, learnt_from, run.recipe.seed)
    run = dataclasses.replace(run, films=films)
    held_out, parts = None, run.parts
    if folded:
        held_out, parts = _fold_by_fold(run), _nobody() | {Part.TRAINING: learnt_from}
        say(run.console, "the network that is kept learns from all of them")
    network = _learn(run, parts, run.out)
    folder = run.out / "predictor"
    weights_sha256 = save_weights(folder, network)
    # what is calibrated is what was saved, rounded to float16
    kept = _kept(run, folder)
    if held_out is None:
        held_out = _ask(run, kept, run.parts[Part.CALIBRATION])
    write_table(run.out / OUT_OF_FOLD, held_out)
    tested = _ask(run, kept, run.parts[Part.TEST]) if run.parts[Part.TEST] else None
    if tested is not None:
        write_table(run.out / TEST_PREDICTIONS, tested)
    if run.recipe.arm is not Arm.FUSED:
        # an arm is asked what it can tell, and never estimates for anybody
        shutil.rmtree(folder)
        say(run.console, f"{run.recipe.arm.value}: {run.out / TEST_PREDICTIONS}")
        return run.out
    synthetic = films.synthetic or run.reference.synthetic
    fitted = calibrate(held_out, synthetic=synthetic)
    card = make_card(
        name=name,
        version=version,
        films=films,
        training_rows=learnt_from,
        head=kept.head.cpu(),
        reference=run.reference,
        fitted=fitted,
        recipe=run.recipe,
        machine=describe_machine(run.device),
        manifest_sha256=run.read.checksum,
        split=run.out / "split.csv",
        weights_sha256=weights_sha256,
    )
    write_card(folder, card)
    if tested is not None:
        evaluation = evaluate_table(tested, card)
        write_evaluation(run.out / "evaluation.json", evaluation)
        write_card(folder, dataclasses.replace(card, metrics=evaluation.values()))
        say(run.console, evaluation.summary())
    say(run.console, f"{card.label}: {folder}")
    return folder


def _fold_by_fold(run: _Run) -> PredictionTable:
    """Return every child's estimate by a network that has not seen it; and test the ensemble."""
    tables, tested = [], []
    for number, (others, held) in enumerate(_folds(run), start=1):
        say(run.console, f"fold {number} of {run.recipe.folds}")
        parts = _nobody() | {Part.TRAINING: others, Part.VALIDATION: held}
        network = _learn(run, parts, run.out / f"fold-{number}")
        tables.append(_ask(run, network, held))
        if run.parts[Part.TEST]:
            tested.append(_ask(run, network, run.parts[Part.TEST]))
    if tested:
        write_table(run.out / ENSEMBLE, mean_of(tested))
    return joined(tables)


def _folds(run: _Run) -> list[tuple[list[int], list[int]]]:
    """Return the rows to learn from and those to ask about, fold by fold; the test has none."""
    rows = rows_that_teach(run.parts, run.recipe.folds)
    dealt = [set(f) for f in deal_folds(run.films.pairs, rows, run.recipe.folds, run.recipe.seed)]
    return [
        ([row for row in rows if row not in held], [row for row in rows if row in held])
        for held in dealt
    ]


def mean_of(tables: Sequence[PredictionTable]) -> PredictionTable:
    """Return the ensemble's table: the mean of several networks' estimates of the same films."""
    first = tables[0]
    return dataclasses.replace(
        first,
        raw_z={name: np.mean([t.raw_z[name] for t in tables], axis=0) for name in first.raw_z},
        raw_low_logit=np.mean([t.raw_low_logit for t in tables], axis=0),
        on_spine=np.mean([t.on_spine for t in tables], axis=0),
    )


def _without_film(run: _Run) -> Path:
    """Fit the arm that sees no film; leaves its predictions and no predictor."""

    def asked(learnt_from: list[int], rows: list[int]) -> PredictionTable:
        raw = clinical_estimates(run.films, learnt_from, rows, run.recipe.seed)
        return describe_films(run.films, rows, raw_z=raw)

    if run.recipe.folds == 1:
        learnt_from = [*run.parts[Part.TRAINING], *run.parts[Part.VALIDATION]]
        held_out = asked(learnt_from, run.parts[Part.CALIBRATION])
    else:
        learnt_from = rows_that_teach(run.parts, run.recipe.folds)
        held_out = joined([asked(others, held) for others, held in _folds(run)])
    write_table(run.out / OUT_OF_FOLD, held_out)
    if run.parts[Part.TEST]:
        write_table(run.out / TEST_PREDICTIONS, asked(learnt_from, run.parts[Part.TEST]))
    say(run.console, f"clinical-only: {run.out / TEST_PREDICTIONS}")
    return run.out


def _learn(run: _Run, parts: Parts, out: Path) -> ScreenerNet:
    return learn(
        run.films,
        dict(parts),
        run.recipe,
        out,
        device=run.device,
        console=run.console,
        initial=run.initial,
    )


def _ask(run: _Run, network: ScreenerNet, rows: list[int]) -> PredictionTable:
    return predict_table(network, run.films, rows, device=run.device, console=run.console)


def _kept(run: _Run, folder: Path) -> ScreenerNet:
    content = (folder / WEIGHTS_FILE).read_bytes()
    return read_weights(content, run.recipe.architecture).to(run.device)


def _nobody() -> dict[Part, list[int]]:
    return {part: [] for part in Part}


def _keep_recipe(path: Path, recipe: Recipe, manifest_checksum: str, initial: Path | None) -> None:
    facts = {"manifest_sha256": manifest_checksum, **dataclasses.asdict(recipe)}
    if initial is not None:
        facts["initial"] = initial.name
    document = json.dumps(facts, indent=2, default=str)
    if path.is_file() and path.read_text() != document:
        raise ConfigurationError(
            f"{path} belongs to a run with other settings or another manifest: "
            "train into another folder"
        )
    path.write_text(document)
