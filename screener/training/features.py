"""Pooled features of many films: what validation, calibration and the Shapley baseline share."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from screener.predictor.architecture import Head, ScreenerNet, pool
from screener.predictor.encoding import forget
from screener.training.dataset import FilmSet

_BATCH = 16


def load_films(films: FilmSet, rows: Sequence[int], side_px: int, device: str) -> Tensor:
    """Return films ``[n, 1, side, side]`` float32 on the device, made smaller by area means."""
    loaded = torch.from_numpy(films.films(rows))[:, None].to(device)
    if side_px != films.size_px:
        loaded = functional.interpolate(loaded, size=(side_px, side_px), mode="area")
    return loaded.contiguous(memory_format=torch.channels_last)


def true_spine(films: FilmSet, rows: Sequence[int], height: int, width: int) -> Tensor:
    """Return the share of each cell of a feature map that is spine, ``[n, h, w]``, 0 to 1."""
    masks = torch.from_numpy(films.spine(rows))[:, None]
    return functional.adaptive_avg_pool2d(masks, (height, width))[:, 0]


def mixed_precision(device: str) -> contextlib.AbstractContextManager[object]:
    """Return bfloat16 for convolutions where the device has it; else half on CUDA, or nothing."""
    if device == "cpu":
        supported = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - no public name
        return torch.autocast(device, dtype=torch.bfloat16, enabled=supported)
    kind = torch.float16 if needs_scaling(device) else torch.bfloat16
    return torch.autocast(device, dtype=kind)


def needs_scaling(device: str) -> bool:
    """Return whether training in mixed precision has to scale its gradients."""
    return device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)


@torch.inference_mode()
def pooled_features(
    network: ScreenerNet,
    films: FilmSet,
    rows: Sequence[int],
    *,
    device: str,
    side_px: int | None = None,
    mixed: bool = False,
) -> Tensor:
    """Return ``[rows, C]`` float32 on the device: the network's view of films, unchanged.

    Parameters
    ----------
    network
        Put into evaluation mode.
    films, rows
        Which films.
    side_px
        Smaller than the films where the network is learning from smaller ones.
    mixed
        In the precision of training; else float32, as the service computes by default.
    """
    network.eval()
    batches = []
    for start in range(0, len(rows), _BATCH):
        loaded = load_films(films, rows[start : start + _BATCH], side_px or films.size_px, device)
        with mixed_precision(device) if mixed else contextlib.nullcontext():
            batches.append(pool(network.features(loaded)))
    return torch.cat(batches)


@torch.inference_mode()
def raw_z(
    head: Head,
    pooled: Tensor,
    clinical: npt.NDArray[np.float32],
    missing: Sequence[str] = (),
) -> npt.NDArray[np.float64]:
    """Return the raw Z ``[n]`` from pooled features, with some clinical variables left out.

    Parameters
    ----------
    head
        In evaluation mode.
    pooled, clinical
        ``[n, C]`` on the head's device, and encoded rows ``[n, 7]``.
    missing
        Of ``"height"`` and ``"weight"``.
    """
    told = forget(clinical, height="height" in missing, weight="weight" in missing)
    outputs = head(pooled, torch.from_numpy(told).to(pooled.device))
    z: npt.NDArray[np.float64] = outputs.z.cpu().numpy().astype(np.float64)
    return z
