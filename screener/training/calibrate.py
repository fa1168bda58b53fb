"""From raw to honest: linear recalibration and conformal intervals, on patients of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import MISSING_PATTERNS, Calibration, Interval
from screener.predictor.encoding import HEIGHT_KNOWN, WEIGHT_KNOWN
from screener.training.dataset import FilmSet
from screener.training.features import pooled_features, raw_z

#: Share of children whose true Z the interval is to hold.
INTERVAL_LEVEL = 0.9


def calibrate(
    network: ScreenerNet,
    films: FilmSet,
    rows: Sequence[int],
    *,
    device: str,
    level: float = INTERVAL_LEVEL,
) -> tuple[Calibration, Interval]:
    """Fit the recalibration of Z and the width of its interval on films of no other use.

    Parameters
    ----------
    network
        As loaded from its saved weights, so that rounding is calibrated too.
    films, rows
        The calibration part.
    device
        ``"cpu"`` or ``"cuda"``.
    level
        Coverage of the interval.

    Returns
    -------
    tuple
        Slope and intercept; and for each pattern of missing variables the half width of the
        interval, from the same children with those variables left out. A pattern that too few of
        them can show has the widest width of the others.

    Raises
    ------
    ConfigurationError
        Too few patients for an interval of this level.

    Notes
    -----
    Source: Cox DR. Biometrika 1958;45:562 (linear recalibration); Vovk V et al. Algorithmic
    learning in a random world, 2005; Lei J et al. JASA 2018;113:1094 (split conformal). Patients
    are exchangeable, films of one patient are not: each patient counts with the first film.
    """
    pooled = pooled_features(network, films, rows, device=device)
    clinical, z = films.clinical[rows], films.z[rows].astype(np.float64)
    slope, intercept = fit_recalibration(raw_z(network.head, pooled, clinical), z)
    patients = [films.pairs[row].patient for row in rows]
    first = np.array([patients.index(patient) for patient in dict.fromkeys(patients)], np.int64)
    known = {
        "height": clinical[first, HEIGHT_KNOWN] > 0,
        "weight": clinical[first, WEIGHT_KNOWN] > 0,
    }
    widths: dict[str, float] = {}
    for missing, name in MISSING_PATTERNS.items():
        shown = np.ones(len(first), bool)
        for variable in known.keys() - set(missing):
            shown &= known[variable]
        estimate = intercept + slope * raw_z(network.head, pooled, clinical, missing)
        errors = np.abs(z - estimate)[first][shown]
        width = conformal_half_width(errors, level)
        if width is not None:
            widths[name] = width
    if not widths:
        raise ConfigurationError(
            f"the calibration part has {len(first)} patients; an interval of {level:.0%} needs "
            f"at least {math.ceil(round(level / (1 - level), 9))}"
        )
    widest = max(widths.values())
    return (
        Calibration(slope=slope, intercept=intercept, films=len(rows), patients=len(first)),
        Interval(
            level=level,
            half_width_z={name: widths.get(name, widest) for name in MISSING_PATTERNS.values()},
            statement=(
                f"{100 * level:.0f} % split-conformal interval, calibrated on {len(first)} "
                f"{'synthetic ' if films.synthetic else ''}children."
            ),
        ),
    )


def fit_recalibration(
    raw: npt.NDArray[np.float64], z: npt.NDArray[np.float64]
) -> tuple[float, float]:
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


def conformal_half_width(errors: npt.NDArray[np.float64], level: float) -> float | None:
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
