"""What a calibration did, in one picture: estimates, probability, price of each threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve

from screener.domain.threshold import DEFINITION_Z
from screener.predictor.card import PredictorCard
from screener.training.predictions import Floats
from screener.training.threshold import predictive_value

#: Colours that the colour-blind tell apart (Okabe M, Ito K. 2008).
_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

_BINS = 8


def draw_calibration(
    path: Path,
    *,
    z: Floats,
    z_estimate: Floats,
    cuts: npt.NDArray[np.float64],
    card: PredictorCard,
) -> None:
    """Draw measured on estimated Z, the probability's reliability, and the thresholds.

    Parameters
    ----------
    path
        Of the PNG.
    z, z_estimate
        ``[n]`` by the reference of the threshold, one film of each patient.
    cuts
        ``[k, 3]``: threshold, sensitivity, specificity.
    card
        Of the calibrated predictor.
    """
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    label = "synthetic children" if card.synthetic else "children"
    figure.suptitle(f"{card.label}: calibrated on {len(z)} {label}")
    left, middle, right = figure.subplots(1, 3)
    reference = card.decision.reference if card.decision else card.reference.label
    _draw_estimates(left, z, z_estimate, card, reference)
    _draw_probability(middle, z, z_estimate, card)
    _draw_cuts(right, cuts, card)
    figure.savefig(path, dpi=130)


def _draw_estimates(
    axes: Axes, z: Floats, z_estimate: Floats, card: PredictorCard, reference: str
) -> None:
    ends = np.array([min(z.min(), z_estimate.min()), max(z.max(), z_estimate.max())])
    width = max(card.interval.half_width_z.values())
    axes.fill_between(ends, ends - width, ends + width, color=_BLUE, alpha=0.10, lw=0)
    axes.plot(ends, ends, color=_BLUE, lw=1)
    axes.scatter(z_estimate, z, s=6, color="black", alpha=0.35, lw=0)
    axes.axhline(DEFINITION_Z, color=_GREY, lw=1, ls=":")
    axes.annotate("low: measured Z ≤ −2.0", (ends[1], DEFINITION_Z - 0.12), ha="right", va="top",
                  color=_GREY, fontsize=8)  # fmt: skip
    if card.decision:
        axes.axvline(card.decision.threshold_z, color=_ORANGE, lw=1.2)
    axes.set_xlabel(f"estimated Z ({reference})")
    axes.set_ylabel("measured Z")
    axes.set_title(f"estimates, with the {100 * card.interval.level:.0f} % interval", fontsize=10)


def _draw_probability(axes: Axes, z: Floats, z_estimate: Floats, card: PredictorCard) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, lw=1, ls=":")
    platt = card.probability
    axes.set_title("probability of a low Z", fontsize=10)
    axes.set_xlabel("estimated probability")
    axes.set_ylabel("share that is low")
    if platt is None:
        axes.text(0.5, 0.5, "too few low children", ha="center", color=_GREY)
        return
    estimated = 1 / (1 + np.exp(-(platt.intercept + platt.slope * z_estimate)))
    low = z <= DEFINITION_Z
    share, mean = calibration_curve(low, estimated, n_bins=_BINS, strategy="quantile")
    axes.plot(mean, share, "o-", color=_BLUE, lw=1, ms=4)
    axes.hist(estimated, bins=20, range=(0, 1), weights=np.full(len(z), 1 / len(z)), color=_BLUE,
              alpha=0.15)  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _draw_cuts(axes: Axes, cuts: npt.NDArray[np.float64], card: PredictorCard) -> None:
    prevalence = card.decision.prevalence if card.decision else None
    axes.plot(cuts[:, 0], cuts[:, 1], color=_BLUE, label="sensitivity")
    axes.plot(cuts[:, 0], cuts[:, 2], color=_GREEN, label="specificity")
    if card.decision and prevalence is not None:
        worth = [predictive_value(s, t, prevalence) for _, s, t in cuts]
        axes.plot(cuts[:, 0], worth, color=_ORANGE, ls="--",
                  label=f"low among flagged, at {100 * prevalence:g} % prevalence")  # fmt: skip
        cut = card.decision.threshold_z
        axes.axvline(cut, color=_ORANGE, lw=1.2)
        axes.annotate(f" {cut:.1f}: {card.decision.chosen_for}", (cut, 1.03), color=_ORANGE,
                      fontsize=8, annotation_clip=False)  # fmt: skip
    axes.axvline(DEFINITION_Z, color=_GREY, lw=1, ls=":")
    axes.set_xlim(-4, 0)
    axes.set_ylim(0, 1)
    axes.set_xlabel("decision threshold on the estimated Z")
    axes.set_title("what each threshold finds", fontsize=10, pad=16)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=8, frameon=False)
