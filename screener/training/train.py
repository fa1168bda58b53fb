"""One file, top to bottom: a manifest becomes a predictor's folder.

    read the manifest -> split by patient -> prepare the films -> learn -> calibrate -> test -> card

Every step leaves a file in the output folder, and a second call with the same settings goes on
where the first was killed.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import Head, Outputs, ScreenerNet, pool
from screener.predictor.card import WEIGHTS_FILE, Architecture, write_card
from screener.predictor.checkpoint import read_weights, save_weights
from screener.predictor.encoding import (
    AGE,
    HEIGHT,
    HEIGHT_KNOWN,
    LOG_MM,
    MALE,
    WEIGHT,
    WEIGHT_KNOWN,
)
from screener.predictor.predict import Device, TorchPredictor
from screener.storage.references import load_bmd_reference, load_growth_reference
from screener.training.augment import augment_films, forget_at_random
from screener.training.calibrate import calibrate
from screener.training.card import describe_machine, make_card
from screener.training.curves import Epoch, write_history
from screener.training.dataset import FilmSet, prepare_films
from screener.training.evaluate import evaluate_films, write_evaluation
from screener.training.features import load_films, mixed_precision, pooled_features, raw_z
from screener.training.manifest import describe_exclusions, read_manifest, write_exclusions
from screener.training.progress import say, tracked
from screener.training.split import Part, SplitShares, keep_split, rows_by_part

#: The definition of low; the auxiliary head is asked about it.
LOW_Z = -2.0

#: Up to this share of the epochs, films of this share of the full side: small ones teach where to
#: look at a quarter of the cost, full ones what to see there.
_STAGES = ((0.4, 0.5), (0.7, 0.75))
_SIDE_MULTIPLE, _SMALLEST_SIDE = 32, 64

_LOW_LOSS, _VARIANCE_LOSS, _SMOOTH_BETA = 0.2, 0.1, 0.5
_LOG_VARIANCE_RANGE = (-6.0, 4.0)
_WARM_UP_SHARE, _LAST_RATE = 0.05, 0.01
_CLIP_NORM = 2.0
#: A column that does not vary in training is centred only.
_LEAST_SD = 1e-3
_SEED_STRIDE = 100_003
#: Films that make the mean film of the Shapley baseline.
_BASELINE_FILMS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides how a run goes. It is written beside the run, and must be equal to resume it.

    Parameters
    ----------
    size_px
        Side of the films that the predictor takes.
    epochs, batch_size
        Passes over the training part, and films in a step.
    rate, weight_decay, dropout
        Highest learning rate of AdamW, and what keeps the network plain.
    widen_factor
        Of the trunk; 1 is ResNet-50.
    seed
        Of the split, the first weights and every augmentation.
    reference, age_years
        BMD reference that gives the Z, and the ages that the predictor is made for.
    shares
        Of the patients, by part.
    """

    size_px: int = 320
    epochs: int = 36
    batch_size: int = 16
    rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.2
    widen_factor: float = 1.0
    seed: int = 1
    reference: str = "synthetic-demo"
    age_years: tuple[float, float] = (3.0, 18.0)
    shares: SplitShares = field(default_factory=SplitShares)

    def side_px(self, epoch: int) -> int:
        """Return the side of the films in an epoch, counted from 0."""
        for until, share in _STAGES:
            if epoch < until * self.epochs:
                side = round(share * self.size_px / _SIDE_MULTIPLE) * _SIDE_MULTIPLE
                return min(max(side, _SMALLEST_SIDE), self.size_px)
        return self.size_px

    def rate_at(self, progress: float) -> float:
        """Return the learning rate after a share of all steps: warm-up, then a cosine."""
        if progress < _WARM_UP_SHARE:
            return self.rate * max(progress / _WARM_UP_SHARE, _LAST_RATE)
        fallen = (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
        return self.rate * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * fallen)) / 2)


