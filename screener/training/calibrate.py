"""From raw to honest: recalibration, probability and conformal intervals, on children of their own.

Everything is fitted on films that the network has not learnt from: those that a training run held
out, its out-of-fold predictions, or a few hundred pairs of the site that will use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from screener.domain.errors import ConfigurationError
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.facts import MISSING_PATTERNS, Calibration, Interval, Probability
from screener.training.predictions import Flags, Floats, PredictionTable

#: Share of children whose true Z the interval is to hold.
INTERVAL_LEVEL = 0.9

#: Quantiles of the error that make the predictive distribution.
QUANTILE_LEVELS = (
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5,
    0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99,
)  # fmt: skip

#: Fewer low children, or fewer others, say nothing of a probability.
_FEWEST_OF_A_KIND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What calibration gives a card; `probability` is None where too few children were low."""

    calibration: Calibration
    interval: Interval
    probability: Probability | None


def calibrate(
    table: PredictionTable,
    *,
    synthetic: bool,
    local: bool = False,
    origin: str = "the training data's own, held out",
    level: float = INTERVAL_LEVEL,
) -> Fitted:
    """Fit the recalibration of Z, the interval, its distribution, and the probability of a low Z.

    Parameters
    ----------
    table
        Films that the network has not learnt from, with their measured Z by the card's reference.
    synthetic
        Whether any of the films is computed; it is said wherever their number is.
    local, origin
        Whether the children are the site's own, and in words whose they are.
    level
        Coverage of the interval.

    Returns
    -------
    Fitted
        For each pattern of missing variables the interval comes from the same children with those
        variables left out. A pattern that too few of them can show has the widest width of the
        others.

    Raises
    ------
    ConfigurationError
        Too few patients for an interval of this level, or estimates that do not rise with the
        truth.

    Notes
    -----
    Source: Cox DR. Biometrika 1958;45:562 (linear recalibration); Vovk V et al. Algorithmic
    learning in a random world, 2005; Lei J et al. JASA 2018;113:1094 (split conformal). Patients
    are exchangeable, films of one patient are not: each patient counts with the first film.
    """
    slope, intercept = fit_recalibration(table.raw_z["none"], table.z)
    first = first_films(table)
    known = {"height": table.height_known[first], "weight": table.weight_known[first]}
    widths: dict[str, float] = {}
    quantiles: dict[str, tuple[float, ...]] = {}
    for missing, name in MISSING_PATTERNS.items():
        shown = np.ones(len(first), bool)
        for variable in known.keys() - set(missing):
            shown &= known[variable]
        errors = (table.z - (intercept + slope * table.raw_z[name]))[first][shown]
        width = conformal_half_width(np.abs(errors), level)
        if width is not None:
            widths[name] = width
            quantiles[name] = error_quantiles(errors)
    if not widths:
        raise ConfigurationError(
            f"the calibration part has {len(first)} patients; an interval of {level:.0%} needs "
            f"at least {math.ceil(round(level / (1 - level), 9))}"
        )
    widest = max(widths, key=lambda name: widths[name])
    patterns = MISSING_PATTERNS.values()
    children = f"{len(first)} {'synthetic ' if synthetic else ''}children"
    return Fitted(
        calibration=Calibration(
            slope=slope,
            intercept=intercept,
            films=len(table),
            patients=len(first),
            origin=origin,
        ),
        interval=Interval(
            level=level,
            half_width_z={name: widths.get(name, widths[widest]) for name in patterns},
            statement=f"{100 * level:.0f} % split-conformal interval, calibrated on {children}.",
            quantile_levels=QUANTILE_LEVELS,
            error_quantiles_z={name: quantiles.get(name, quantiles[widest]) for name in patterns},
        ),
        probability=fit_probability(
            intercept + slope * table.raw_z["none"][first],
            table.z[first] <= DEFINITION_Z,
            films=len(table),
            local=local,
        ),
    )


def first_films(table: PredictionTable) -> npt.NDArray[np.int64]:
    """Return each patient's first row, in the table's order."""
    rows: dict[str, int] = {}
    for row, patient in enumerate(table.patient):
        rows.setdefault(patient, row)
    return np.array(list(rows.values()), np.int64)


def fit_recalibration(raw: Floats, z: Floats) -> tuple[float, float]:
    """Return slope and intercept of the least squares line of true on raw Z.

    Raises
    ------
    ConfigurationError
        There is no such line with a rising slope: the network has learnt nothing.
    """
    spread = float(np.var(raw)) if len(raw) else 0.0
    slope = float(np.mean((raw - raw.mean()) * (z - z.mean()))) / spread if spread > 0 else 0.0
    if slope <= 0:
        raise ConfigurationError(
            "on the calibration part the estimates do not rise with the truth: train longer or "
            "on more films"
        )
    return slope, float(z.mean() - slope * raw.mean())


def conformal_half_width(errors: Floats, level: float) -> float | None:
    """Return the half width that holds the next error with probability `level` or more.

    Parameters
    ----------
    errors
        ``[n]`` absolute errors, of exchangeable patients.

    Returns
    -------
    float or None
        The ``ceil((n + 1) level)``-th smallest error; None where n is too small to have it.
    """
    # rounded first: 0.9 is no binary fraction, and a rank must not rise by its last digit
    rank = math.ceil(round((len(errors) + 1) * level, 9))
    return float(np.sort(errors)[rank - 1]) if rank <= len(errors) else None


def error_quantiles(errors: Floats) -> tuple[float, ...]:
    """Return the quantiles of signed errors at `QUANTILE_LEVELS`, reference SDs.

    Notes
    -----
    The plotting position of Weibull, ``k / (n + 1)``, is where the k-th of n exchangeable errors
    leaves the next one, on average.
    """
    return tuple(float(q) for q in np.quantile(errors, QUANTILE_LEVELS, method="weibull"))


def fit_probability(
    z_estimate: Floats, low: Flags, *, films: int, local: bool
) -> Probability | None:
    """Fit Platt's curve of a low true Z on the calibrated estimate.

    Parameters
    ----------
    z_estimate, low
        ``[n]``, one film of each patient.
    films, local
        For the card.

    Returns
    -------
    Probability or None
        None where fewer than ten children were low, or fewer than ten were not, or where the
        probability does not fall with the Z.

    Notes
    -----
    Source: Platt J. Probabilistic outputs for support vector machines, 1999: targets drawn in by
    one child of each kind, so that a perfect separation stays finite.
    """
    lows, others = int(low.sum()), int((~low).sum())
    if min(lows, others) < _FEWEST_OF_A_KIND:
        return None
    target = np.where(low, (lows + 1) / (lows + 2), 1 / (others + 2))
    model = LogisticRegression(C=np.inf, max_iter=1000)
    model.fit(
        np.tile(z_estimate, 2)[:, None],
        np.repeat([1, 0], len(target)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope = float(model.coef_[0, 0])
    if slope >= 0:
        return None
    return Probability(
        slope=slope,
        intercept=float(model.intercept_[0]),
        prevalence=lows / len(low),
        films=films,
        patients=len(low),
        local=local,
    )
