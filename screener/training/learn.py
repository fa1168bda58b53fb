"""The loop that trains a network, top to bottom: films in, weights out, resumed after a kill.

for each epoch: shuffle -> load -> augment -> forward -> loss -> step; then look, save, draw
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from screener.domain.errors import ConfigurationError
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.architecture import Head, Outputs, ScreenerNet, pool
from screener.predictor.encoding import (
    AGE,
    HEIGHT,
    HEIGHT_KNOWN,
    LOG_MM,
    MALE,
    WEIGHT,
    WEIGHT_KNOWN,
)
from screener.predictor.predict import Device
from screener.training.augment import augment_films, forget_at_random
from screener.training.curves import Epoch, write_history
from screener.training.dataset import FilmSet
from screener.training.features import (
    load_films,
    mixed_precision,
    needs_scaling,
    pooled_features,
    raw_z,
)
from screener.training.initial import start_from
from screener.training.progress import say, tracked
from screener.training.recipe import Recipe
from screener.training.split import Part

_LOW_LOSS, _VARIANCE_LOSS, _SMOOTH_BETA = 0.2, 0.1, 0.5
_LOG_VARIANCE_RANGE = (-6.0, 4.0)
_CLIP_NORM = 2.0
_LEAST_SD = 1e-3
#: What a column that does not vary in training is divided by: nothing can be learnt from it, and so
#: nothing may be made of it later, such as of the first height where no child's was known.
_UNHEARD_SD = 1e4
#: Of the log scale: augmentation magnifies up to 1.1 times either way, uniformly.
_LEAST_SCALE_SD = math.log(1.1) / math.sqrt(3)
_SEED_STRIDE = 100_003
#: Films that make the mean film of the Shapley baseline.
_BASELINE_FILMS = 512


def learn(
    films: FilmSet,
    parts: dict[Part, list[int]],
    recipe: Recipe,
    out: Path,
    *,
    device: Device,
    console: Console,
    initial: Path | None = None,
) -> ScreenerNet:
    """Run the epochs that have not been run, and return the network.

    Parameters
    ----------
    films, parts
        Dressed as the recipe's arm wants them; only the training part teaches, and the validation
        part is looked at.
    recipe
        How.
    out
        Gets ``state.pt``, ``history.csv`` and ``curves.png``.
    device, console
        Where it is computed and progress is shown.
    initial
        ImageNet weights to start the trunk from; None starts at random.

    Raises
    ------
    ConfigurationError
        The training part does not fill one step.
    """
    training = parts[Part.TRAINING]
    steps = len(training) // recipe.batch_size
    if steps == 0:
        raise ConfigurationError(
            f"{len(training)} films to learn from do not fill a step of {recipe.batch_size}"
        )
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = ScreenerNet(widen_factor=recipe.widen_factor, dropout=recipe.dropout)
    if initial is not None:
        start_from(network, initial)
    _standardise(network.head, films, training)
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub
    optimizer = torch.optim.AdamW(_by_decay(network, recipe.weight_decay), fused=True)
    # half precision on cards without bfloat16 loses small gradients unless they are scaled up
    scaler = torch.amp.GradScaler(device, enabled=needs_scaling(device))
    history = _resume(out / "state.pt", network, optimizer, scaler)

    for epoch in range(len(history), recipe.epochs):
        began, side, total = time.monotonic(), recipe.side_px(epoch), 0.0
        # each epoch has its own seed: a resumed run goes on as the killed one would have
        torch.manual_seed(recipe.seed * _SEED_STRIDE + epoch)
        generator = torch.Generator(device).manual_seed(recipe.seed * _SEED_STRIDE + epoch)
        order = torch.randperm(len(training)).tolist()
        network.train()
        for step in tracked(range(steps), f"epoch {epoch + 1}", total=steps, console=console):
            taken = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            rows = [training[i] for i in taken]
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate_at((epoch + step / steps) / recipe.epochs)
            pixels = load_films(films, rows, side, device)
            clinical = torch.from_numpy(films.clinical[rows]).to(device)
            pixels, clinical = augment_films(pixels, clinical, generator)
            with mixed_precision(device):
                features = network.features(pixels)
            outputs = network.head(pool(features), forget_at_random(clinical, generator))
            loss = loss_of(outputs, torch.from_numpy(films.z[rows]).to(device), network.head)
            optimizer.zero_grad()
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch's own
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(network.parameters(), _CLIP_NORM)
            scaler.step(optimizer)
            scaler.update()
            total += float(loss.detach())
        seconds = time.monotonic() - began
        watched = _watch(network, films, parts[Part.VALIDATION], side, device)
        history.append(
            Epoch(number=epoch + 1, side_px=side, seconds=seconds, loss=total / steps, **watched)
        )
        _save_state(out / "state.pt", network, optimizer, scaler, history)
        write_history(out, history, synthetic=films.synthetic)
        say(console, history[-1].line(recipe.epochs, synthetic=films.synthetic))
    _set_baseline(network, films, training[:: max(1, len(training) // _BASELINE_FILMS)], device)
    return network


def loss_of(outputs: Outputs, z: Tensor, head: Head) -> Tensor:
    """Return the loss of a batch: smooth L1 on the standardised Z, and two small companions.

    Parameters
    ----------
    outputs
        Of the head, ``[B]`` each.
    z
        ``[B]``, the true Z.
    head
        Its buffers standardise.

    Notes
    -----
    The variance learns from the error without pulling at the estimate: were the estimate in that
    term, films that it finds hard would count less.

    Source: domain.md 1.4 (smooth L1 on Z, 0.2 BCE on Z <= -2, Gaussian NLL).
    """
    wanted = (z - head.z_mean) / head.z_sd
    given = (outputs.z - head.z_mean) / head.z_sd
    log_variance = outputs.log_variance.clamp(*_LOG_VARIANCE_RANGE)
    unsure = (given.detach() - wanted) ** 2 * torch.exp(-log_variance) + log_variance
    low = functional.binary_cross_entropy_with_logits(
        outputs.low_logit, (z <= DEFINITION_Z).float()
    )
    estimate = functional.smooth_l1_loss(given, wanted, beta=_SMOOTH_BETA)
    return estimate + _LOW_LOSS * low + _VARIANCE_LOSS * 0.5 * unsure.mean()


def _standardise(head: Head, films: FilmSet, rows: Sequence[int]) -> None:
    """Set what the head centres and scales by: mean and SD of what is known in training."""
    clinical = torch.from_numpy(films.clinical[rows])
    for column, mask in ((AGE, None), (HEIGHT, HEIGHT_KNOWN), (WEIGHT, WEIGHT_KNOWN)):
        values = clinical[:, column] if mask is None else clinical[clinical[:, mask] > 0, column]
        varied = len(values) > 1 and float(values.std()) > _LEAST_SD
        head.clinical_mean[column] = values.mean() if len(values) else 0.0
        head.clinical_sd[column] = values.std() if varied else _UNHEARD_SD
        if mask is not None and not len(values):
            head.clinical_sd[mask] = _UNHEARD_SD
    head.clinical_mean[LOG_MM] = clinical[:, LOG_MM].mean()
    head.clinical_sd[LOG_MM] = clinical[:, LOG_MM].std().clamp(min=_LEAST_SCALE_SD)
    both_sexes = float(clinical[:, MALE].min()) < float(clinical[:, MALE].max())
    head.clinical_mean[MALE] = 0.5 if both_sexes else clinical[0, MALE]
    head.clinical_sd[MALE] = 0.5 if both_sexes else _UNHEARD_SD
    z = torch.from_numpy(films.z[rows])
    head.z_mean.copy_(z.mean())
    head.z_sd.copy_(z.std().clamp(min=_LEAST_SD))


def _set_baseline(network: ScreenerNet, films: FilmSet, rows: Sequence[int], device: str) -> None:
    """Set the child that Shapley values are counted from: the mean film, no height, no weight."""
    head = network.head
    head.pooled_baseline.copy_(pooled_features(network, films, rows, device=device).mean(dim=0))
    clinical = films.clinical[rows].mean(axis=0)
    clinical[[HEIGHT, HEIGHT_KNOWN, WEIGHT, WEIGHT_KNOWN]] = 0.0
    head.clinical_baseline.copy_(torch.from_numpy(clinical))


def _by_decay(network: ScreenerNet, weight_decay: float) -> list[dict[str, object]]:
    """Return the parameters in two groups: norms and biases are not made small."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _watch(
    network: ScreenerNet, films: FilmSet, rows: Sequence[int], side_px: int, device: str
) -> dict[str, float]:
    """Return what the validation part says; not a number where it has no films."""
    if len(rows) < 3:  # noqa: PLR2004 - two points always correlate
        return dict.fromkeys(("r_z", "mae_z", "r_z_no_size"), math.nan)
    pooled = pooled_features(network, films, rows, device=device, side_px=side_px, mixed=True)
    clinical, z = films.clinical[rows], films.z[rows]
    told = raw_z(network.head, pooled, clinical)
    untold = raw_z(network.head, pooled, clinical, ("height", "weight"))
    return {
        "r_z": float(np.corrcoef(z, told)[0, 1]),
        "mae_z": float(np.abs(z - told).mean()),
        "r_z_no_size": float(np.corrcoef(z, untold)[0, 1]),
    }


def _save_state(
    path: Path,
    network: ScreenerNet,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    history: Sequence[Epoch],
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "history": [dataclasses.asdict(epoch) for epoch in history],
    }
    # a kill while writing leaves the state of the epoch before
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)


def _resume(
    path: Path,
    network: ScreenerNet,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> list[Epoch]:
    """Take up what an earlier run saved, and return its epochs; none where there was none."""
    if not path.is_file():
        return []
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    if scaler.is_enabled() and state.get("scaler"):
        scaler.load_state_dict(state["scaler"])
    return [Epoch(**epoch) for epoch in state["history"]]