def train(
    manifest: Path,
    out: Path,
    recipe: Recipe,
    *,
    device: Device = "cpu",
    threads: int = 0,
    workers: int = 2,
    name: str = "screener-synthetic",
    version: str = "0.1.0",
    console: Console | None = None,
) -> Path:
    """Train, calibrate and test a predictor, and return its folder.

    Parameters
    ----------
    manifest
        As `manifest.read_manifest` takes it.
    out
        Gets ``excluded.json``, ``split.csv``, ``recipe.json``, ``prepared-<size>px/``,
        ``state.pt``, ``history.csv``, ``curves.png``, ``evaluation.json`` (with a test part) and
        ``predictor/``.
    recipe
        How.
    device, threads
        Where the network is trained; 0 threads for one per core.
    workers
        Processes that prepare films.
    name, version
        Of the predictor, in its card.
    console
        Shows progress; standard output if not given.

    Raises
    ------
    ConfigurationError
        The manifest cannot be used, has too few patients, or `out` holds another run.
    """
    console = console or Console()
    if threads:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)

    reference = load_bmd_reference(recipe.reference)
    read = read_manifest(
        manifest,
        reference=reference,
        growth=load_growth_reference(),
        age_years=recipe.age_years,
    )
    _keep_recipe(out / "recipe.json", recipe, read.checksum)
    films, excluded = prepare_films(
        read,
        out / f"prepared-{recipe.size_px}px",
        size_px=recipe.size_px,
        workers=workers,
        console=console,
    )
    write_exclusions(out / "excluded.json", read, excluded)
    split = out / "split.csv"
    parts = rows_by_part(films.pairs, keep_split(split, films.pairs, recipe.shares, recipe.seed))
    say(console, f"{len(films.pairs)} films; {describe_exclusions(excluded)}")
    say(console, "films by part: " + ", ".join(f"{p.value} {len(r)}" for p, r in parts.items()))

    network = learn(films, parts, recipe, out, device=device, console=console)

    folder = out / "predictor"
    weights_sha256 = save_weights(folder, network)
    # what is calibrated is what was saved, rounded to float16
    kept = read_weights((folder / WEIGHTS_FILE).read_bytes(), _architecture(recipe)).to(device)
    calibration, interval = calibrate(kept, films, parts[Part.CALIBRATION], device=device)
    card = make_card(
        name=name,
        version=version,
        films=films,
        training_rows=parts[Part.TRAINING],
        head=kept.head.cpu(),
        reference=reference,
        calibration=calibration,
        interval=interval,
        architecture=_architecture(recipe),
        age_years=recipe.age_years,
        epochs=recipe.epochs,
        seed=recipe.seed,
        machine=describe_machine(device),
        manifest_sha256=read.checksum,
        split=split,
        weights_sha256=weights_sha256,
    )
    write_card(folder, card)
    if parts[Part.TEST]:
        tested = evaluate_films(
            TorchPredictor.load(folder, device=device), films, parts[Part.TEST], console=console
        )
        write_evaluation(out / "evaluation.json", tested)
        write_card(folder, dataclasses.replace(card, metrics=tested.values()))
        say(console, tested.summary())
    say(console, f"{card.label}: {folder}")
    return folder


def learn(
    films: FilmSet,
    parts: dict[Part, list[int]],
    recipe: Recipe,
    out: Path,
    *,
    device: Device,
    console: Console,
) -> ScreenerNet:
    """Run the epochs that have not been run, and return the network.

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
    _standardise(network.head, films, training)
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub
    optimizer = torch.optim.AdamW(_by_decay(network, recipe.weight_decay), fused=True)
    history = _resume(out / "state.pt", network, optimizer)

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
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            nn.utils.clip_grad_norm_(network.parameters(), _CLIP_NORM)
            optimizer.step()
            total += float(loss.detach())
        seconds = time.monotonic() - began
        watched = _watch(network, films, parts[Part.VALIDATION], side, device)
        history.append(
            Epoch(number=epoch + 1, side_px=side, seconds=seconds, loss=total / steps, **watched)
        )
        _save_state(out / "state.pt", network, optimizer, history)
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
    low = functional.binary_cross_entropy_with_logits(outputs.low_logit, (z <= LOW_Z).float())
    estimate = functional.smooth_l1_loss(given, wanted, beta=_SMOOTH_BETA)
    return estimate + _LOW_LOSS * low + _VARIANCE_LOSS * 0.5 * unsure.mean()


def _keep_recipe(path: Path, recipe: Recipe, manifest_checksum: str) -> None:
    document = json.dumps(
        {"manifest_sha256": manifest_checksum, **dataclasses.asdict(recipe)}, indent=2
    )
    if path.is_file() and path.read_text() != document:
        raise ConfigurationError(
            f"{path} belongs to a run with other settings or another manifest: "
            "train into another folder"
        )
    path.write_text(document)


def _architecture(recipe: Recipe) -> Architecture:
    return Architecture(trunk="resnet50", widen_factor=recipe.widen_factor)


def _standardise(head: Head, films: FilmSet, rows: Sequence[int]) -> None:
    """Set what the head centres and scales by: mean and SD of what is known in training."""
    clinical = torch.from_numpy(films.clinical[rows])
    for column, mask in (
        (AGE, None),
        (HEIGHT, HEIGHT_KNOWN),
        (WEIGHT, WEIGHT_KNOWN),
        (LOG_MM, None),
    ):
        values = clinical[:, column] if mask is None else clinical[clinical[:, mask] > 0, column]
        if len(values) > 1:
            head.clinical_mean[column] = values.mean()
            head.clinical_sd[column] = values.std().clamp(min=_LEAST_SD)
    head.clinical_mean[MALE] = head.clinical_sd[MALE] = 0.5
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
    history: Sequence[Epoch],
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
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
) -> list[Epoch]:
    """Take up what an earlier run saved, and return its epochs; none where there was none."""
    if not path.is_file():
        return []
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return [Epoch(**epoch) for epoch in state["history"]]
