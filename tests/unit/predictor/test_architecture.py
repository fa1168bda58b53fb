"""The network: its size, its shapes, what it does with what is missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from screener.domain.patient import Sex
from screener.predictor.architecture import ScreenerNet, pool
from screener.predictor.checkpoint import save_weights
from screener.predictor.encoding import encode_clinical, forget


def rows(*children: Any, mm_per_pixel: float = 1.2) -> torch.Tensor:
    return torch.from_numpy(np.stack([encode_clinical(c, mm_per_pixel) for c in children]))


def test_the_real_network_fits_into_50_million_bytes(tmp_path: Path) -> None:
    network = ScreenerNet()

    save_weights(tmp_path, network)

    assert sum(p.numel() for p in network.parameters()) < 24_500_000
    assert (tmp_path / "weights.safetensors").stat().st_size < 50_000_000


def test_features_are_a_thirty_second_of_the_film(network: ScreenerNet) -> None:
    features = network.features(torch.rand(2, 1, 96, 96))

    assert features.shape == (2, 2048 // 16, 3, 3)


def test_answers_are_one_of_each_a_film(network: ScreenerNet, child: Any) -> None:
    with torch.inference_mode():
        outputs = network(torch.rand(3, 1, 64, 64), rows(child(), child(), child()))

    assert all(answer.shape == (3,) for answer in dataclasses.astuple(outputs))


def test_film_age_sex_scale_height_and_weight_all_move_the_estimate(
    network: ScreenerNet, child: Any
) -> None:
    told = rows(
        child(),
        child(age_years=15.0),
        child(sex=Sex.MALE),
        child(height_m=1.1),
        child(weight_kg=60.0),
        child(height_m=None),
        child(weight_kg=None),
    )
    told = torch.cat([told, rows(child(), mm_per_pixel=0.7), rows(child())])
    films = torch.rand(1, 1, 64, 64).repeat(len(told), 1, 1, 1)
    films[-1] = torch.rand(1, 64, 64)

    with torch.inference_mode():
        z = network(films, told).z

    assert bool((z[1:] != z[0]).all())


def test_a_missing_height_is_the_same_whatever_stands_in_its_place(
    network: ScreenerNet, child: Any
) -> None:
    missing = rows(child(height_m=None)).repeat(2, 1)
    missing[1, 2] = 1.7

    standard = network.head.standardise(missing)

    assert torch.equal(standard[0], standard[1])


def test_forgetting_is_the_same_as_never_having_known(child: Any) -> None:
    known, unknown = rows(child()).numpy(), rows(child(height_m=None, weight_kg=None)).numpy()

    assert np.array_equal(forget(known, height=True, weight=True), unknown)
    assert np.array_equal(forget(known), known)


def test_size_of_the_film_does_not_change_the_number_of_features(network: ScreenerNet) -> None:
    pooled = [pool(network.features(torch.rand(1, 1, side, side))) for side in (64, 128)]

    assert pooled[0].shape == pooled[1].shape


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_untrained_blocks_are_identities(value: float) -> None:
    block = ScreenerNet(widen_factor=1 / 16).eval().trunk.layer1[1]
    features = torch.full((1, 16, 8, 8), value)

    with torch.inference_mode():
        assert torch.equal(block(features), features)
