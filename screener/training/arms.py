"""The arms of a study: what a network is shown, and what the film adds to what is known anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from screener.domain.errors import ConfigurationError
from screener.predictor.encoding import (
    AGE,
    HEIGHT,
    HEIGHT_KNOWN,
    MALE,
    WEIGHT,
    WEIGHT_KNOWN,
    forget,
)
from screener.predictor.facts import MISSING_PATTERNS
from screener.training.dataset import Dress, FilmSet
from screener.training.predictions import Floats


class Arm(StrEnum):
    """What the estimate may come from."""

    #: Film, age, sex, height and weight: the predictor.
    FUSED = "fused"
    #: Age, sex, height and weight, without the film; a gradient boosting.
    CLINICAL_ONLY = "clinical-only"
    #: The film and its scale, without anything that is known of the child.
    IMAGE_ONLY = "image-only"
    #: As fused, with the spine taken out of the film.
    SPINE_MASKED = "spine-masked"
    #: As fused, with nothing but the spine left in the film.
    SPINE_ONLY = "spine-only"
    #: As fused, with the Z of the training children dealt out anew: it must learn nothing.
    LABEL_SHUFFLED = "label-shuffled"


def dress(films: FilmSet, arm: Arm, training: Sequence[int], seed: int) -> FilmSet:
    """Return the films as an arm sees them.

    Parameters
    ----------
    films
        As prepared.
    arm
        Any but ``clinical-only``, which sees no film.
    training
        Rows whose Z may be dealt out anew; that of the others stays true.
    seed
        Of the dealing.

    Raises
    ------
    ConfigurationError
        The arm needs spine masks, and the films have none.
    """
    match arm:
        case Arm.IMAGE_ONLY:
            return replace(films, clinical=_unknown(films.clinical, training))
        case Arm.SPINE_MASKED | Arm.SPINE_ONLY:
            if not films.has_spine:
                raise ConfigurationError(
                    f"the arm {arm.value} needs a spine mask of every film: column spine_mask"
                )
            worn = Dress.WITHOUT_SPINE if arm is Arm.SPINE_MASKED else Dress.SPINE_ALONE
            return replace(films, dress=worn)
        case Arm.LABEL_SHUFFLED:
            z = films.z.copy()
            rows = np.array(training)
            z[rows] = films.z[np.random.default_rng(seed).permutation(rows)]
            return replace(films, z=z)
        case _:
            return films


def _unknown(clinical: npt.NDArray[np.float32], training: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return clinical rows that say nothing but the film's scale."""
    told = forget(clinical, height=True, weight=True)
    told[:, AGE] = clinical[list(training), AGE].mean()
    told[:, MALE] = 0.5
    return told


def clinical_estimates(
    films: FilmSet, training: Sequence[int], rows: Sequence[int], seed: int
) -> dict[str, Floats]:
    """Return the raw Z of a gradient boosting that sees no film, by pattern of missing variables.

    Parameters
    ----------
    films
        Only their clinical variables and Z are looked at.
    training, rows
        What it learns from, and whom it is asked about.
    seed
        Of the learning.

    Notes
    -----
    It learns from each child four times, once under each pattern, and takes what is missing as
    missing. Source: scikit-learn, `HistGradientBoostingRegressor`.
    """
    patterns = list(MISSING_PATTERNS)

    def seen(chosen: Sequence[int], missing: tuple[str, ...]) -> npt.NDArray[np.float64]:
        told = forget(
            films.clinical[list(chosen)], height="height" in missing, weight="weight" in missing
        ).astype(np.float64)
        told[told[:, HEIGHT_KNOWN] == 0, HEIGHT] = np.nan
        told[told[:, WEIGHT_KNOWN] == 0, WEIGHT] = np.nan
        return np.asarray(told[:, [AGE, MALE, HEIGHT, WEIGHT]])

    model = HistGradientBoostingRegressor(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=20, random_state=seed
    )
    # trees this small wait for threads longer than they compute
    with threadpool_limits(1, user_api="openmp"):
        model.fit(
            np.concatenate([seen(training, missing) for missing in patterns]),
            np.tile(films.z[list(training)].astype(np.float64), len(patterns)),
        )
        return {
            name: np.asarray(model.predict(seen(rows, missing)), np.float64)
            for missing, name in MISSING_PATTERNS.items()
        }
