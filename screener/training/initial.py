"""Starts a trunk from ImageNet weights that a site has; nothing is downloaded."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import ScreenerNet


def start_from(network: ScreenerNet, path: Path) -> None:
    """Copy a ResNet-50's weights into a network's trunk.

    Parameters
    ----------
    network
        Of full width.
    path
        A state dict with the keys of torchvision's ResNet-50: safetensors, or a file of
        `torch.save` with tensors alone. Its first layer, for three colours, becomes one for grey;
        its classes are left out.

    Raises
    ------
    ConfigurationError
        It cannot be read, or is no such state dict; says what does not fit.
    """
    given = _read(path)
    trunk = network.trunk.state_dict()
    wanted: dict[str, Tensor] = {}
    for name, tensor in trunk.items():
        source = given.get(name)
        if source is None and name.endswith("num_batches_tracked"):
            source = torch.zeros_like(tensor)
        if source is None:
            raise ConfigurationError(f"initial weights {path}: {name} is missing")
        if name == "conv1.weight" and source.ndim == 4 and source.shape[1] == 3:  # noqa: PLR2004
            # a grey film is the same in all three colours
            source = source.sum(dim=1, keepdim=True)
        if source.shape != tensor.shape:
            raise ConfigurationError(
                f"initial weights {path}: {name} has the shape {tuple(source.shape)}, and the "
                f"network's has {tuple(tensor.shape)}; a ResNet-50 as published goes with --width 1"
            )
        wanted[name] = source.to(tensor.dtype)
    network.trunk.load_state_dict(wanted)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ConfigurationError(f"initial weights {path}: cannot be read: {error}") from error
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ConfigurationError(f"initial weights {path}: no state dict of tensors")
    return loaded
