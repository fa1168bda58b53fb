"""The result card as a PDF: the card as one page, then the report's text, which can be searched.

The text is a page of its own and not an invisible layer: it is also there for readers, large, and a
screen reader reads it in its order. The card is stored without loss: JPEG at quality 95 makes it
larger, for it has more edges than shades.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import ImageFont

from screener.imaging.lettering import font_file

#: A4, upright.
_PAGE_MM = (210.0, 297.0)
_MARGIN_MM = 12.0
_MM_PER_INCH, _POINTS_PER_INCH = 25.4, 72.0
_TEXT_POINTS, _LINE_POINTS, _HEADING_POINTS = 9.5, 13.0, 13.0
#: Texts are measured at this size; fonts are rounded to whole pixels.
_MEASURE_PX = 100
#: No line has more.
_MOST_LETTERS = 1000
_INK = "#10202f"
_PRODUCER = "bmd-screener"
#: Embeds TrueType as it is, with what its glyphs mean, so that every script can be searched.
_TRUE_TYPE = 42
#: matplotlib's settings belong to the process.
_SETTINGS = threading.Lock()


def card_pdf(
    rgb: npt.NDArray[np.uint8],
    *,
    title: str,
    text: str,
    made_at: datetime,
    font: Path | None = None,
) -> bytes:
    """Print a card and its report as an A4 document.

    Parameters
    ----------
    rgb
        The card, ``[height, width, 3]`` uint8; it is as wide as the page, or as high.
    title
        Shown by viewers, and heads the text. No identity.
    text
        The report, one paragraph to a line; long ones are broken.
    made_at
        The document's date. The same arguments give the same bytes.
    font
        A TrueType font file that has the text's letters; DejaVu Sans if not given.

    Returns
    -------
    bytes
        A PDF with embedded font: the card, then as many pages of text as it takes.

    Notes
    -----
    Source: ISO 32000-1 sections 8.9 (images), 9.7 (composite fonts), 14.3.3 (document information).
    """
    file = font or font_file()
    made = BytesIO()
    about = {
        "Title": title,
        "Creator": _PRODUCER,
        "Producer": _PRODUCER,
        "CreationDate": made_at.astimezone(UTC),
    }
    settings = mpl.rc_context({"pdf.fonttype": _TRUE_TYPE})
    with _SETTINGS, settings, PdfPages(made, metadata=about) as pages:
        pages.savefig(_picture_page(rgb))
        for number, lines in enumerate(_paged(text, file)):
            pages.savefig(_text_page(title if number == 0 else "", lines, file))
    return made.getvalue()


def _page() -> Figure:
    figure = Figure(figsize=(_PAGE_MM[0] / _MM_PER_INCH, _PAGE_MM[1] / _MM_PER_INCH))
    FigureCanvasPdf(figure)
    return figure


def _picture_page(rgb: npt.NDArray[np.uint8]) -> Figure:
    figure = _page()
    height, width = rgb.shape[:2]
    room = [side - 2 * _MARGIN_MM for side in _PAGE_MM]
    scale = min(room[0] / width, room[1] / height)
    left = (_PAGE_MM[0] - width * scale) / 2
    bottom = _PAGE_MM[1] - _MARGIN_MM - height * scale
    box = (
        left / _PAGE_MM[0],
        bottom / _PAGE_MM[1],
        width * scale / _PAGE_MM[0],
        height * scale / _PAGE_MM[1],
    )
    axes = figure.add_axes(box)
    axes.set_axis_off()
    # "none": the card's own pixels, not resampled ones
    axes.imshow(rgb, interpolation="none", aspect="auto")
    return figure


def _text_page(title: str, lines: list[str], font: Path) -> Figure:
    figure = _page()
    written = FontProperties(fname=str(font))
    left = _MARGIN_MM / _PAGE_MM[0]
    y = _PAGE_MM[1] / _MM_PER_INCH * _POINTS_PER_INCH - _points(_MARGIN_MM)
    height = _points(_PAGE_MM[1])
    heading = [(title, _HEADING_POINTS), ("", _TEXT_POINTS)] if title else []
    for line, size in [*heading, *((line, _TEXT_POINTS) for line in lines)]:
        y -= size * _LINE_POINTS / _TEXT_POINTS
        if line:
            figure.text(
                left,
                y / height,
                line,
                fontproperties=written,
                fontsize=size,
                color=_INK,
                verticalalignment="baseline",
                parse_math=False,
            )
    return figure


def _paged(text: str, font: Path) -> list[list[str]]:
    """Return the text's lines by page."""
    measure = ImageFont.truetype(
        str(font), _MEASURE_PX, layout_engine=ImageFont.Layout.BASIC
    ).getlength
    width = _points(_PAGE_MM[0] - 2 * _MARGIN_MM) / _TEXT_POINTS * _MEASURE_PX
    lines = [line for paragraph in text.splitlines() for line in _broken(paragraph, width, measure)]
    room = int((_points(_PAGE_MM[1] - 2 * _MARGIN_MM)) / _LINE_POINTS) - 2
    return [lines[at : at + room] for at in range(0, len(lines), room)]


def _broken(paragraph: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Break a paragraph at its spaces, or inside a word that is wider than the page."""
    lines, line = [], ""
    for word in paragraph.split(" "):
        longer = f"{line} {word}" if line else word
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while measure(line) > width:
            most = range(1, min(len(line), _MOST_LETTERS))
            fits = max(1, bisect_right(most, width, key=lambda count: measure(line[:count])))
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line]


def _points(mm: float) -> float:
    return mm / _MM_PER_INCH * _POINTS_PER_INCH
