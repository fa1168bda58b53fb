"""The predictor that ships: whole, honest about what it is, and moved by what it should see."""

from __future__ import annotations

import numpy as np
import pytest

from screener.dicom.pixels import read_radiograph
from screener.domain.eligibility import View
from screener.domain.patient import ClinicalVariables, Measurement, Source
from screener.domain.prediction import Prediction
from screener.imaging.preprocess import PREPARATION_VERSION, prepare
from screener.phantom.cohort import draw_child
from screener.phantom.film import expose
from screener.phantom.write_dicom import encode
from screener.predictor.card import PredictorCard, load_card, verify_weights
from screener.predictor.predict import TorchPredictor
from screener.storage.references import load_bmd_reference
from screener.wiring import SHIPPED_PREDICTOR

#: Far from the seeds of any training set and of the demo.
SEED = 8_000_000_000
LOW_Z, HIGH_Z = -3.0, 0.0


@pytest.fixture(scope="module")
def card() -> PredictorCard:
    return load_card(SHIPPED_PREDICTOR)


@pytest.fixture(scope="module")
def predictor() -> TorchPredictor:
    return TorchPredictor.load(SHIPPED_PREDICTOR)


def estimated_z(predictor: TorchPredictor, seed: int, z: float) -> float:
    """Return the Z that it estimates; not a number where a gate turns the film away."""
    child = draw_child(seed, z=z)
    film = expose(child, seed=1, site="ABCDE"[seed % 5], view=View.PA, spacing_mm=0.5)
    told = ClinicalVariables(
        age_years=child.age_years,
        sex=child.sex,
        height_m=Measurement(value=child.height_cm / 100, source=Source.HEADER),
        weight_kg=Measurement(value=child.weight_kg, source=Source.HEADER),
    )
    prepared = prepare(read_radiograph(encode(film, child)), predictor.card.size_px)
    (prediction,) = predictor.predict([(prepared, told)])
    if not isinstance(prediction, Prediction):
        return float("nan")
    return load_bmd_reference("synthetic-demo").z_score(
        sex=child.sex, age_years=child.age_years, abmd_g_cm2=prediction.abmd_g_cm2
    )


def test_it_says_that_it_is_synthetic_and_for_whom(card: PredictorCard) -> None:
    assert card.synthetic
    assert card.label.endswith("(synthetic)")
    assert "has never seen a child" in card.intended_use
    assert "synthetic children" in card.training.data
    assert card.age_years == (3.0, 18.0)


def test_it_is_whole_and_fits_this_software(card: PredictorCard) -> None:
    verify_weights(SHIPPED_PREDICTOR, card)
    assert card.preparation_version == PREPARATION_VERSION
    assert card.reference.checksum == load_bmd_reference("synthetic-demo").checksum


def test_its_interval_is_narrow_enough_for_a_verdict_also_without_height_and_weight(
    card: PredictorCard,
) -> None:
    assert 2 * max(card.interval.half_width_z.values()) < 4.0
    assert 0.85 <= card.metrics["coverage_90"] <= 0.95


def test_twins_who_differ_in_mineral_alone_are_told_apart(predictor: TorchPredictor) -> None:
    low = np.array([estimated_z(predictor, SEED + n, LOW_Z) for n in range(8)])
    high = np.array([estimated_z(predictor, SEED + n, HIGH_Z) for n in range(8)])

    moved = (high - low) / (HIGH_Z - LOW_Z)
    assert np.isfinite(moved).sum() >= 7, "its gates turn away more than one of eight"
    moved = moved[np.isfinite(moved)]
    assert (moved > 0).all()
    assert 0.5 < moved.mean() < 1.2
