"""Curves of an evaluation: reliability, decision curve, and where the interval holds the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from statsmodels.nonparametric.smoothers_lowess import lowess

from screener.predictor.facts import MISSING_PATTERNS
from screener.training.estimates import Estimates, EstimationRules, estimate
from screener.training.measures import BINS
from screener.training.predictions import Flags, Floats, PredictionTable
from screener.training.resampling import Metric, draw, groups_of
from screener.training.statistics import equal_count_bins, net_benefit, share

#: Probabilities at which somebody may wish for a DXA.
THRESHOLDS = np.round(np.arange(0.05, 0.405, 0.01), 2)

_SMOOTH_SHARE, _BANDS, _GRID = 0.6, 200, 41
_FEWEST = 30
_COVERAGE_BINS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Films of about the same estimated probability: its mean, and the share that is low."""

    mean_probability: float
    low: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothCurve:
    """Share of low films by estimated probability, smoothed; with the band of its resamples."""

    probability: tuple[float, ...]
    share: tuple[float, ...]
    band_low: tuple[float, ...]
    band_high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How estimated probabilities of a low Z go with what was measured."""

    bins: tuple[ReliabilityBin, ...]
    smooth: SmoothCurve | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCurve:
    """Net benefit per film at each threshold probability, ``[k]`` each; that of none is 0.

    `model` has bounds; `clinical_only` is None where that arm is not given.
    """

    thresholds: tuple[float, ...]
    model: tuple[Metric, ...]
    all_referred: tuple[float, ...]
    clinical_only: tuple[float, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePart:
    """Share of films whose interval holds the truth, and its half width in SDs."""

    name: str
    covered: Metric
    half_width_z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the interval promises, and holds: by what is missing, and along the estimate."""

    nominal: float
    by_missing: tuple[CoveragePart, ...]
    by_estimate: tuple[CoveragePart, ...]


def reliability_of(estimates: Estimates) -> Reliability | None:
    """Return ten bins of equally many films, and a smooth curve; None without a probability."""
    probability = estimates.probability
    if probability is None:
        return None
    numbers = equal_count_bins(probability, min(BINS, len(probability)))
    bins = []
    for number in range(int(numbers.max()) + 1):
        member = numbers == number
        low = share(int(estimates.low[member].sum()), int(member.sum()))
        if low is not None:
            bins.append(ReliabilityBin(mean_probability=float(probability[member].mean()), low=low))
    return Reliability(bins=tuple(bins), smooth=_smooth(estimates, probability))


def decision_curve(estimates: Estimates, clinical_only: Floats | None) -> DecisionCurve | None:
    """Return net benefits against referring all or none; None without a probability.

    Parameters
    ----------
    estimates
        Of the predictor.
    clinical_only
        ``[n]``, the probability of a low Z by the arm without film.
    """
    probability, low = estimates.probability, estimates.low
    if probability is None or not low.any() or low.all():
        return None

    def figures(weights: Floats) -> Mapping[str, Floats]:
        found = net_benefit(weights, probability, low, THRESHOLDS)
        return {f"{t:.2f}": found[:, i] for i, t in enumerate(THRESHOLDS)}

    drawn = draw(figures, estimates.patients, low)
    model = [drawn.metric(name, len(low)) for name in drawn.values]
    once = np.ones((1, len(low)))
    everyone = net_benefit(once, np.ones(len(low)), low, THRESHOLDS)[0]
    by_clinic = None
    if clinical_only is not None:
        by_clinic = tuple(net_benefit(once, clinical_only, low, THRESHOLDS)[0].tolist())
    return DecisionCurve(
        thresholds=tuple(THRESHOLDS.tolist()),
        model=tuple(metric for metric in model if metric is not None),
        all_referred=tuple(everyone.tolist()),
        clinical_only=by_clinic,
    )


def coverage_of(table: PredictionTable, estimates: Estimates, rules: EstimationRules) -> Coverage:
    """Return the interval's coverage by pattern of missing variables, and along the estimate."""
    parts = []
    for missing, name in MISSING_PATTERNS.items():
        told = np.ones(len(table), bool)
        if "height" not in missing:
            told &= table.height_known
        if "weight" not in missing:
            told &= table.weight_known
        if told.any():
            rows = np.flatnonzero(told)
            parts.append(
                _part(name, estimate(table, rules, name).take(rows), np.ones(len(rows), bool))
            )
    numbers = equal_count_bins(estimates.z_estimate, min(_COVERAGE_BINS, len(estimates)))
    along = []
    for number in range(int(numbers.max()) + 1):
        member = np.asarray(numbers == number)
        ends = estimates.z_estimate[member]
        along.append(_part(f"{ends.min():.1f} to {ends.max():.1f}", estimates, member))
    return Coverage(
        nominal=rules.level,
        by_missing=tuple(part for part in parts if part is not None),
        by_estimate=tuple(part for part in along if part is not None),
    )


def _part(name: str, estimates: Estimates, member: Flags) -> CoveragePart | None:
    covered = share(int(estimates.inside[member].sum()), int(member.sum()))
    if covered is None:
        return None
    return CoveragePart(
        name=name, covered=covered, half_width_z=float(estimates.half_width_z[member].mean())
    )


def _smooth(estimates: Estimates, probability: Floats) -> SmoothCurve | None:
    """Return a loess curve with the band of resampled patients; None of too few films.

    Notes
    -----
    Source: Cleveland WS. JASA 1979;74:829, as statsmodels has it; Austin PC, Steyerberg EW. Stat
    Med 2014;33:517 (for calibration).
    """
    low = estimates.low.astype(np.float64)
    if len(low) < _FEWEST or not low.any() or low.all():
        return None
    first, last = np.quantile(probability, (0.01, 0.99)).tolist()
    grid = np.linspace(first, last, _GRID)
    group = groups_of(estimates.patients)
    rows_of = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    rng = np.random.default_rng(0)
    curves = []
    for _ in range(_BANDS):
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        curves.append(_lowess(low[rows], probability[rows], grid))
    band_low, band_high = np.nanpercentile(curves, (2.5, 97.5), axis=0)
    return SmoothCurve(
        probability=tuple(grid.tolist()),
        share=tuple(_lowess(low, probability, grid).tolist()),
        band_low=tuple(band_low.tolist()),
        band_high=tuple(band_high.tolist()),
    )


def _lowess(low: Floats, probability: Floats, grid: Floats) -> Floats:
    found = lowess(low, probability, frac=_SMOOTH_SHARE, it=0, xvals=grid)
    return np.clip(np.asarray(found, np.float64), 0.0, 1.0)
