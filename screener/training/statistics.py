"""Statistics of estimates against truth, each a function of how often every film counts.

With weights ``[b, n]`` a single code gives a figure on the films themselves (one row of ones) and
on thousands of resamples at once. Tests hold each against scikit-learn, scipy or statsmodels, which
take one resample at a time. What films cannot show is not a number.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata
from statsmodels.stats.proportion import proportion_confint

from screener.training.predictions import Flags, Floats
from screener.training.resampling import LEVEL, Metric, groups_of

#: Bland-Altman limits hold 95 % of differences that are spread as a Gaussian.
_LIMIT = float(ndtri(0.975))
_STEPS, _CLOSE, _STEEPEST = 25, 1e-8, 50.0
_FEWEST = 3


def agreement(weights: Floats, measured: Floats, estimated: Floats) -> dict[str, Floats]:
    """Return how estimates go with what was measured.

    Parameters
    ----------
    weights
        ``[b, n]``.
    measured, estimated
        ``[n]`` in the same unit.

    Returns
    -------
    dict
        ``r`` and ``r2``; ``mae``, ``rmse``; ``bias`` (mean of estimated minus measured) with its
        limits ``limit_low``, ``limit_high``, and ``difference_slope`` of the difference on the mean
        of both; ``ccc``, ``icc``; ``slope`` and ``intercept`` of measured on estimated, ideally 1
        and 0, and ``citl``, mean measured minus mean estimated, ideally 0.

    Notes
    -----
    Sources: Bland JM, Altman DG. Lancet 1986;1:307 (limits of agreement). Lin LI. Biometrics
    1989;45:255 (concordance). Shrout PE, Fleiss JL. Psychol Bull 1979;86:420 (ICC(2,1): two raters,
    absolute agreement). Cox DR. Biometrika 1958;45:562; Van Calster B et al. BMC Med 2019;17:230
    (calibration slope and in the large).
    """
    # about their middle, so that squares keep their digits
    middle = measured.mean()
    a, b = measured - middle, estimated - middle
    apart = b - a
    columns = np.stack([np.ones_like(a), a, b, a * a, b * b, a * b, np.abs(apart)], axis=1)
    count, sum_a, sum_b, sum_aa, sum_bb, sum_ab, sum_apart = (weights @ columns).T
    mean_a, mean_b = sum_a / count, sum_b / count
    var_a, var_b = sum_aa / count - mean_a**2, sum_bb / count - mean_b**2
    both = sum_ab / count - mean_a * mean_b
    bias = mean_b - mean_a
    var_apart = np.maximum(var_a + var_b - 2 * both, 0)
    unbiased = count / (count - 1)
    sd_apart = np.sqrt(var_apart * unbiased)
    between = (var_a + var_b + 2 * both) / 2 * unbiased
    within = var_apart / 2 * unbiased
    raters = count * bias**2 / 2
    found = {
        "r": both / np.sqrt(_spread(var_a) * _spread(var_b)),
        "mae": sum_apart / count,
        "rmse": np.sqrt(var_apart + bias**2),
        "bias": bias,
        "limit_low": bias - _LIMIT * sd_apart,
        "limit_high": bias + _LIMIT * sd_apart,
        "difference_slope": (var_b - var_a) / 2 / _spread((var_a + var_b + 2 * both) / 4),
        "ccc": 2 * both / _spread(var_a + var_b + bias**2),
        "icc": (between - within) / _spread(between + within + 2 * (raters - within) / count),
        "slope": both / _spread(var_b),
        "citl": -bias,
    }
    found["r2"] = found["r"] ** 2
    found["intercept"] = mean_a + middle - found["slope"] * (mean_b + middle)
    return {name: np.where(count >= _FEWEST, value, np.nan) for name, value in found.items()}


def partial_correlation(weights: Floats, first: Floats, second: Floats, held: Floats) -> Floats:
    """Return the correlation ``[b]`` of two variables with a third held fixed."""
    r_12, r_1h, r_2h = (
        agreement(weights, x, y)["r"] for x, y in ((first, second), (first, held), (second, held))
    )
    return np.asarray((r_12 - r_1h * r_2h) / np.sqrt(_spread((1 - r_1h**2) * (1 - r_2h**2))))


def ranking(weights: Floats, score: Floats, positive: Flags) -> dict[str, Floats]:
    """Return how well a score that is high where the truth is positive puts films in order.

    Returns
    -------
    dict
        ``auc``, the probability that a positive scores above a negative, ties counted half; and
        ``average_precision``, the area under precision over recall.

    Notes
    -----
    Sources: Hanley JA, McNeil BJ. Radiology 1982;143:29 (Mann-Whitney form); as scikit-learn's
    `roc_auc_score` and `average_precision_score` with sample weights.
    """
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first_of_tie = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sorted_weights = weights[:, order]
    ups = np.add.reduceat(sorted_weights * positive[order], first_of_tie, axis=1)
    downs = np.add.reduceat(sorted_weights * ~positive[order], first_of_tie, axis=1)
    all_ups, all_downs = ups.sum(axis=1), downs.sum(axis=1)
    below = np.cumsum(downs, axis=1)
    auc = (ups * (below - downs / 2)).sum(axis=1) / (all_ups * all_downs)
    hits = all_ups[:, None] - np.cumsum(ups, axis=1) + ups
    flagged = hits + all_downs[:, None] - below + downs
    # a tie that a resample has not drawn flags nobody and finds nobody
    precision = hits / np.maximum(flagged, 1e-12)
    return {"auc": auc, "average_precision": (ups * precision).sum(axis=1) / all_ups}


def delong(score: Floats, positive: Flags, patients: Sequence[Hashable]) -> Metric | None:
    """Return the AUC with DeLong's bounds, for films of one patient as Obuchowski has them.

    Notes
    -----
    Sources: DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837. Obuchowski NA.
    Biometrics 1997;53:567 (several films of a patient; equal to DeLong's with one each). Sun X,
    Xu W. IEEE Signal Process Lett 2014;21:1389 (by mid-ranks).
    """
    ups, downs = int(positive.sum()), int((~positive).sum())
    if min(ups, downs) < 2:  # noqa: PLR2004 - one has no variance
        return None
    overall = rankdata(score)
    above = (overall[positive] - rankdata(score[positive])) / downs
    below = 1 - (overall[~positive] - rankdata(score[~positive])) / ups
    auc = float(above.mean())
    group = groups_of(patients)
    total = int(group.max()) + 1
    of_up = np.bincount(group[positive], above - auc, total)
    of_down = np.bincount(group[~positive], below - auc, total)
    with_up = len(np.unique(group[positive]))
    with_down = len(np.unique(group[~positive]))
    if min(with_up, with_down) < 2:  # noqa: PLR2004 - likewise
        return None
    variance = (
        with_up / (with_up - 1) * (of_up**2).sum() / ups**2
        + with_down / (with_down - 1) * (of_down**2).sum() / downs**2
        + 2 * total / (total - 1) * (of_up * of_down).sum() / (ups * downs)
    )
    reach = float(ndtri((1 + LEVEL) / 2) * np.sqrt(max(variance, 0.0)))
    low, high = max(auc - reach, 0.0), min(auc + reach, 1.0)
    return Metric(value=auc, low=low, high=high, n=ups + downs)


def confusion(
    weights: Floats, positive: Flags, flagged: Flags
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return true positives, false positives, false negatives and true negatives, ``[b]`` each."""
    cells = (positive & flagged, ~positive & flagged, positive & ~flagged, ~positive & ~flagged)
    tp, fp, fn, tn = (weights @ np.stack(cells, axis=1).astype(np.float64)).T
    return tp, fp, fn, tn


def share(hits: int, n: int) -> Metric | None:
    """Return a share with Wilson's bounds; None of nothing.

    Notes
    -----
    Source: Wilson EB. JASA 1927;22:209.
    """
    if n == 0:
        return None
    low, high = proportion_confint(hits, n, alpha=1 - LEVEL, method="wilson")
    return Metric(value=hits / n, low=float(low), high=float(high), n=n)


def logistic_recalibration(
    weights: Floats, probability: Floats, positive: Flags, *, fixed: bool = False
) -> tuple[Floats, Floats]:
    """Return intercept and slope ``[b]`` of a logistic fit of the truth on the logit given.

    Parameters
    ----------
    weights, probability, positive
        ``[b, n]``, and ``[n]`` each.
    fixed
        Hold the slope at 1: the intercept is then calibration in the large, ideally 0.

    Notes
    -----
    By Newton's method, all resamples at once; not a number where it finds no end, as where the
    probability parts the films perfectly. Source: Cox DR. Biometrika 1958;45:562.
    """
    x = logit(np.clip(probability, 1e-9, 1 - 1e-9))
    y = positive.astype(np.float64)
    intercept, slope = np.zeros(len(weights)), np.ones(len(weights))
    columns = np.stack([np.ones_like(x), x, x * x], axis=1)
    ended = False
    for _ in range(_STEPS):
        p = expit(intercept[:, None] + slope[:, None] * x)
        g_0, g_1 = ((weights * (y - p)) @ columns[:, :2]).T
        h_00, h_01, h_11 = ((weights * p * (1 - p)) @ columns).T
        if fixed:
            up, tilt = g_0 / h_00, np.zeros_like(g_0)
        else:
            determinant = h_00 * h_11 - h_01**2
            up = (h_11 * g_0 - h_01 * g_1) / determinant
            tilt = (h_00 * g_1 - h_01 * g_0) / determinant
        intercept, slope = intercept + up, slope + tilt
        lost = ~(np.abs(slope) + np.abs(intercept) < _STEEPEST)
        intercept[lost] = slope[lost] = np.nan
        ended = bool(np.nanmax(np.abs(up[~lost]) + np.abs(tilt[~lost]), initial=0) < _CLOSE)
        if ended:
            break
    return intercept, slope


def equal_count_bins(probability: Floats, count: int) -> npt.NDArray[np.int64]:
    """Return each film's bin ``[n]``: `count` bins of equally many films, by probability."""
    bins = np.empty(len(probability), np.int64)
    order = np.argsort(probability, kind="stable")
    for number, members in enumerate(np.array_split(order, count)):
        bins[members] = number
    return bins


def calibration_error(
    weights: Floats, probability: Floats, positive: Floats, bins: npt.NDArray[np.int64]
) -> Floats:
    """Return the expected calibration error ``[b]``: over bins, how far shares lie from means.

    Notes
    -----
    Source: Naeini MP, Cooper G, Hauskrecht M. AAAI 2015:2901; here in bins of equally many films.
    """
    member = np.eye(int(bins.max()) + 1)[bins]
    gaps = weights @ (member * (probability - positive)[:, None])
    return np.asarray(np.abs(gaps).sum(axis=1) / weights.sum(axis=1))


def calibration_error_if_calibrated(
    probability: Floats, bins: npt.NDArray[np.int64], *, seed: int = 0, draws: int = 1000
) -> Metric:
    """Return the calibration error to expect where every probability is true.

    Notes
    -----
    With few films a bin's share misses its mean by chance, so that no error is 0. Source:
    Bröcker J, Smith LA. Weather Forecast 2007;22:651 (consistency resampling).
    """
    rng = np.random.default_rng(seed)
    member = np.eye(int(bins.max()) + 1)[bins]
    drawn = rng.random((draws, len(probability))) < probability
    found = np.abs((probability - drawn) @ member).sum(axis=1) / len(probability)
    low, high = np.percentile(found, (100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2))
    return Metric(value=float(found.mean()), low=float(low), high=float(high), n=len(probability))


def net_benefit(
    weights: Floats, probability: Floats, positive: Flags, thresholds: Floats
) -> Floats:
    """Return ``[b, k]``, true positives less false ones at the exchange rate of each threshold.

    Notes
    -----
    ``TP/n - FP/n * pt / (1 - pt)``. Source: Vickers AJ, Elkin EB. Med Decis Making 2006;26:565.
    """
    flagged = probability[:, None] >= thresholds
    worth = np.where(positive[:, None], 1.0, -thresholds / (1 - thresholds))
    return np.asarray((weights @ (flagged * worth)) / weights.sum(axis=1, keepdims=True))


def _spread(variance: Floats) -> Floats:
    """Return a variance, or not a number where it is none but rounding."""
    return np.where(variance > 1e-12, variance, np.nan)  # noqa: PLR2004
