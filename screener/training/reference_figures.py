"""Centiles over the children they were fitted to, and worms: how well a table fits at each age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from screener.domain.lms import LmsTable
from screener.domain.patient import Sex
from screener.training.reference_data import Measured
from screener.training.reference_fit import FittedReference

Floats = npt.NDArray[np.float64]

#: Centiles that charts of children show; the lowest and the highest lie at Z -2 and +2.
_CENTILES = (2.3, 9, 25, 50, 75, 91, 97.7)
_LABELS = {2.3: " 2.3 (−2 SD)", 50: " 50 (median)"}
_WORDS = {Sex.MALE: "boys", Sex.FEMALE: "girls"}
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"
_WORM_BANDS = 4
#: What a worm plot shows of Z; what lies further is set on the edge.
_WORM_REACH = 1.0
_HOW_TO_READ = (
    "Dashed: where 95 % of points lie if the table fits. A worm above or below: wrong median; "
    "sloping: wrong spread; bent: wrong skew. Orange: beyond the frame."
)


def draw_centiles(
    path: Path, table: LmsTable, *, title: str, measured: Measured | None = None
) -> None:
    """Draw a table's centiles by sex, over the children where they are given.

    Parameters
    ----------
    path
        Of the PNG.
    table
        aBMD in g/cm2.
    title
        Name, device, region; says synthetic where it is.
    measured
        The children.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    figure.suptitle(f"{title}: centiles")
    panels = figure.subplots(1, len(table.curves), sharey=True, squeeze=False)[0]
    for axes, sex in zip(panels, table.curves, strict=True):
        axes.set_title(_WORDS[sex])
        if measured is not None:
            rows = measured.sex == sex.value
            axes.scatter(measured.age_years[rows], measured.abmd_g_cm2[rows], s=7, color=_GREY,
                         alpha=min(0.5, 400 / rows.sum()), lw=0)  # fmt: skip
            axes.set_title(f"{_WORDS[sex]}, n = {rows.sum()}")
        _draw_curves(axes, table, sex)
        axes.set_xlabel("age, years")
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("lumbar spine aBMD, g/cm²")
    figure.savefig(path, dpi=130, format="png")


def _draw_curves(axes: Axes, table: LmsTable, sex: Sex) -> None:
    first, last = table.age_range_years(sex)
    ages = np.linspace(first, last, 120)
    for centile in _CENTILES:
        z = float(round(stats.norm.ppf(centile / 100), 2))
        values = [table.value(sex, float(age), z) for age in ages]
        color = _ORANGE if centile == _CENTILES[0] else _BLUE
        axes.plot(ages, values, color=color, lw=1.8 if centile in _LABELS else 0.9)
        axes.annotate(_LABELS.get(centile, f" {centile:g}"), (last, values[-1]),
                      fontsize=8, va="center", color=color)  # fmt: skip
    axes.set_xlim(first - 0.04 * (last - first), last + 0.19 * (last - first))
    axes.set_xticks([age for age in range(0, 26, 2) if first <= age <= last])


def draw_worms(path: Path, fitted: FittedReference, measured: Measured, *, title: str) -> None:
    """Draw the worm plot: what is left of the Z against what it should be, by age.

    Notes
    -----
    A worm within its bands fits; one that lies above or below has a wrong median, one that slopes a
    wrong spread, one that bends a wrong skew. Source: van Buuren S, Fredriks M. Worm plot: a simple
    diagnostic device for modelling growth reference curves. Stat Med 2001;20:1259.
    """
    figure = Figure(
        figsize=(3.1 * _WORM_BANDS, 3.0 * len(fitted.sexes) + 0.8), layout="constrained"
    )
    figure.suptitle(f"{title}: what is left of Z, by age")
    figure.supxlabel(_HOW_TO_READ, fontsize=9)
    grid = figure.subplots(len(fitted.sexes), _WORM_BANDS, sharex=True, sharey=True, squeeze=False)
    for row, (sex, one) in zip(grid, fitted.sexes.items(), strict=True):
        order = np.argsort(measured.age_years[measured.sex == sex.value], kind="stable")
        ages = measured.age_years[measured.sex == sex.value][order]
        parts = zip(
            np.array_split(ages, _WORM_BANDS),
            np.array_split(one.z[order], _WORM_BANDS),
            strict=True,
        )
        for axes, (ages_of, z) in zip(row, parts, strict=True):
            _draw_worm(axes, np.sort(z))
            axes.set_title(
                f"{_WORDS[sex]} {ages_of[0]:.1f}–{ages_of[-1]:.1f} y, n = {len(z)}", fontsize=9
            )
        row[0].set_ylabel("Z less expected Z")
    for axes in grid[-1]:
        axes.set_xlabel("expected Z")
    figure.savefig(path, dpi=130, format="png")


def _draw_worm(axes: Axes, z: Floats) -> None:
    due = stats.norm.ppf((np.arange(len(z)) + 0.5) / len(z))
    line = np.linspace(-3.5, 3.5, 100)
    p = stats.norm.cdf(line)
    reach = 1.96 * np.sqrt(p * (1 - p) / len(z)) / stats.norm.pdf(line)
    for band in (reach, -reach):
        axes.plot(line, band, color=_GREY, lw=0.8, ls="--")
    axes.axhline(0, color=_GREY, lw=0.5)
    left = z - due
    beyond = np.abs(left) > _WORM_REACH
    axes.scatter(due[~beyond], left[~beyond], s=5, color=_BLUE, lw=0)
    axes.scatter(due[beyond], np.clip(left[beyond], -_WORM_REACH, _WORM_REACH), s=24, marker="D",
                 color=_ORANGE, lw=0, clip_on=False, zorder=3)  # fmt: skip
    axes.set_xlim(-3.5, 3.5)
    axes.set_ylim(-_WORM_REACH, _WORM_REACH)
