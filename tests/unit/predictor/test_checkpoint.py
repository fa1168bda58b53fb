"""Weights on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from screener.domain.errors import PredictorMismatch
from screener.predictor.checkpoint import read_weights, save_weights
from screener.predictor.facts import Architecture

TINY = Architecture(trunk="resnet50", widen_factor=1 / 16)


def test_matrices_are_float16_and_running_variances_are_not(tmp_path: Path, network: Any) -> None:
    save_weights(tmp_path, network)

    tensors = load_file(tmp_path / "weights.safetensors")
    assert tensors["trunk.layer4.0.conv2.weight"].dtype == torch.float16
    assert tensors["trunk.bn1.running_var"].dtype == torch.float32


def test_same_weights_give_the_same_bytes(tmp_path: Path, network: Any) -> None:
    assert save_weights(tmp_path / "a", network) == save_weights(tmp_path / "b", network)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_are_no_numbers_are_not_saved(
    tmp_path: Path, network: Any, value: float
) -> None:
    with torch.no_grad():
        network.head.join.weight[0, 0] = value

    with pytest.raises(PredictorMismatch, match=r"head\.join\.weight"):
        save_weights(tmp_path, network)

    assert not (tmp_path / "weights.safetensors").exists()


def test_bytes_that_are_no_weights_are_refused() -> None:
    with pytest.raises(PredictorMismatch, match="do not fit"):
        read_weights(b"not safetensors at all", TINY)


def test_unknown_trunk_is_refused() -> None:
    with pytest.raises(PredictorMismatch, match="vit"):
        read_weights(b"", Architecture(trunk="vit", widen_factor=1.0))
