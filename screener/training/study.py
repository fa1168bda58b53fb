"""Several runs of one recipe: the arms of a study, and other seeds, on the same films and split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.predictor.predict import Device
from screener.training.arms import Arm
from screener.training.progress import say
from screener.training.recipe import Recipe
from screener.training.train import read_pairs, train

_OF_THE_SPINE = frozenset({Arm.SPINE_MASKED, Arm.SPINE_ONLY})


def train_arms(
    manifest: Path,
    out: Path,
    recipe: Recipe,
    arms: Sequence[Arm] | None,
    *,
    seeds: int = 1,
    device: Device = "cpu",
    workers: int = 2,
    name: str = "screener-synthetic",
    version: str = "0.1.0",
    initial: Path | None = None,
    console: Console | None = None,
) -> dict[str, Path]:
    """Train one run after another, each of which goes on where it was stopped.

    Parameters
    ----------
    manifest
        As `train` takes it.
    out
        One run goes there; of several, each to a folder in it: the arm's name, and from the second
        seed on ``<arm>-seed-<seed>``. Prepared films are shared.
    recipe
        Of every run; its arm is not looked at, and its seed is the first.
    arms
        Which; None for all that the manifest allows.
    seeds
        How many seeds of each arm. The split is that of the first, so that all runs are tested on
        the same children.
    device, workers, name, version, initial, console
        As `train` takes them.

    Returns
    -------
    dict
        By the run's name, the predictor's folder, or that of an arm's predictions.

    Raises
    ------
    ConfigurationError
        As of `train`; or an arm about the spine was asked for and the manifest lacks masks.
    """
    console = console or Console()
    runs: dict[str, Recipe] = {}
    for arm in possible_arms(manifest, recipe, arms, console=console):
        for seed in range(recipe.seed, recipe.seed + seeds):
            run = arm.value if seed == recipe.seed else f"{arm.value}-seed-{seed}"
            runs[run] = dataclasses.replace(recipe, arm=arm, seed=seed)
    alone = len(runs) == 1
    folders: dict[str, Path] = {}
    split: Path | None = None
    for run, own in runs.items():
        if not alone:
            say(console, f"run {len(folders) + 1} of {len(runs)}: {run}")
        into = out if alone else out / run
        folders[run] = train(
            manifest,
            into,
            own,
            device=device,
            workers=workers,
            name=name if own.seed == recipe.seed else f"{name}-seed-{own.seed}",
            version=version,
            initial=initial,
            prepared=None if alone else out / f"prepared-{recipe.size_px}px",
            split=split,
            console=console,
        )
        split = split or into / "split.csv"
    return folders


def possible_arms(
    manifest: Path, recipe: Recipe, arms: Sequence[Arm] | None, *, console: Console
) -> list[Arm]:
    """Return the arms asked for, each once; of all, those that the manifest allows.

    Raises
    ------
    ConfigurationError
        An arm about the spine was asked for by name, and a film has no mask.
    """
    asked = list(Arm) if arms is None else list(dict.fromkeys(arms))
    spinal = [arm for arm in asked if arm in _OF_THE_SPINE]
    if not spinal or all(pair.spine_mask for pair in read_pairs(manifest, recipe).pairs):
        return asked
    named = ", ".join(spinal)
    if arms is not None:
        raise ConfigurationError(f"{named}: needs a spine mask of every film: column spine_mask")
    say(console, f"left out: {named}: not every film has a spine mask")
    return [arm for arm in asked if arm not in _OF_THE_SPINE]
