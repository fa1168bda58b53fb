"""A finished network becomes a predictor's folder: weights, and a card that says what they are."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from screener.domain.reference import BmdReference
from screener.imaging.preprocess import PREPARATION_VERSION
from screener.predictor.architecture import Head
from screener.predictor.card import CARD_SCHEMA, PredictorCard
from screener.predictor.encoding import (
    AGE,
    HEIGHT,
    HEIGHT_KNOWN,
    LOG_MM,
    MALE,
    WEIGHT,
    WEIGHT_KNOWN,
)
from screener.predictor.facts import Calibration, ReferenceFacts, ShapleyBaseline, TrainingFacts
from screener.training.calibrate import Fitted
from screener.training.dataset import FilmSet
from screener.training.recipe import Recipe

_INTENDED_USE = (
    "Research use only; not a medical device. Estimates areal bone mineral density of L1-L4 from "
    "a child's frontal chest radiograph. It is not a DXA measurement and excludes nothing."
)
_SYNTHETIC_USE = (
    " This predictor is synthetic: it was trained on computed children alone, has never seen a "
    "child, and scores no real film."
)
_NOTES = (
    "No decision threshold belongs to this predictor before `screener calibrate` has run. The "
    "interval is split-conformal on children held out of training; it holds for children drawn "
    "like those. Metrics are on the test part of the training manifest, whose distribution of Z "
    "may be wider than any clinic's."
)


def make_card(
    *,
    name: str,
    version: str,
    films: FilmSet,
    training_rows: list[int],
    head: Head,
    reference: BmdReference,
    fitted: Fitted,
    recipe: Recipe,
    machine: str,
    manifest_sha256: str,
    split: Path,
    weights_sha256: str,
) -> PredictorCard:
    """Return the card of a trained and calibrated network, without metrics.

    It says synthetic where any film or the reference is.
    """
    synthetic = films.synthetic or reference.synthetic
    patients = len({films.pairs[row].patient for row in training_rows})
    kind = "synthetic children of the phantom" if synthetic else "children"
    return PredictorCard(
        schema=CARD_SCHEMA,
        name=name,
        version=version,
        synthetic=synthetic,
        intended_use=_INTENDED_USE + (_SYNTHETIC_USE if synthetic else ""),
        decision_notes=_NOTES,
        created=datetime.now(UTC).date().isoformat(),
        training=TrainingFacts(
            data=f"{len(training_rows)} frontal chest films of {patients} {kind}",
            machine=machine,
            films=len(training_rows),
            patients=patients,
            epochs=recipe.epochs,
            seed=recipe.seed,
            manifest_sha256=manifest_sha256,
            split_sha256=hashlib.sha256(split.read_bytes()).hexdigest(),
        ),
        architecture=recipe.architecture,
        size_px=films.size_px,
        preparation_version=PREPARATION_VERSION,
        age_years=recipe.age_years,
        trained_ranges=_ranges(films, training_rows),
        reference=ReferenceFacts.of(reference),
        calibration=fitted.calibration,
        interval=fitted.interval,
        baseline=_baseline(head, fitted.calibration),
        metrics={},
        weights_sha256=weights_sha256,
        probability=fitted.probability,
    )


def describe_machine(device: str) -> str:
    """Return what a network was trained on: the accelerator's name, or the processor's."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    cores = torch.get_num_threads()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {cores} threads"


def _ranges(films: FilmSet, rows: list[int]) -> dict[str, tuple[float, float]]:
    clinical = films.clinical[rows]
    columns = {
        "age_years": clinical[:, AGE],
        "height_m": clinical[clinical[:, HEIGHT_KNOWN] > 0, HEIGHT],
        "weight_kg": clinical[clinical[:, WEIGHT_KNOWN] > 0, WEIGHT],
        "mm_per_pixel": np.exp(clinical[:, LOG_MM]),
        "z": films.z[rows],
    }
    return {
        name: (round(float(values.min()), 4), round(float(values.max()), 4))
        for name, values in columns.items()
        if len(values)
    }


@torch.inference_mode()
def _baseline(head: Head, calibration: Calibration) -> ShapleyBaseline:
    raw = float(head(head.pooled_baseline[None], head.clinical_baseline[None]).z)
    return ShapleyBaseline(
        age_years=float(head.clinical_baseline[AGE]),
        male_share=float(head.clinical_baseline[MALE]),
        z=calibration.intercept + calibration.slope * raw,
    )
