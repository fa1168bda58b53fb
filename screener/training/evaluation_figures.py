"""Pictures of estimates beside the truth: scatter, Bland-Altman, errors, ROC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from sklearn.metrics import roc_curve

from screener.training.evaluation import Evaluation
from screener.training.evaluation_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Picture,
    bars,
    grid,
    new_figure,
    note,
    save,
)
from screener.training.evaluation_words import number, range_of, value_of
from screener.training.measures import OperatingPoint
from screener.training.predictions import Floats

SQUARE = (4.7, 4.5)

#: Fewest and most bars of a histogram.
_BINS = (10, 40)
_MOST_OPAQUE, _POINTS = 0.75, 350.0


def whose(evaluation: Evaluation) -> str:
    """Return whose films a picture shows, for its second line."""
    kind = "synthetic films" if evaluation.synthetic else "films"
    children = "synthetic children" if evaluation.synthetic else "children"
    return f"{evaluation.films:,} {kind} of {evaluation.patients:,} {children}"


def draw_scatter(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw the estimated on the measured Z, with what the decision threshold does."""
    e, rules = evaluation.estimates, evaluation.rules
    figure = new_figure("Estimated on measured Z", whose(evaluation), SQUARE)
    axes = figure.subplots()
    grid(axes)
    ends = _ends(e.z, e.z_estimate)
    axes.axhspan(ends[0], rules.threshold_z, color=ORANGE, alpha=0.07, lw=0)
    axes.plot(ends, ends, color=GREY, lw=1, ls="--")
    _points(axes, evaluation, e.z, e.z_estimate)
    axes.axvline(rules.definition_z, color=INK, lw=0.9, ls=":")
    axes.axhline(rules.threshold_z, color=ORANGE, lw=1.2)
    point = evaluation.points[0]
    for x, y, words, ha, va in (
        (0.02, 0.02, f"flagged, low: {point.true_positives:,}", "left", "bottom"),
        (0.98, 0.02, f"flagged, not low: {point.false_positives:,}", "right", "bottom"),
        (0.02, 0.98, f"not flagged, low: {point.false_negatives:,}", "left", "top"),
        (0.98, 0.98, f"not flagged, not low: {point.true_negatives:,}", "right", "top"),
    ):
        axes.text(
            x, y, words, transform=axes.transAxes, ha=ha, va=va, fontsize=7.5, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}, zorder=5,
        )  # fmt: skip
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel(f"measured Z ({rules.by.label})")
    axes.set_ylabel(f"estimated Z ({rules.by.label})")
    return save(
        folder,
        figure,
        "scatter",
        caption=(
            f"Estimated on measured Z by {rules.by.label}. Triangles: measured Z of "
            f"{rules.definition_z:.1f} or below (dotted line). Shaded: flagged at the decision "
            f"threshold, an estimate of {rules.threshold_z:.1f} or below. Dashed: equality."
        ),
        alt="Scatter of estimated on measured Z with decision threshold",
    )


def draw_bland_altman(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw the difference of estimated and measured Z on their mean."""
    e, metrics = evaluation.estimates, evaluation.overall.metrics
    figure = new_figure("Agreement of estimated and measured Z", whose(evaluation), SQUARE)
    axes = figure.subplots()
    grid(axes)
    mean, apart = (e.z + e.z_estimate) / 2, e.z_estimate - e.z
    _points(axes, evaluation, mean, apart)
    ends = (float(mean.min()), float(mean.max()))
    for name, colour, style in (
        ("limit_low_z", PURPLE, "--"),
        ("bias_z", INK, "-"),
        ("limit_high_z", PURPLE, "--"),
    ):
        if (metric := metrics.get(name)) is not None:
            axes.axhspan(metric.low, metric.high, color=colour, alpha=0.13, lw=0)
            axes.axhline(metric.value, color=colour, lw=1.2, ls=style)
            axes.annotate(
                number(metric.value), (1.005, metric.value), xycoords=("axes fraction", "data"),
                va="center", fontsize=8, color=colour,
            )  # fmt: skip
    lines = []
    slope, bias = metrics.get("difference_slope_z"), metrics.get("bias_z")
    if slope is not None and bias is not None:
        x = np.array(ends)
        axes.plot(x, bias.value + slope.value * (x - mean.mean()), color=ORANGE, lw=1.2)
        lines = [
            f"bias {number(bias.value)} ({range_of(bias, 'bias_z')})",
            f"slope {number(slope.value)} ({range_of(slope, 'difference_slope_z')})",
        ]
        note(axes, lines)
    axes.set_xlabel("mean of estimated and measured Z")
    axes.set_ylabel("estimated minus measured Z")
    return save(
        folder,
        figure,
        "bland-altman",
        caption=(
            "Bland-Altman plot of Z. Black: bias. Dashed: 95 % limits of agreement; bands are 95 % "
            "bounds. Orange: slope of the difference on the mean; below 0, low children are "
            "estimated too high and others too low, as by any estimate drawn to the mean."
        ),
        alt="Bland-Altman plot of estimated and measured Z",
    )


def draw_errors(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw how errors are spread, for low children and the others."""
    e = evaluation.estimates
    figure = new_figure("Errors of the estimated Z", whose(evaluation), SQUARE)
    axes = figure.subplots()
    grid(axes, "y")
    apart = e.z_estimate - e.z
    reach = max(float(np.abs(apart).max()), 0.5)
    bins = int(np.clip(1.5 * np.sqrt(len(apart)), *_BINS))
    edges = np.linspace(-reach, reach, bins + 1).tolist()
    for member, colour, words in (
        (~e.low, BLUE, "not low"),
        (e.low, ORANGE, "low: measured Z ≤ −2.0"),
    ):
        if not member.any():
            continue
        axes.hist(
            apart[member], edges, weights=np.full(int(member.sum()), 1 / member.sum()),
            histtype="stepfilled", facecolor=(*to_rgb(colour), 0.25), edgecolor=colour, lw=1.1,
            label=f"{words}, n = {int(member.sum()):,}, mean {number(float(apart[member].mean()))}",
        )  # fmt: skip
        axes.axvline(float(apart[member].mean()), ymax=0.8, color=colour, lw=1.4)
    axes.axvline(0, ymax=0.8, color=INK, lw=0.8, ls=":")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 1.2)
    axes.legend(loc="upper left")
    axes.set_xlabel("estimated minus measured Z")
    axes.set_ylabel("share of the films of each kind")
    return save(
        folder,
        figure,
        "errors",
        caption="Errors among low children and among the others; lines are their means.",
        alt="Histogram of errors for low children and others",
    )


