"""What a few hundred local pairs buy: intervals before and after recalibration, over many draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screener.domain.errors import ConfigurationError
from screener.predictor.card import PredictorCard
from screener.training.calibrate import calibrate, first_films
from screener.training.predictions import Floats, PredictionTable

#: Fewer children are left to test on than say anything.
_FEWEST_LEFT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalibrationCost:
    """Coverage of the interval at a site, before and after recalibration on its own pairs.

    Parameters
    ----------
    pairs, draws, children
        Pairs in each draw, how many draws, and the site's children, one film each.
    level
        Coverage that the interval promises.
    before
        Coverage with the card as it is.
    mean, sd, low, high
        Coverage of the children that a draw left, over the draws; 5th and 95th percentile.
    half_width_z
        Mean half width after recalibration, with nothing missing.
    """

    pairs: int
    draws: int
    children: int
    level: float
    before: float
    mean: float
    sd: float
    low: float
    high: float
    half_width_z: float

    def line(self) -> str:
        """Return the cost in a line for the console."""
        return (
            f"{100 * self.level:.0f} % interval: covers {100 * self.before:.1f} % as it is; after "
            f"recalibration on {self.pairs} pairs {100 * self.mean:.1f} % (mean of {self.draws} "
            f"draws, SD {100 * self.sd:.1f}, 5th to 95th percentile {100 * self.low:.1f} to "
            f"{100 * self.high:.1f})"
        )


def recalibration_cost(
    table: PredictionTable, card: PredictorCard, *, pairs: int, draws: int = 100, seed: int = 0
) -> RecalibrationCost:
    """Draw local pairs again and again, recalibrate, and count how many others are covered.

    Parameters
    ----------
    table
        A site's children with their truth; each counts with the first film.
    card
        Of the predictor before recalibration.
    pairs, draws, seed
        As in `RecalibrationCost`; of the drawing.

    Raises
    ------
    ConfigurationError
        Fewer than 100 children are left to test on.

    Notes
    -----
    Conditional on one draw, coverage varies about its promise as a beta distribution does: with
    200 pairs by about two points. Source: Angelopoulos AN, Bates S. A gentle introduction to
    conformal prediction. Found Trends Mach Learn 2023;16:494.
    """
    children = table.take(first_films(table))
    if len(children) < pairs + _FEWEST_LEFT:
        raise ConfigurationError(
            f"{len(children)} children are too few to draw {pairs} pairs and test on "
            f"{_FEWEST_LEFT} others"
        )
    width = card.interval.half_width_z["none"]
    rng = np.random.default_rng(seed)
    covered, widths = [], []
    for _ in range(draws):
        order = rng.permutation(len(children))
        fitted = calibrate(children.take(order[:pairs]), synthetic=card.synthetic)
        line, after = fitted.calibration, fitted.interval.half_width_z["none"]
        rest = children.take(order[pairs:])
        covered.append(_coverage(rest, line.slope, line.intercept, after))
        widths.append(after)
    c = card.calibration
    low, high = np.percentile(covered, (5, 95))
    return RecalibrationCost(
        pairs=pairs,
        draws=draws,
        children=len(children),
        level=card.interval.level,
        before=_coverage(children, c.slope, c.intercept, width),
        mean=float(np.mean(covered)),
        sd=float(np.std(covered, ddof=1)),
        low=float(low),
        high=float(high),
        half_width_z=float(np.mean(widths)),
    )


def _coverage(table: PredictionTable, slope: float, intercept: float, width: float) -> float:
    estimate: Floats = intercept + slope * table.raw_z["none"]
    return float(np.mean(np.abs(table.z - estimate) <= width))
