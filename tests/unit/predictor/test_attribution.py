"""Attribution without a backward pass, held against autograd and against brute force."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from screener.domain.patient import Sex
from screener.predictor.architecture import ScreenerNet, pool
from screener.predictor.attribution import (
    PLAYERS,
    class_activation,
    pooled_gradient,
    shapley_values,
)
from screener.predictor.encoding import encode_clinical

COLUMNS = {"image": [4], "age": [0], "sex": [1], "height": [2, 5], "weight": [3, 6]}


@pytest.fixture
def told(child: Any) -> torch.Tensor:
    children = (
        child(),
        child(age_years=4.0, sex=Sex.MALE, height_m=1.0, weight_kg=15.0),
        child(age_years=16.0, height_m=None),
        child(height_m=None, weight_kg=None),
    )
    return torch.from_numpy(np.stack([encode_clinical(c, 1.3) for c in children]))


@pytest.fixture
def features(network: ScreenerNet) -> torch.Tensor:
    torch.manual_seed(4)
    with torch.no_grad():
        return network.features(torch.rand(4, 1, 96, 96))


def test_gradient_equals_autograd(
    network: ScreenerNet, features: torch.Tensor, told: torch.Tensor
) -> None:
    pooled = pool(features).requires_grad_()
    (expected,) = torch.autograd.grad(network.head(pooled, told).z.sum(), pooled)

    found = pooled_gradient(network.head, pooled.detach(), told)

    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_map_equals_grad_cam_by_a_backward_pass_through_the_features(
    network: ScreenerNet, features: torch.Tensor, told: torch.Tensor, sign: float
) -> None:
    features.requires_grad_()
    (gradient,) = torch.autograd.grad(network.head(pool(features), told).z.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    expected = torch.relu(sign * (weights * features).sum(dim=1)).detach()
    expected = expected / expected.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)

    analytic = pooled_gradient(network.head, pool(features).detach(), told)
    found = class_activation(features.detach(), analytic, torch.full((4,), sign))

    torch.testing.assert_close(found, expected)
    assert found.max() <= 1.0


def test_map_is_black_where_nothing_moved_the_estimate_that_way() -> None:
    found = class_activation(torch.ones(1, 2, 3, 3), -torch.ones(1, 2), torch.ones(1))

    assert not found.any()


def test_shapley_values_equal_those_by_every_order_of_arrival(
    network: ScreenerNet, features: torch.Tensor, told: torch.Tensor
) -> None:
    head, pooled = network.head, pool(features)

    def value(film: int, present: tuple[str, ...]) -> float:
        row = head.clinical_baseline.clone()
        for name in present:
            row[COLUMNS[name]] = told[film, COLUMNS[name]]
        seen = pooled[film] if "image" in present else head.pooled_baseline
        return float(head(seen[None], row[None]).z)

    with torch.inference_mode():
        found, baseline = shapley_values(head, pooled, told)
        for film in range(len(told)):
            expected = dict.fromkeys(PLAYERS, 0.0)
            for order in itertools.permutations(PLAYERS):
                for i, name in enumerate(order):
                    expected[name] += value(film, order[: i + 1]) - value(film, order[:i])
            for i, name in enumerate(PLAYERS):
                mean = expected[name] / math.factorial(len(PLAYERS))
                assert float(found[film, i]) == pytest.approx(mean, abs=1e-5)
            assert float(baseline[film]) == pytest.approx(value(film, ()), abs=1e-6)


def test_shares_and_baseline_add_up_to_the_estimate(
    network: ScreenerNet, features: torch.Tensor, told: torch.Tensor
) -> None:
    with torch.inference_mode():
        shares, baseline = shapley_values(network.head, pool(features), told)
        z = network.head(pool(features), told).z

    torch.testing.assert_close(baseline + shares.sum(dim=1), z)
    assert shares.abs().max() > 1e-3


def test_what_is_missing_moves_nothing(
    network: ScreenerNet, features: torch.Tensor, told: torch.Tensor
) -> None:
    with torch.inference_mode():
        shares, _ = shapley_values(network.head, pool(features), told)

    height, weight = PLAYERS.index("height"), PLAYERS.index("weight")
    assert shares[2, height].abs() < 1e-6
    assert shares[3, [height, weight]].abs().max() < 1e-6
    assert shares[2, weight].abs() > 1e-5
