"""What a wary reader asks: where it looks, whether it finds small children only, where it fails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screener.training.estimates import Estimates, patterns_told
from screener.training.predictions import Floats, PredictionTable
from screener.training.resampling import Metric, draw
from screener.training.statistics import partial_correlation

#: Films in the gallery of the worst.
WORST = 12

_FEWEST_HEIGHTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstFilm:
    """One of the largest errors, without anything that says whose it is.

    `row` is that of the table; it is not written.
    """

    row: int
    age_years: int
    sex: str
    view: str
    vendor: str
    height_z: float | None
    missing: str
    z: float
    z_estimate: float
    half_width_z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Where positive attention lies: on the spine, beside the spine's share of the field."""

    films: int
    on_spine: Metric
    spine_area: Metric
    ratio: Metric


def attention_on_spine(table: PredictionTable, estimates: Estimates) -> Attention | None:
    """Return where positive attention lies; None where the films have no spine masks."""
    seen = np.flatnonzero(np.isfinite(table.on_spine) & np.isfinite(table.spine_area))
    if len(seen) < 2:  # noqa: PLR2004 - one film has no bounds
        return None
    picked = estimates.take(seen)
    columns = np.stack([table.on_spine[seen], table.spine_area[seen]], axis=1)

    def figures(weights: Floats) -> dict[str, Floats]:
        on_spine, area = (weights @ columns / weights.sum(axis=1, keepdims=True)).T
        return {"on_spine": on_spine, "spine_area": area, "ratio": on_spine / area}

    drawn = draw(figures, picked.patients, picked.low)
    on_spine, area, ratio = (
        drawn.metric(name, len(seen)) for name in ("on_spine", "spine_area", "ratio")
    )
    if on_spine is None or area is None or ratio is None:
        return None
    return Attention(films=len(seen), on_spine=on_spine, spine_area=area, ratio=ratio)


def correlation_given_height(table: PredictionTable, estimates: Estimates) -> Metric | None:
    """Return r with height Z held fixed: what is left if short children are not simply found."""
    rows = np.flatnonzero(np.isfinite(table.height_z))
    if len(rows) < _FEWEST_HEIGHTS:
        return None
    picked, held = estimates.take(rows), table.height_z[rows]

    def figures(weights: Floats) -> dict[str, Floats]:
        return {"r": partial_correlation(weights, picked.z, picked.z_estimate, held)}

    return draw(figures, picked.patients, picked.low).metric("r", len(rows))


def worst_films(table: PredictionTable, estimates: Estimates) -> tuple[WorstFilm, ...]:
    """Return the films of the largest errors, the largest first."""
    order = np.argsort(-np.abs(estimates.z_estimate - estimates.z), kind="stable")[:WORST]
    told = patterns_told(table, "none")
    return tuple(
        WorstFilm(
            row=int(row),
            age_years=int(table.age_years[row]),
            sex=table.sex[row],
            view=table.view[row],
            vendor=table.vendor[row],
            height_z=None if np.isnan(table.height_z[row]) else float(table.height_z[row]),
            missing=told[row],
            z=float(estimates.z[row]),
            z_estimate=float(estimates.z_estimate[row]),
            half_width_z=float(estimates.half_width_z[row]),
        )
        for row in order
    )