def draw_roc(folder: Path, evaluation: Evaluation) -> Picture | None:
    """Draw the ROC curve with both operating points; None where it has no meaning."""
    e, auc = evaluation.estimates, evaluation.overall.metrics.get("auc")
    if auc is None:
        return None
    figure = new_figure("Finding a measured Z of -2.0 or below", whose(evaluation), SQUARE)
    axes = figure.subplots()
    grid(axes)
    missed, found, _ = roc_curve(e.low, -e.z_estimate)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    axes.plot(missed, found, color=BLUE, lw=1.6)
    points = _distinct(evaluation.points)
    for point, colour, marker in zip(points, (ORANGE, GREEN), ("D", "s"), strict=False):
        _mark(axes, point, colour, marker)
    lines = [f"AUC {value_of(auc, 'auc')} ({range_of(auc, 'auc')})"]
    delong = evaluation.overall.metrics.get("auc_delong")
    if delong is not None:
        lines.append(f"DeLong {range_of(delong, 'auc')}")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.13))
    note(axes, lines, "lower right")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("1 - specificity".replace("-", "−"))
    axes.set_ylabel("sensitivity")
    return save(
        folder,
        figure,
        "roc",
        caption=(
            "ROC curve of the estimated Z. The diamond is the decision threshold"
            + (", the square the definition of low taken as one" if len(points) > 1 else "")
            + "; crosses are 95 % bounds (Wilson)."
        ),
        alt="ROC curve with operating points",
    )


def _mark(axes: Axes, point: OperatingPoint, colour: str, marker: str) -> None:
    sensitivity, specificity = point.shares.get("sensitivity"), point.shares.get("specificity")
    if sensitivity is None or specificity is None:
        return
    x, y = 1 - specificity.value, sensitivity.value
    axes.errorbar(
        x,
        y,
        xerr=bars(x, 1 - specificity.high, 1 - specificity.low),
        yerr=bars(y, sensitivity.low, sensitivity.high),
        fmt=marker,
        color=colour,
        ms=6,
        lw=1.2,
        label=f"estimated Z ≤ {number(point.threshold_z, 1)}: sensitivity {100 * y:.0f} %, "
        f"specificity {100 * specificity.value:.0f} %",
    )


def _distinct(points: tuple[OperatingPoint, ...]) -> list[OperatingPoint]:
    """Return operating points without those whose threshold an earlier one has."""
    return list({point.threshold_z: point for point in reversed(points)}.values())[::-1]


def _points(axes: Axes, evaluation: Evaluation, x: Floats, y: Floats) -> None:
    low = evaluation.estimates.low
    alpha = min(_MOST_OPAQUE, max(0.15, _POINTS / len(x)))
    for member, colour, marker in ((~low, BLUE, "o"), (low, ORANGE, "^")):
        axes.scatter(
            x[member], y[member], s=11, marker=marker, color=colour, alpha=alpha, lw=0,
            rasterized=True,
        )  # fmt: skip


def _ends(*values: Floats) -> tuple[float, float]:
    low = min(float(v.min()) for v in values)
    high = max(float(v.max()) for v in values)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)
