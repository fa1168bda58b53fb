"""From prepared films to predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from screener.domain.errors import DeviceUnavailable, PredictorMismatch
from screener.domain.prediction import Prediction
from screener.predictor.attribution import PLAYERS
from screener.predictor.card import load_card, load_identity, write_card
from screener.predictor.checkpoint import load_network
from screener.predictor.encoding import encode_clinical
from screener.predictor.predict import TorchPredictor


@pytest.fixture
def predictor(folder: Path) -> TorchPredictor:
    return TorchPredictor.load(folder)


def estimated(predictor: TorchPredictor, items: Sequence[Any]) -> list[Prediction]:
    """Return the predictions of films none of which is turned away."""
    predictions = predictor.predict(items)
    estimates = [p for p in predictions if isinstance(p, Prediction)]
    assert len(estimates) == len(predictions)
    return estimates


def z_of(predictor: TorchPredictor, prediction: Any, child: Any) -> float:
    return predictor.card.reference.reference().z_score(
        sex=child.sex, age_years=child.age_years, abmd_g_cm2=prediction.abmd_g_cm2
    )


def test_estimate_is_the_reference_at_the_calibrated_z(
    folder: Path, predictor: TorchPredictor, film: Any, child: Any
) -> None:
    network, card = load_network(folder)
    asked, told = film(3), child()
    with torch.inference_mode():
        raw = network(
            torch.from_numpy(asked.pixels)[None, None],
            torch.from_numpy(encode_clinical(told, asked.mm_per_pixel))[None],
        ).z.item()

    (prediction,) = estimated(predictor, [(asked, told)])

    expected = card.calibration.intercept + card.calibration.slope * raw
    assert z_of(predictor, prediction, told) == pytest.approx(expected, abs=1e-4)


def test_interval_is_the_cards_width_for_what_is_missing(
    predictor: TorchPredictor, film: Any, child: Any
) -> None:
    reference = predictor.card.reference.reference()

    for told, half_width in ((child(), 1.0), (child(height_m=None, weight_kg=None), 1.3)):
        (prediction,) = estimated(predictor, [(film(), told)])
        z_low, z, z_high = (
            reference.z_score(sex=told.sex, age_years=told.age_years, abmd_g_cm2=abmd)
            for abmd in (
                prediction.abmd_low_g_cm2,
                prediction.abmd_g_cm2,
                prediction.abmd_high_g_cm2,
            )
        )
        assert (z - z_low, z_high - z) == pytest.approx((half_width, half_width))
        assert prediction.interval_level == 0.9


def test_contributions_and_the_baseline_add_up_to_the_z(
    folder: Path, film: Any, child: Any
) -> None:
    network, card = load_network(folder)
    with torch.inference_mode():
        head = network.head
        raw = head(head.pooled_baseline[None], head.clinical_baseline[None]).z.item()
    told = child()
    predictor = TorchPredictor.load(folder)

    (prediction,) = estimated(predictor, [(film(), told)])

    baseline = card.calibration.intercept + card.calibration.slope * raw
    total = baseline + sum(contribution.sd for contribution in prediction.contributions)
    assert total == pytest.approx(z_of(predictor, prediction, told), abs=1e-4)
    assert tuple(c.name for c in prediction.contributions) == PLAYERS


def test_prediction_names_its_predictor_its_field_and_its_map(
    folder: Path, predictor: TorchPredictor, film: Any, child: Any
) -> None:
    (prediction,) = estimated(predictor, [(film(), child())])

    assert prediction.predictor == load_identity(folder) == predictor.identity
    assert prediction.input_field == film().input_field
    assert prediction.attention is not None
    assert (prediction.attention.rows, prediction.attention.columns) == (2, 2)
    assert max(prediction.attention.values) == pytest.approx(1.0)


def test_same_input_gives_the_same_prediction_alone_and_among_others(
    folder: Path, predictor: TorchPredictor, film: Any, child: Any
) -> None:
    asked = (film(1), child())

    alone = estimated(predictor, [asked])[0]
    among = estimated(predictor, [(film(2), child(age_years=5.0)), asked, (film(3), child())])[1]

    assert alone == among
    assert alone == TorchPredictor.load(folder).predict([asked])[0]


def test_digest_covers_film_and_clinical_variables(
    predictor: TorchPredictor, film: Any, child: Any
) -> None:
    predictions = estimated(
        predictor,
        [
            (film(1), child()),
            (film(2), child()),
            (film(1), child(height_m=None)),
            (dataclasses.replace(film(1), mm_per_pixel=1.3), child()),
        ],
    )

    assert len({prediction.input_digest for prediction in predictions}) == 4


def test_no_films_give_no_predictions(predictor: TorchPredictor) -> None:
    assert predictor.predict([]) == []


def test_bfloat16_agrees_with_float32(folder: Path, film: Any, child: Any) -> None:
    items = [(film(seed), child()) for seed in range(4)]
    exact = estimated(TorchPredictor.load(folder), items)

    fast = estimated(TorchPredictor.load(folder, precision="bfloat16"), items)

    for one, other in zip(exact, fast, strict=True):
        # fifty random layers round worse than trained ones: 2 % of the estimate
        assert other.abmd_g_cm2 == pytest.approx(one.abmd_g_cm2, rel=0.02)
        assert other.input_digest == one.input_digest


@pytest.mark.parametrize("age_years", [2.0, 18.0])
def test_age_outside_the_card_is_refused(
    predictor: TorchPredictor, film: Any, child: Any, age_years: float
) -> None:
    with pytest.raises(PredictorMismatch, match="years"):
        predictor.predict([(film(), child()), (film(), child(age_years=age_years))])


def test_film_of_another_size_is_refused(predictor: TorchPredictor, film: Any, child: Any) -> None:
    with pytest.raises(PredictorMismatch, match="64 px"):
        predictor.predict([(film(size_px=96), child())])


def test_film_of_another_preparation_is_refused(
    predictor: TorchPredictor, film: Any, child: Any
) -> None:
    with pytest.raises(PredictorMismatch, match="preparation"):
        predictor.predict([(dataclasses.replace(film(), preparation_version=99), child())])


def test_card_of_other_weights_is_refused(folder: Path) -> None:
    write_card(folder, dataclasses.replace(load_card(folder), weights_sha256="d" * 64))

    with pytest.raises(PredictorMismatch, match="not what its card was written for"):
        TorchPredictor.load(folder)


def test_card_of_another_architecture_is_refused(folder: Path) -> None:
    card = load_card(folder)
    wider = dataclasses.replace(card.architecture, widen_factor=1 / 8)
    write_card(folder, dataclasses.replace(card, architecture=wider))

    with pytest.raises(PredictorMismatch, match="do not fit"):
        TorchPredictor.load(folder)


def test_weights_survive_the_disk_to_float16(folder: Path, network: Any) -> None:
    loaded, _ = load_network(folder)

    for name, tensor in network.state_dict().items():
        assert np.allclose(loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-5), name


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_cuda_without_a_device_is_unavailable(folder: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="CUDA"):
        TorchPredictor.load(folder, device="cuda")
