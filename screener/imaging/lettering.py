"""Texts in pictures: one font that is the same on every machine, and lines that fit a width."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont

from screener.domain.phrases import typeset

LINE_HEIGHT = 1.32

Colour = tuple[int, int, int]


def font_file(*, bold: bool = False) -> Path:
    """Return DejaVu Sans from matplotlib's own files."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


@lru_cache(maxsize=64)
def font(size_px: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font at a size; its own layout engine, for others differ between machines."""
    path = str(font_file(bold=bold))
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)


def width_px(text: str, size_px: int, *, bold: bool = False) -> float:
    """Return how wide a text is when it is written, to a pixel."""
    words = typeset(text).split(" ")
    spaces = _word_px(" ", size_px, bold=bold) * (len(words) - 1)
    return sum(_word_px(word, size_px, bold=bold) for word in words) + spaces


@lru_cache(maxsize=4096)
def _word_px(word: str, size_px: int, *, bold: bool) -> float:
    """Measure one word: reports are made of the same ones."""
    return font(size_px, bold=bold).getlength(word)


def lines(text: str, size_px: int, width: float, *, bold: bool = False) -> list[str]:
    """Break a text at its spaces into lines of at most a width in pixels.

    A word that is wider by itself gets a line of its own.
    """
    space = _word_px(" ", size_px, bold=bold)
    broken: list[list[str]] = [[]]
    used = 0.0
    for word in typeset(text).split(" "):
        wide = _word_px(word, size_px, bold=bold)
        if broken[-1] and used + space + wide > width:
            broken.append([])
        used = used + space + wide if broken[-1] else wide
        broken[-1].append(word)
    return [" ".join(words) for words in broken]


def height_px(texts: list[str], size_px: int, width: float, *, gap: int = 0) -> int:
    """Return how high paragraphs of a width are."""
    count = sum(len(lines(text, size_px, width)) for text in texts)
    return round(count * size_px * LINE_HEIGHT) + gap * len(texts)


class Page:
    """A picture to write on; positions in pixels from its top left corner."""

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.image = Image.new("RGB", (width, height), ground)
        self.draw = ImageDraw.Draw(self.image)

    def write(
        self,
        at: tuple[float, float],
        text: str,
        size_px: int,
        colour: Colour,
        *,
        bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Write one line; `anchor` is Pillow's: by default `at` is its top left."""
        face = font(size_px, bold=bold)
        self.draw.text(at, typeset(text), font=face, fill=colour, anchor=anchor)

    def paragraph(
        self,
        at: tuple[float, float],
        text: str,
        size_px: int,
        colour: Colour,
        width: float,
        *,
        bold: bool = False,
    ) -> float:
        """Write a text in lines of at most a width; return where the next one begins."""
        x, y = at
        for line in lines(text, size_px, width, bold=bold):
            self.write((x, y), line, size_px, colour, bold=bold)
            y += size_px * LINE_HEIGHT
        return y

    def box(
        self,
        corners: tuple[float, float, float, float],
        fill: Colour | None,
        edge: Colour | None = None,
        line: int = 0,
    ) -> None:
        """Draw a rectangle: left, top, right, bottom."""
        self.draw.rectangle(corners, fill=fill, outline=edge, width=line)
