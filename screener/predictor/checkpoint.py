"""Weights on disk: safetensors, float16, never a pickle; refused where they do not fit the card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from screener.domain.errors import PredictorMismatch
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import WEIGHTS_FILE, PredictorCard, load_card, verify_weights
from screener.predictor.facts import Architecture


def save_weights(folder: Path, network: ScreenerNet) -> str:
    """Write a network's weights and return their SHA-256.

    Weights of convolutions and linear layers become float16; norms, biases and buffers, a
    hundredth of the bytes, stay float32: running variances leave float16's range.

    Raises
    ------
    PredictorMismatch
        A weight is not finite, or leaves float16's range: training went wrong.
    """
    tensors = {}
    for name, tensor in network.state_dict().items():
        kept = tensor.detach().cpu().contiguous()
        if kept.is_floating_point() and kept.ndim > 1:
            kept = kept.half()
        if not bool(torch.isfinite(kept).all()):
            raise PredictorMismatch(f"{name} holds weights that are no numbers; not saved")
        tensors[name] = kept
    content = save(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_network(folder: Path) -> tuple[ScreenerNet, PredictorCard]:
    """Load a predictor's network, float32 and in evaluation mode, with its card.

    Raises
    ------
    PredictorMismatch
        A byte has changed, or weights and card do not belong together.
    """
    card = load_card(folder)
    network = read_weights(verify_weights(folder, card), card.architecture)
    return network, card


def read_weights(content: bytes, architecture: Architecture) -> ScreenerNet:
    """Return the network whose weights a safetensors file holds, in evaluation mode.

    Raises
    ------
    PredictorMismatch
        The bytes are no such file, or hold another architecture's weights.
    """
    if architecture.trunk != "resnet50":
        raise PredictorMismatch(f"the trunk {architecture.trunk!r} is not one that we have")
    network = ScreenerNet(widen_factor=architecture.widen_factor)
    try:
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        raise PredictorMismatch(f"the weights do not fit the card's network: {error}") from error
    return network.float().eval()
