"""Pictures of comparisons: subgroups and arms as forests, and the gallery of the worst errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from screener.imaging.png import film_picture
from screener.training.evaluation import Evaluation
from screener.training.evaluation_figures import whose
from screener.training.evaluation_style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    RULE,
    Picture,
    bars,
    grid,
    new_figure,
    save,
)
from screener.training.evaluation_words import arm_words, group_words, level_words, number, wording
from screener.training.measures import Measured
from screener.training.resampling import Metric
from screener.training.scrutiny import WorstFilm

_WIDTH = 9.6
_ROW = 0.235
_HEAD = 1.25
_MOST_LEVELS = 12
_LONGEST = 42

_SUBGROUP_PANELS = (
    ("auc", "AUC"),
    ("sensitivity", "sensitivity, %"),
    ("specificity", "specificity, %"),
    ("mae_z", "MAE, Z"),
)
_ARM_PANELS = (("r_z", "r of Z"), ("auc", "AUC"))

#: Side of a film in the gallery: too small to read what may be written on it.
THUMBNAIL_PX = 170
_COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of a forest; without figures it is a heading."""

    label: str
    counts: str = ""
    metrics: Mapping[str, Metric] | None = None
    not_computed: Mapping[str, str] | None = None


def draw_subgroups(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw AUC, sensitivity, specificity and error of every level of every subgroup."""
    rows = [_row("all films", evaluation.overall)]
    for name, levels in evaluation.subgroups.items():
        shown = list(levels.items())[:_MOST_LEVELS]
        rows.append(_Row(label=group_words(name)))
        rows += [
            _row("   " + shorten(level_words(name, level)), measured) for level, measured in shown
        ]
    return _forest(
        folder,
        evaluation,
        rows,
        _SUBGROUP_PANELS,
        name="subgroups",
        title="Subgroups",
        caption=(
            "Subgroups, at the decision threshold, with 95 % bounds; the dashed line is all films. "
            "A dash: fewer than ten films of low children, or of others, so that nothing is given."
        ),
    )


def draw_arms(folder: Path, evaluation: Evaluation) -> Picture:
    """Draw r and AUC of the predictor and of every arm."""
    rows = [_row("the predictor, told all that is known", evaluation.overall)]
    rows += [_row(arm_words(name), arm.measured) for name, arm in evaluation.arms.items()]
    return _forest(
        folder,
        evaluation,
        rows,
        _ARM_PANELS,
        name="arms",
        title="What an estimate rests on",
        caption=(
            "Correlation and AUC where something is withheld from the predictor, and of other arms "
            "of the study; 95 % bounds."
        ),
    )


def draw_gallery(
    folder: Path, evaluation: Evaluation, films: Mapping[int, npt.NDArray[np.float32]]
) -> Picture | None:
    """Draw the films of the largest errors with facts that tell nobody's name; None of none."""
    shown = [film for film in evaluation.worst if film.row in films]
    if not shown:
        return None
    lines = -(-len(shown) // _COLUMNS)
    figure = new_figure("The largest errors", whose(evaluation), (_WIDTH, 0.5 + 3.0 * lines))
    grid_of_axes = np.atleast_1d(figure.subplots(lines, _COLUMNS)).ravel()
    for axes, film in zip(grid_of_axes, shown, strict=False):
        axes.imshow(
            film_picture(films[film.row], THUMBNAIL_PX), cmap="gray", vmin=0, vmax=255,
            interpolation="bilinear",
        )  # fmt: skip
        axes.set_title(caption_of(film), fontsize=8, loc="left", linespacing=1.35)
    for axes in grid_of_axes:
        axes.axis("off")
    return save(
        folder,
        figure,
        "largest-errors",
        caption=(
            f"The {len(shown)} largest errors, as the network sees the films; Z by "
            f"{evaluation.rules.by.label}."
        ),
        alt="Films of the largest errors with measured and estimated Z",
        wide=True,
        of_films=True,
    )


def caption_of(film: WorstFilm) -> str:
    """Return what is said of a film in the gallery."""
    child = {"M": "boy", "F": "girl"}.get(film.sex, film.sex)
    facts = [child, f"{film.age_years} y", *([film.view] if film.view else [])]
    return (
        f"measured {number(film.z, 1)}, estimated {number(film.z_estimate, 1)}\n"
        f"{', '.join(facts)}; "
        + (
            "height Z " + number(film.height_z, 1)
            if film.height_z is not None
            else "height unknown"
        )
    )


def shorten(label: str) -> str:
    """Return a label that fits its column."""
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _row(label: str, measured: Measured) -> _Row:
    return _Row(
        label=label,
        counts=f"{measured.films:,} / {measured.positives:,}",
        metrics=measured.metrics,
        not_computed=measured.not_computed,
    )


def _forest(
    folder: Path,
    evaluation: Evaluation,
    rows: Sequence[_Row],
    panels: Sequence[tuple[str, str]],
    *,
    name: str,
    title: str,
    caption: str,
) -> Picture:
    figure = new_figure(title, whose(evaluation), (_WIDTH, _HEAD + _ROW * len(rows)))
    labels, *others = figure.subplots(
        1, len(panels) + 1, sharey=True, width_ratios=(2.3, *(1.0,) * len(panels))
    )
    labels.set_xlim(0, 1)
    labels.set_ylim(len(rows) - 0.4, -0.9)
    labels.axis("off")
    labels.text(1, -0.9, "films / of low children", ha="right", va="bottom", fontsize=8, color=GREY)
    for place, row in enumerate(rows):
        heading = row.metrics is None
        labels.text(
            0, place, row.label, va="center", fontsize=8.5, fontweight="bold" if heading else 400
        )
        labels.text(1, place, row.counts, ha="right", va="center", fontsize=8)
    for axes, (metric, words) in zip(others, panels, strict=True):
        _panel(axes, rows, metric, words)
    return save(folder, figure, name, caption=caption, alt=f"{title}, as a forest plot", wide=True)


def _panel(axes: Axes, rows: Sequence[_Row], name: str, words: str) -> None:
    scale = 100 if wording(name).unit == "%" else 1
    grid(axes, "x")
    first = rows[0].metrics or {}
    if name in first:
        axes.axvline(scale * first[name].value, color=INK, lw=0.9, ls="--")
    middle = axes.get_yaxis_transform()
    for place, row in enumerate(rows):
        if place % 2 == 0:
            axes.axhspan(place - 0.5, place + 0.5, color=RULE, alpha=0.22, lw=0)
        if row.metrics is None:
            continue
        metric = row.metrics.get(name)
        if metric is None:
            axes.text(0.5, place, "–", ha="center", va="center", color=GREY, transform=middle)
            continue
        value, low, high = (scale * v for v in (metric.value, metric.low, metric.high))
        axes.errorbar(
            value,
            place,
            xerr=bars(value, low, high),
            fmt="D" if place == 0 else "o",
            color=ORANGE if place == 0 else BLUE,
            ms=4.5,
            lw=1.2,
        )
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(words)
