"""What each arm of a study is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.predictor.encoding import AGE, HEIGHT_KNOWN, LOG_MM, WEIGHT_KNOWN
from screener.training.arms import Arm, clinical_estimates, dress
from screener.training.dataset import Dress, FilmSet
from tests.unit.training.conftest import SIDE_PX

TRAINING = list(range(160))


def with_spines(films: FilmSet) -> FilmSet:
    """Return the toys with a mask of their band, wherever it stands."""
    side = SIDE_PX // 4
    spines = np.zeros((len(films.array), side, side), np.uint8)
    spines[:, :, side // 4 : 3 * side // 4] = 255
    pairs = tuple(replace(pair, spine_mask=pair.path) for pair in films.pairs)
    return replace(films, spines=spines, pairs=pairs)


def test_the_image_only_arm_knows_nothing_but_the_films_scale(toy_films: FilmSet) -> None:
    shown = dress(toy_films, Arm.IMAGE_ONLY, TRAINING, seed=1)

    assert np.ptp(shown.clinical[:, AGE]) == 0
    assert not shown.clinical[:, [HEIGHT_KNOWN, WEIGHT_KNOWN]].any()
    assert (shown.clinical[:, LOG_MM] == toy_films.clinical[:, LOG_MM]).all()
    assert shown.films([3]).tolist() == toy_films.films([3]).tolist()


def test_the_spine_is_taken_out_or_left_alone(toy_films: FilmSet) -> None:
    films = with_spines(toy_films)
    whole = films.films([5])[0]
    middle, edge = whole[:, SIDE_PX // 2], slice(0, 4)

    without = dress(films, Arm.SPINE_MASKED, TRAINING, seed=1)
    alone = dress(films, Arm.SPINE_ONLY, TRAINING, seed=1)

    assert (without.dress, alone.dress) == (Dress.WITHOUT_SPINE, Dress.SPINE_ALONE)
    assert np.abs(without.films([5])[0][:, SIDE_PX // 2] - middle).mean() > 0.02
    assert alone.films([5])[0][:, SIDE_PX // 2] == pytest.approx(middle, abs=0.02)
    assert alone.films([5])[0][:, edge].max() < 1e-6


@pytest.mark.parametrize("arm", [Arm.SPINE_MASKED, Arm.SPINE_ONLY])
def test_arms_about_the_spine_need_its_masks(toy_films: FilmSet, arm: Arm) -> None:
    with pytest.raises(ConfigurationError, match="spine_mask"):
        dress(toy_films, arm, TRAINING, seed=1)


def test_labels_are_dealt_out_anew_among_the_training_children_alone(toy_films: FilmSet) -> None:
    shuffled = dress(toy_films, Arm.LABEL_SHUFFLED, TRAINING, seed=1)

    assert sorted(shuffled.z[TRAINING]) == sorted(toy_films.z[TRAINING])
    assert abs(np.corrcoef(shuffled.z[TRAINING], toy_films.z[TRAINING])[0, 1]) < 0.3
    assert (shuffled.z[160:] == toy_films.z[160:]).all()


def test_the_clinical_arm_learns_what_height_tells_and_needs_it(toy_films: FilmSet) -> None:
    height_z = toy_films.clinical[:, 2] - 0.75 - 0.06 * toy_films.clinical[:, AGE]
    films = replace(toy_films, z=(20 * height_z).astype(np.float32))

    raw = clinical_estimates(films, TRAINING, range(160, 240), seed=0)

    truth = films.z[160:240]
    assert np.corrcoef(raw["none"], truth)[0, 1] > 0.5
    without = np.corrcoef(raw["height and weight"], truth)[0, 1]
    assert np.corrcoef(raw["none"], truth)[0, 1] > without + 0.1


def test_the_fused_arm_is_left_as_it_is(toy_films: FilmSet) -> None:
    assert dress(toy_films, Arm.FUSED, TRAINING, seed=1) is toy_films
