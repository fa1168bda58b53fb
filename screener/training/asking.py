"""Asks a network about many films, once, and keeps its answers in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from rich.console import Console

from screener.predictor.architecture import ScreenerNet, pool
from screener.predictor.attribution import class_activation, pooled_gradient, shapley_values
from screener.predictor.encoding import HEIGHT_KNOWN, WEIGHT_KNOWN, forget
from screener.predictor.facts import MISSING_PATTERNS
from screener.predictor.gates import exposed_cells, share_within
from screener.storage.references import load_growth_reference
from screener.training.dataset import FilmSet
from screener.training.features import load_films, true_spine
from screener.training.manifest import CHEST
from screener.training.predictions import Floats, PredictionTable
from screener.training.progress import tracked

_BATCH = 16


@torch.inference_mode()
def predict_table(
    network: ScreenerNet,
    films: FilmSet,
    rows: Sequence[int],
    *,
    device: str,
    console: Console,
) -> PredictionTable:
    """Return what a network says of films under every pattern of missing variables.

    Parameters
    ----------
    network
        On the device; put into evaluation mode. Computes in float32, as the service does.
    films, rows
        Which films; their spine masks, where there are any, tell where the attention lies.
    device
        ``"cpu"`` or ``"cuda"``.
    """
    network.eval()
    head = network.head
    raw: dict[str, list[Floats]] = {name: [] for name in MISSING_PATTERNS.values()}
    logits: list[Floats] = []
    shares: list[Floats] = []
    areas: list[Floats] = []
    starts = range(0, len(rows), _BATCH)
    for start in tracked(starts, "asking the network", total=len(starts), console=console):
        taken = list(rows[start : start + _BATCH])
        loaded = load_films(films, taken, films.size_px, device)
        features = network.features(loaded)
        pooled = pool(features)
        clinical = films.clinical[taken]
        for missing, name in MISSING_PATTERNS.items():
            told = forget(clinical, height="height" in missing, weight="weight" in missing)
            outputs = head(pooled, torch.from_numpy(told).to(device))
            raw[name].append(outputs.z.cpu().numpy().astype(np.float64))
            if name == "none":
                logits.append(outputs.low_logit.cpu().numpy().astype(np.float64))
        if films.has_spine:
            known = torch.from_numpy(clinical).to(device)
            values, _ = shapley_values(head, pooled, known)
            maps = class_activation(
                features, pooled_gradient(head, pooled, known), torch.sign(values[:, 0])
            )
            exposed = exposed_cells(loaded, *maps.shape[1:])
            truth = true_spine(films, taken, maps.shape[1], maps.shape[2]).to(device)
            inside, area = share_within(maps, truth, exposed)
            shares.append(inside.cpu().numpy().astype(np.float64))
            areas.append(area.cpu().numpy().astype(np.float64))
    return describe_films(
        films,
        rows,
        raw_z={name: np.concatenate(values) for name, values in raw.items()},
        raw_low_logit=np.concatenate(logits),
        on_spine=np.concatenate(shares) if shares else None,
        spine_area=np.concatenate(areas) if areas else None,
    )


def describe_films(
    films: FilmSet,
    rows: Sequence[int],
    *,
    raw_z: Mapping[str, Floats],
    raw_low_logit: Floats | None = None,
    on_spine: Floats | None = None,
    spine_area: Floats | None = None,
) -> PredictionTable:
    """Return a table of some answers, beside what the manifest says of the films."""
    pairs = [films.pairs[row] for row in rows]
    unknown = np.full(len(rows), np.nan)

    def or_unknown(values: Floats | None) -> Floats:
        return unknown if values is None else values

    return PredictionTable(
        path=tuple(pair.film[1] for pair in pairs),
        patient=tuple(pair.patient for pair in pairs),
        site=tuple(pair.site for pair in pairs),
        vendor=tuple(pair.vendor for pair in pairs),
        view=tuple(pair.view for pair in pairs),
        sex=tuple(pair.clinical.sex.value for pair in pairs),
        kind=(CHEST,) * len(rows),
        group=tuple(pair.group for pair in pairs),
        variant=tuple(pair.variant for pair in pairs),
        age_years=np.array([pair.clinical.age_years for pair in pairs]),
        height_z=height_z_of(films, rows),
        height_known=films.clinical[list(rows), HEIGHT_KNOWN] > 0,
        weight_known=films.clinical[list(rows), WEIGHT_KNOWN] > 0,
        z=np.array([pair.z for pair in pairs]),
        abmd_g_cm2=np.array([pair.abmd_g_cm2 for pair in pairs]),
        raw_z=raw_z,
        raw_low_logit=or_unknown(raw_low_logit),
        on_spine=or_unknown(on_spine),
        spine_area=or_unknown(spine_area),
    )


def height_z_of(films: FilmSet, rows: Sequence[int]) -> Floats:
    """Return each child's height-for-age Z (CDC 2000); not a number where it is unknown."""
    growth = load_growth_reference()
    found = []
    for row in rows:
        clinical = films.pairs[row].clinical
        height = clinical.height_m.value
        z = (
            growth.height_z(sex=clinical.sex, age_years=clinical.age_years, height_m=height)
            if height is not None
            else None
        )
        found.append(math.nan if z is None else z)
    return np.array(found, np.float64)
