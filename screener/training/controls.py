"""Films made to catch a predictor out: twins that differ in mineral, and ports that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from screener.training.estimates import Estimates
from screener.training.measures import FEWEST_OF_A_KIND
from screener.training.predictions import Floats, PredictionTable
from screener.training.resampling import Metric, draw
from screener.training.statistics import ranking, share

_FEWEST_PAIRS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two films of one child, alike but for the mineral.

    Parameters
    ----------
    pairs
        Number.
    ordered
        Share in which the one with more mineral has the higher estimate.
    slope
        Difference of the estimates for each SD of the true difference, ideally 1.
    """

    pairs: int
    ordered: Metric
    slope: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Films in which ports go with a low Z, and the same films without their port.

    Parameters
    ----------
    pairs
        Number.
    auc
        By variant: ``as_drawn`` and ``port_removed``.
    difference
        Of the AUC, with ports removed minus as drawn: a predictor that leans on ports loses.
    moved_z
        Mean change of the estimate as the port goes, SDs.
    """

    pairs: int
    auc: Mapping[str, Metric]
    difference: Metric
    moved_z: Metric


def measure_twins(table: PredictionTable, estimates: Estimates) -> Twins | None:
    """Return how twins are told apart; None where the films have none."""
    lower, higher = _pairs(table, "lower", "higher")
    if len(lower) < _FEWEST_PAIRS:
        return None
    apart = estimates.z_estimate[higher] - estimates.z_estimate[lower]
    truly = estimates.z[higher] - estimates.z[lower]

    def figures(weights: Floats) -> dict[str, Floats]:
        return {"slope": (weights @ (apart * truly)) / (weights @ truly**2)}

    pairs = [estimates.patients[row] for row in lower]
    slope = draw(figures, pairs, estimates.low[lower]).metric("slope", len(lower))
    ordered = share(int((apart > 0).sum()), len(lower))
    if slope is None or ordered is None:
        return None
    return Twins(pairs=len(lower), ordered=ordered, slope=slope)


def measure_trap(table: PredictionTable, estimates: Estimates) -> Trap | None:
    """Return what is left of the AUC where ports are gone; None where the films have no trap."""
    drawn_rows, removed_rows = _pairs(table, "as_drawn", "port_removed")
    low = estimates.low[drawn_rows]
    if min(int(low.sum()), int((~low).sum())) < FEWEST_OF_A_KIND:
        return None
    z_drawn, z_removed = estimates.z_estimate[drawn_rows], estimates.z_estimate[removed_rows]

    def figures(weights: Floats) -> dict[str, Floats]:
        as_drawn = ranking(weights, -z_drawn, low)["auc"]
        removed = ranking(weights, -z_removed, low)["auc"]
        return {
            "as_drawn": as_drawn,
            "port_removed": removed,
            "difference": removed - as_drawn,
            "moved": (weights @ (z_removed - z_drawn)) / weights.sum(axis=1),
        }

    n = len(drawn_rows)
    drawn = draw(figures, [estimates.patients[row] for row in drawn_rows], low)
    found = {name: drawn.metric(name, n) for name in drawn.values}
    given = {name: metric for name, metric in found.items() if metric is not None}
    if len(given) < len(found):
        return None
    return Trap(
        pairs=n,
        auc={name: given[name] for name in ("as_drawn", "port_removed")},
        difference=given["difference"],
        moved_z=given["moved"],
    )


def _pairs(
    table: PredictionTable, one: str, other: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of both variants of every group that has both, in the same order."""
    places = {
        (group, variant): row
        for row, (group, variant) in enumerate(zip(table.group, table.variant, strict=True))
        if group
    }
    both = [
        (row, places[group, other])
        for (group, variant), row in places.items()
        if variant == one and (group, other) in places
    ]
    rows = np.array(both, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
