"""The growth chart of aBMD: a child's value on the centile curves of the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from screener.domain.catalogue import CATALOGUES, Catalogue, Language
from screener.domain.errors import OutsideReference
from screener.domain.estimate import Estimate
from screener.domain.patient import Sex
from screener.domain.phrases import typeset
from screener.domain.reference import BmdReference
from screener.domain.threshold import DEFINITION_Z
from screener.imaging.lettering import Colour, font_file, font_file_of

Rgb = npt.NDArray[np.uint8]

CURVES_Z = (-2, -1, 0, 1, 2)
#: The centile that a whole Z is, of a standard distribution.
_CENTILES = {-2: "2", -1: "16", 0: "50", 1: "84", 2: "98"}
_AGES = 48
_AGE_TICK_YEARS = 3
_DPI = 200
_SIZE_POINTS = 7.0
#: Left, bottom, right, top of the curves inside the picture.
_MARGINS_PX = (76, 64, 118, 34)
#: OpenCV draws between pixels in units of 1/16.
_SHIFT = 4

GROUND, CURVE, WORDS, LOW = (26, 32, 40), (141, 153, 166), (180, 190, 201), (240, 162, 2)

Curves = tuple[tuple[int, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPoint:
    """One value on the chart with its interval: years and g/cm2."""

    age_years: float
    abmd_g_cm2: float
    abmd_low_g_cm2: float
    abmd_high_g_cm2: float


def point_of(estimate: Estimate) -> ChartPoint:
    """Return a study's value as a point."""
    return ChartPoint(
        age_years=estimate.age_years,
        abmd_g_cm2=estimate.abmd_g_cm2,
        abmd_low_g_cm2=estimate.abmd_low_g_cm2,
        abmd_high_g_cm2=estimate.abmd_high_g_cm2,
    )


def growth_chart(
    reference: BmdReference,
    sex: Sex,
    points: Sequence[tuple[ChartPoint, Colour]],
    size: tuple[int, int],
    *,
    say: Catalogue,
) -> Rgb:
    """Draw estimates with their intervals on the curves for Z = -2, -1, 0, 1 and 2.

    Parameters
    ----------
    reference, sex
        Whose curves.
    points
        Values and their colours, the one that matters last. They are never joined by a line.
    size
        Width and height, pixels.
    say
        Names of axes and curves.

    Returns
    -------
    numpy.ndarray
        ``[height, width, 3]`` uint8. The range below Z = -2 is shaded.
    """
    ages, curves = _centiles(reference, sex)
    values = [v for e, _ in points for v in (e.abmd_low_g_cm2, e.abmd_high_g_cm2)]
    values += [v for _, curve in curves for v in curve]
    # whole tenths: most children share one drawing of the curves
    low = math.floor((min(values) - 0.04) * 10) / 10
    high = math.ceil((max(values) + 0.01) * 10) / 10
    chart = _curves(ages, curves, (max(low, 0.0), high), size, say.language).copy()
    for point, colour in points:
        faint = point is not points[-1][0]
        span = (ages[0], ages[-1])
        _draw_point(chart, point, colour, span, (max(low, 0.0), high), faint=faint)
    return chart


def _centiles(reference: BmdReference, sex: Sex) -> tuple[tuple[float, ...], Curves]:
    first, last = reference.age_range_years(sex)
    ages = tuple(float(age) for age in np.linspace(first, last, _AGES))
    curves = []
    for z in CURVES_Z:
        try:
            curve = tuple(reference.abmd_g_cm2(sex=sex, age_years=a, z_score=z) for a in ages)
        except OutsideReference:
            continue  # a strongly skewed reference ends before this Z
        curves.append((z, curve))
    return ages, tuple(curves)


@lru_cache(maxsize=16)
def _curves(
    ages: tuple[float, ...],
    curves: Curves,
    limits: tuple[float, float],
    size: tuple[int, int],
    language: Language,
) -> Rgb:
    """Draw axes and curves: the same for every child of a sex, so it is kept."""
    say = CATALOGUES[language]
    width, height = size
    left, bottom, right, top = _MARGINS_PX
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=_web(GROUND))
    canvas = FigureCanvasAgg(figure)
    box = (left / width, bottom / height, (width - left - right) / width)
    axes = figure.add_axes((*box, (height - bottom - top) / height), facecolor=_web(GROUND))
    face = FontProperties(fname=str(font_file()), size=_SIZE_POINTS)
    words_face = FontProperties(fname=str(font_file_of(language)), size=_SIZE_POINTS)
    for z, curve in curves:
        low = z == DEFINITION_Z
        colour = _web(LOW if low else CURVE)
        if low:
            axes.fill_between(ages, limits[0], curve, color=colour, alpha=0.14, linewidth=0)
        axes.plot(
            ages,
            curve,
            color=colour,
            linewidth=1.4 if low or z == 0 else 0.8,
            linestyle="--" if low else "-",
        )
        name = typeset(say("chart.curve", z=f"{z:+d}" if z else "Z 0", centile=_CENTILES[z]))
        axes.text(
            ages[-1],
            curve[-1],
            f" {name}",
            color=_web(LOW if low else WORDS),
            fontproperties=face,
            va="center",
            clip_on=False,
            parse_math=False,
        )
    axes.set_xlim(ages[0], ages[-1])
    axes.set_ylim(*limits)
    first_tick = math.ceil(ages[0] / _AGE_TICK_YEARS) * _AGE_TICK_YEARS
    axes.set_xticks(range(first_tick, math.floor(ages[-1]) + 1, _AGE_TICK_YEARS))
    axes.tick_params(colors=_web(WORDS), length=3, width=0.6, pad=2)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(face)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(_web(CURVE))
    for x, y, words, ha, va in (
        (0.5, 0.01, say("chart.age"), "center", "bottom"),
        (0.01, 0.99, typeset(say("chart.abmd")), "left", "top"),
    ):
        figure.text(x, y, words, ha=ha, va=va, color=_web(WORDS), fontproperties=words_face)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), np.uint8)[:, :, :3]  # type: ignore[no-untyped-call]


def _draw_point(
    chart: Rgb,
    point: ChartPoint,
    colour: Colour,
    ages: tuple[float, float],
    limits: tuple[float, float],
    *,
    faint: bool,
) -> None:
    height, width = chart.shape[:2]
    left, bottom, right, top = _MARGINS_PX

    def at(age: float, value: float) -> tuple[int, int]:
        x = left + (age - ages[0]) / (ages[1] - ages[0]) * (width - left - right)
        share = (value - limits[0]) / (limits[1] - limits[0])
        y = height - bottom - share * (height - bottom - top)
        return round(x * 2**_SHIFT), round(y * 2**_SHIFT)

    age = point.age_years
    ends = at(age, point.abmd_low_g_cm2), at(age, point.abmd_high_g_cm2)
    cv2.line(chart, *ends, colour, 2 if faint else 5, cv2.LINE_AA, _SHIFT)
    centre = at(age, point.abmd_g_cm2)
    rings = ((7, colour),) if faint else ((12, (255, 255, 255)), (9, colour))
    for radius, ring in rings:
        cv2.circle(chart, centre, radius * 2**_SHIFT, ring, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _web(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
