"""How the pictures of an evaluation look: one style, readable in print and by the colour-blind."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from screener.domain.phrases import typeset

#: Colours that the colour-blind tell apart. Source: Okabe M, Ito K. Color universal design, 2008.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#8A4F80", "#6B7280"
INK, RULE = "#1B2430", "#C9CFD6"

_PNG_DPI = 150
_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "white",
    "legend.fontsize": 8,
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "evaluation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture.

    Parameters
    ----------
    name
        Of its file, without ending.
    caption, alt
        Under it in the report, and for those who cannot see it.
    mime, data
        The picture as the report holds it: SVG, or PNG where it is made of films.
    wide
        Whether it needs the whole width of a page.
    """

    name: str
    caption: str
    alt: str
    mime: str
    data: bytes
    wide: bool = False


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of evaluations inside this block, and as before after it."""
    with mpl.rc_context(_RC):
        yield


def new_figure(title: str, whose: str, size_inches: tuple[float, float]) -> Figure:
    """Return an empty figure under its title and, in a second line, whose films it shows."""
    height = size_inches[1]
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - 0.44 / height))
    figure = Figure(figsize=size_inches, layout=layout, facecolor="white")
    figure.text(
        0.012, 1 - 0.08 / height, typeset(title), va="top", fontsize=10.5, fontweight="bold"
    )
    figure.text(0.012, 1 - 0.27 / height, typeset(whose), va="top", fontsize=8, color=GREY)
    return figure


def save(
    folder: Path,
    figure: Figure,
    name: str,
    *,
    caption: str,
    alt: str,
    wide: bool = False,
    of_films: bool = False,
) -> Picture:
    """Write a figure as PNG into a folder, and return it for the report."""
    file = folder / f"{name}.png"
    figure.savefig(file, dpi=_PNG_DPI)
    mime, data = "image/png", file.read_bytes()
    if not of_films:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
        mime, data = "image/svg+xml", buffer.getvalue()
    return Picture(
        name=name, caption=typeset(caption), alt=typeset(alt), mime=mime, data=data, wide=wide
    )


def grid(axes: Axes, which: str = "both") -> None:
    """Give axes faint lines to read values by."""
    axes.grid(True, axis=which, color=RULE, linewidth=0.5)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def bars(value: float, low: float, high: float) -> list[list[float]]:
    """Return how far a bar reaches to both sides, as Matplotlib takes it; never below nothing."""
    return [[max(value - low, 0.0)], [max(high - value, 0.0)]]


def note(axes: Axes, lines: Sequence[str], place: str = "upper left") -> None:
    """Write a few lines of figures into a corner of axes, on white."""
    down = place.startswith("upper")
    left = place.endswith("left")
    axes.text(
        0.03 if left else 0.97,
        0.97 if down else 0.03,
        typeset("\n".join(lines)),
        transform=axes.transAxes,
        ha="left" if left else "right",
        va="top" if down else "bottom",
        fontsize=8,
        linespacing=1.45,
        bbox={"facecolor": "white", "edgecolor": RULE, "linewidth": 0.6, "pad": 3.5, "alpha": 0.92},
        zorder=5,
    )
