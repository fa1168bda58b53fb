"""Centiles over the children they were fitted to, and worms: how well a table fits at each age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from screener.domain.lms import LmsTable
from screener.domain.patient import Sex
from screener.training.reference_data import Measured
from screener.training.reference_fit import FittedReference

#: Centiles that charts of children show, and their Z.
_CENTILES = (2.3, 9, 25, 50, 75, 91, 97.7)
_WORDS = {Sex.MALE: "boys", Sex.FEMALE: "girls"}
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"
_WORM_BANDS = 4


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
    figure.suptitle(title)
    panels = figure.subplots(1, len(table.curves), sharey=True, squeeze=False)[0]
    for axes, sex in zip(panels, table.curves, strict=True):
        if measured is not None:
            rows = measured.sex == sex.value
            axes.scatter(measured.age_years[rows], measured.abmd_g_cm2[rows], s=4, color=_GREY,
                         alpha=0.35, lw=0)  # fmt: skip
        first, last = table.age_range_years(sex)
        ages = np.linspace(first, last, 120)
        for centile in _CENTILES:
            z = float(stats.norm.ppf(centile / 100))
            values = [table.value(sex, float(age), z) for age in ages]
            low, middle = centile == _CENTILES[0], centile == 50  # noqa: PLR2004 - the median
            axes.plot(
                ages, values, color=_ORANGE if low else _BLUE, lw=1.8 if low or middle else 0.9
            )
            axes.annotate(f" {centile:g}", (last, values[-1]), fontsize=8, va="center",
                          color=_ORANGE if low else _BLUE)  # fmt: skip
        axes.set_title(_WORDS[sex])
        axes.set_xlabel("age, years")
        axes.margins(x=0.06)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("lumbar spine aBMD, g/cm²; centiles (2.3 is Z −2)")
    figure.savefig(path, dpi=130)


def draw_worms(path: Path, fitted: FittedReference, measured: Measured, *, title: str) -> None:
    """Draw the worm plot: what is left of the Z against what it should be, by age.

    Notes
    -----
    A worm within its bands fits; one that lies above or below has a wrong median, one that slopes a
    wrong spread, one that bends a wrong skew. Source: van Buuren S, Fredriks M. Worm plot: a simple
    diagnostic device for modelling growth reference curves. Stat Med 2001;20:1259.
    """
    figure = Figure(
        figsize=(3.1 * _WORM_BANDS, 3.0 * len(fitted.sexes) + 0.5), layout="constrained"
    )
    figure.suptitle(title)
    grid = figure.subplots(len(fitted.sexes), _WORM_BANDS, sharex=True, sharey=True, squeeze=False)
    for row, (sex, one) in zip(grid, fitted.sexes.items(), strict=True):
        ages = measured.age_years[measured.sex == sex.value]
        edges = np.quantile(ages, np.linspace(0, 1, _WORM_BANDS + 1))
        for axes, low, high in zip(row, edges, edges[1:], strict=False):
            z = np.sort(one.z[(ages >= low) & (ages <= high)])
            share = (np.arange(len(z)) + 0.5) / len(z)
            due = stats.norm.ppf(share)
            line = np.linspace(-3, 3, 100)
            p = stats.norm.cdf(line)
            reach = 1.96 * np.sqrt(p * (1 - p) / len(z)) / stats.norm.pdf(line)
            axes.plot(line, reach, color=_GREY, lw=0.8, ls="--")
            axes.plot(line, -reach, color=_GREY, lw=0.8, ls="--")
            axes.axhline(0, color=_GREY, lw=0.5)
            axes.scatter(due, z - due, s=5, color=_BLUE, lw=0)
            axes.set_title(f"{_WORDS[sex]} {low:.1f}–{high:.1f} y, n = {len(z)}", fontsize=9)
            axes.set_ylim(-1, 1)
        row[0].set_ylabel("Z less expected Z")
    for axes in grid[-1]:
        axes.set_xlabel("expected Z")
    figure.savefig(path, dpi=130)
