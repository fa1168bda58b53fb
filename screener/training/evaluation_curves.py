"""Pictures of what numbers mean: reliability, decision curve, coverage of the interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from screener.training.calibration_curves import CoveragePart
from screener.training.evaluation import Evaluation
from screener.training.evaluation_figures import SQUARE, whose
from screener.training.evaluation_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Picture,
    bars,
    grid,
    new_figure,
    note,
    save,
)
from screener.training.evaluation_words import number, range_of, value_of


def draw_reliability(folder: Path, evaluation: Evaluation) -> Picture | None:
    """Draw the share of low films by estimated probability; None without a probability."""
    found, probability = evaluation.reliability, evaluation.estimates.probability
    if found is None or probability is None:
        return None
    figure = new_figure("Probability of a low Z", whose(evaluation), SQUARE)
    axes, below = figure.subplots(2, sharex=True, height_ratios=(5, 1))
    grid(axes)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    if (smooth := found.smooth) is not None:
        axes.fill_between(
            smooth.probability, smooth.band_low, smooth.band_high, color=GREEN, alpha=0.18, lw=0
        )
        axes.plot(smooth.probability, smooth.share, color=GREEN, lw=1.4, label="smoothed")
    x = np.array([b.mean_probability for b in found.bins])
    y = np.array([b.low.value for b in found.bins])
    errors = np.array([(b.low.value - b.low.low, b.low.high - b.low.value) for b in found.bins]).T
    label = f"bins of {min(b.low.n for b in found.bins):,} films or more"
    axes.errorbar(x, y, yerr=np.abs(errors), fmt="o", color=BLUE, ms=4.5, lw=1, label=label)
    axes.legend(loc="lower right")
    metrics = evaluation.overall.metrics
    names = (("slope", "logistic_slope"), ("in the large", "logistic_citl"), ("ECE", "ece"))
    lines = [
        f"{words} {value_of(metric, name)} ({range_of(metric, name)})"
        for words, name in names
        if (metric := metrics.get(name)) is not None
    ]
    if lines:
        note(axes, lines)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_ylabel("share of films of low children")
    edges = np.linspace(0, 1, 41)
    low = evaluation.estimates.low
    below.hist(
        [probability[~low], probability[low]], edges, stacked=True, color=[BLUE, ORANGE], alpha=0.7
    )
    below.set_ylabel("films")
    below.set_xlabel("estimated probability of a measured Z ≤ −2.0")
    return save(
        folder,
        figure,
        "reliability",
        caption=(
            "Reliability of the estimated probability: bins of equally many films with 95 % bounds "
            "(Wilson), a smooth curve with its 95 % band, and below the number of films (orange: "
            "low)."
        ),
        alt="Reliability curve of the probability of a low Z",
    )


def draw_decision_curve(folder: Path, evaluation: Evaluation) -> Picture | None:
    """Draw the net benefit against referring all or none; None without a probability."""
    curve = evaluation.curve
    if curve is None or len(curve.model) < len(curve.thresholds):
        return None
    figure = new_figure("Net benefit of referring by the estimate", whose(evaluation), SQUARE)
    axes = figure.subplots()
    grid(axes)
    at = 100 * np.array(curve.thresholds)
    axes.fill_between(
        at,
        [m.low for m in curve.model],
        [m.high for m in curve.model],
        color=BLUE,
        alpha=0.15,
        lw=0,
    )
    axes.plot(at, [m.value for m in curve.model], color=BLUE, lw=1.8, label="the predictor")
    if curve.clinical_only is not None:
        axes.plot(
            at, curve.clinical_only, color=GREEN, lw=1.4, ls="-.", label="clinical variables only"
        )
    axes.plot(at, curve.all_referred, color=ORANGE, lw=1.2, ls="--", label="refer all")
    axes.axhline(0, color=INK, lw=1, ls=":", label="refer none")
    top = max(m.high for m in curve.model)
    axes.set_ylim(-0.25 * top - 0.005, 1.12 * top + 0.005)
    axes.legend(loc="upper right")
    axes.set_xlabel("threshold probability of a low Z, %")
    axes.set_ylabel("net benefit per film")
    prevalence = 100 * evaluation.overall.positives / evaluation.films
    by_clinic = (
        " The arm without film has probabilities fitted on these very children, in folds of "
        "patients, which favours it."
        if curve.clinical_only is not None
        else ""
    )
    return save(
        folder,
        figure,
        "decision-curve",
        caption=(
            f"Decision curve at the {prevalence:.0f} % of low films here: true referrals less "
            "false ones at the exchange rate of each threshold. It holds for a clinic with as many "
            "low children." + by_clinic
        ),
        alt="Decision curve against referring all or none",
    )


def draw_coverage(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw where the interval holds the truth: by what is missing, and along the estimate."""
    coverage = evaluation.coverage
    figure = new_figure("Where the interval holds the measured Z", whose(evaluation), SQUARE)
    above, below = figure.subplots(
        2, height_ratios=(len(coverage.by_missing), len(coverage.by_estimate))
    )
    words = {"none": "nothing", "height": "height", "weight": "weight"}
    _draw_parts(above, coverage.by_missing, coverage.nominal, words, "missing")
    _draw_parts(below, coverage.by_estimate, coverage.nominal, {}, "estimated Z")
    low = min(part.covered.low for part in (*coverage.by_missing, *coverage.by_estimate))
    for axes in (above, below):
        axes.set_xlim(100 * min(low, 0.8) - 2, 101)
    below.set_xlabel("measured Z inside the interval, %")
    return save(
        folder,
        figure,
        "coverage",
        caption=(
            f"Coverage of the {100 * coverage.nominal:.0f} % interval (dashed) with 95 % bounds "
            "(Wilson): where variables are withheld from all films that have them, and in fifths "
            "of the films by estimate. Conformal intervals promise the mean alone."
        ),
        alt="Coverage of the interval by missing variables and along the estimate",
    )


def _draw_parts(
    axes: Axes,
    parts: tuple[CoveragePart, ...],
    nominal: float,
    words: dict[str, str],
    title: str,
) -> None:
    grid(axes, "x")
    axes.axvline(100 * nominal, color=INK, lw=1, ls="--")
    for place, part in enumerate(parts):
        c = part.covered
        value, low, high = (100 * share for share in (c.value, c.low, c.high))
        axes.errorbar(value, place, xerr=bars(value, low, high), fmt="o", color=BLUE, ms=5, lw=1.2)
    axes.set_yticks(
        range(len(parts)),
        [
            f"{words.get(part.name, part.name).replace('-', '−')}\n"
            f"n {part.covered.n:,}, ± {number(part.half_width_z)} Z"
            for part in parts
        ],
        fontsize=7.5,
    )
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.set_title(title, fontsize=9, loc="left", color=INK)
