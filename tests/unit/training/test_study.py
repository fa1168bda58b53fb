"""Arms and seeds of one recipe, on the same films and the same split."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.phantom.make import make_films
from screener.training.arms import Arm
from screener.training.predictions import read_table
from screener.training.recipe import Recipe
from screener.training.study import possible_arms, train_arms
from screener.training.train import TEST_PREDICTIONS

QUIET = Console(quiet=True)
TINY = Recipe(size_px=64, epochs=1, batch_size=8, rate=3e-3, widen_factor=1 / 16)


def test_other_seeds_are_tested_on_the_same_children(toy_manifest: Path, tmp_path: Path) -> None:
    folders = train_arms(
        toy_manifest, tmp_path, TINY, [Arm.CLINICAL_ONLY], seeds=2, workers=1, console=QUIET
    )

    assert folders == {
        "clinical-only": tmp_path / "clinical-only",
        "clinical-only-seed-2": tmp_path / "clinical-only-seed-2",
    }
    first, second = (read_table(folder / TEST_PREDICTIONS) for folder in folders.values())
    assert first.path == second.path
    splits = [(folder / "split.csv").read_bytes() for folder in folders.values()]
    assert splits[0] == splits[1]
    assert (tmp_path / "prepared-64px" / "films.npy").is_file()


def test_arms_of_the_spine_are_left_out_where_films_have_no_masks(toy_manifest: Path) -> None:
    printed = io.StringIO()

    possible = possible_arms(toy_manifest, TINY, None, console=Console(file=printed))

    assert possible == [Arm.FUSED, Arm.CLINICAL_ONLY, Arm.IMAGE_ONLY, Arm.LABEL_SHUFFLED]
    assert "left out: spine-masked, spine-only" in printed.getvalue()


def test_where_films_have_masks_every_arm_is_possible_once(tmp_path: Path) -> None:
    path = make_films(2, 7, tmp_path, processes=1, spacing_mm=2.0)

    assert possible_arms(path, TINY, None, console=QUIET) == list(Arm)
    assert possible_arms(path, TINY, [Arm.FUSED, Arm.FUSED], console=QUIET) == [Arm.FUSED]


def test_an_arm_of_the_spine_that_was_asked_for_needs_masks(
    toy_manifest: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="spine-only: needs a spine mask"):
        train_arms(toy_manifest, tmp_path, TINY, [Arm.FUSED, Arm.SPINE_ONLY], console=QUIET)

    assert not (tmp_path / "fused").exists()
