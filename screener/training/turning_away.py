"""Which films a predictor's gates turn away, asked of many films as the service asks of one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from rich.console import Console

from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import PredictorCard
from screener.predictor.gates import Gates, first_reason
from screener.training.dataset import FilmSet
from screener.training.features import load_films
from screener.training.progress import tracked

_BATCH = 16


@torch.inference_mode()
def reasons_of(
    network: ScreenerNet,
    gates: Gates | None,
    card: PredictorCard,
    films: FilmSet,
    rows: Sequence[int],
    *,
    device: str,
    console: Console,
) -> list[NotScoredReason | None]:
    """Return why each film must not be estimated, or None.

    Parameters
    ----------
    network
        On the device, in evaluation mode.
    gates, card
        Of the predictor; without gates no film is turned away.
    films, rows
        Which films.
    """
    if gates is None or not card.gates:
        return [None] * len(rows)
    here = gates.to(device)
    found: list[NotScoredReason | None] = []
    starts = range(0, len(rows), _BATCH)
    for start in tracked(starts, "asking the gates", total=len(starts), console=console):
        loaded = load_films(films, rows[start : start + _BATCH], films.size_px, device)
        found += first_reason(here.statistics(network.maps(loaded), loaded), card.gates)
    return found
