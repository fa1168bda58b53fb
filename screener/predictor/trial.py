"""Does a predictor compute? Its network is asked about a film and child that never change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from screener.domain.errors import PredictorMismatch
from screener.domain.patient import ClinicalVariables, Measurement, Sex, Source
from screener.predictor.card import PredictorCard
from screener.predictor.checkpoint import load_network
from screener.predictor.encoding import encode_clinical
from screener.predictor.predict import TorchPredictor

_MM_PER_PIXEL = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a predictor says of the check input; Z in SDs of the card's reference.

    The input is made up, and so the Z means nothing but that the same files give the same number.
    """

    raw_z: float
    z: float


def try_predictor(folder: Path) -> Trial:
    """Load a predictor as a node does, and let its network estimate the check input, twice.

    Raises
    ------
    PredictorMismatch
        Weights, gates and card do not go together, or what it says is no number or not repeatable.
    """
    # as a node: with its gates
    TorchPredictor.load(folder)
    network, card = load_network(folder)
    film, clinical = check_input(card)
    with torch.inference_mode():
        first, second = (
            network(torch.from_numpy(film), torch.from_numpy(clinical)).z.item() for _ in range(2)
        )
    if not math.isfinite(first):
        raise PredictorMismatch(
            f"predictor {card.label} gives {first} for the check input, which is no Z: train it "
            "again"
        )
    if first != second:
        raise PredictorMismatch(
            f"predictor {card.label} gives {first} and then {second} for the same input: look at "
            "this machine and its installation of torch"
        )
    return Trial(raw_z=first, z=card.calibration.intercept + card.calibration.slope * first)


def check_input(card: PredictorCard) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return a made-up film and child in the form that a predictor's network takes.

    Returns
    -------
    tuple of numpy.ndarray
        ``[1, 1, S, S]`` float32, 0.25 to 0.75, two waves across each other; and ``[1, 7]`` float32,
        a girl in the middle of the card's ages, 1.40 m and 33 kg.
    """
    at = np.linspace(0.0, 1.0, card.size_px)
    film = 0.5 + 0.25 * np.outer(np.cos(4 * np.pi * at), np.sin(6 * np.pi * at))
    child = ClinicalVariables(
        age_years=sum(card.age_years) / 2,
        sex=Sex.FEMALE,
        height_m=Measurement(value=1.4, source=Source.HEADER),
        weight_kg=Measurement(value=33.0, source=Source.HEADER),
    )
    return film.astype(np.float32)[None, None], encode_clinical(child, _MM_PER_PIXEL)[None]
