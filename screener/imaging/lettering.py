"""Texts in pictures: fonts that are the same on every machine, and lines that fit a width.

Hangul has a font of its own; all else, digits too, is set in the first one, so that numbers look
alike in every language, and an operator's Korean words can stand on an English card.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont

from screener.domain.catalogue import Language
from screener.domain.phrases import typeset

LINE_HEIGHT = 1.32

Colour = tuple[int, int, int]

_OUR_FONTS = Path(__file__).parents[1] / "data" / "fonts"
#: Jamo, compatibility jamo, and syllables, in runs.
_HANGUL = re.compile("([\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+)")


def font_file(*, bold: bool = False) -> Path:
    """Return DejaVu Sans from matplotlib's own files."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def hangul_file(*, bold: bool = False) -> Path:
    """Return NanumSquare, which ships with this product."""
    return _OUR_FONTS / ("NanumSquareB.ttf" if bold else "NanumSquareR.ttf")


def font_file_of(language: Language) -> Path:
    """Return one font that has every letter of a language, for texts that know only one."""
    return hangul_file() if language is Language.KOREAN else font_file()


@lru_cache(maxsize=128)
def font(size_px: int, *, bold: bool = False, hangul: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font at a size; its own layout engine, for others differ between machines."""
    path = str(hangul_file(bold=bold) if hangul else font_file(bold=bold))
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)


def width_px(text: str, size_px: int, *, bold: bool = False) -> float:
    """Return how wide a text is when it is written, to a pixel."""
    words = typeset(text).split(" ")
    spaces = _word_px(" ", size_px, bold=bold) * (len(words) - 1)
    return sum(_word_px(word, size_px, bold=bold) for word in words) + spaces


@lru_cache(maxsize=4096)
def _word_px(word: str, size_px: int, *, bold: bool) -> float:
    """Measure one word: reports are made of the same ones."""
    return sum(
        font(size_px, bold=bold, hangul=hangul).getlength(run) for run, hangul in _runs(word)
    )


def _runs(text: str) -> list[tuple[str, bool]]:
    """Split a text into runs of one font, each with whether it is Hangul."""
    parts = _HANGUL.split(text)
    return [(part, bool(i % 2)) for i, part in enumerate(parts) if part]


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
        text = typeset(text)
        first = font(size_px, bold=bold)
        runs = _runs(text)
        if not any(hangul for _, hangul in runs):
            self.draw.text(at, text, font=first, fill=colour, anchor=anchor)
            return
        # two fonts stand on one baseline, that of the first
        x, y = at
        x -= width_px(text, size_px, bold=bold) * {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]]
        ascent, descent = first.getmetrics()
        y += {"a": ascent, "m": ascent - (ascent + descent) / 2, "b": 0.0, "s": 0.0}[anchor[1]]
        for run, hangul in runs:
            face = font(size_px, bold=bold, hangul=hangul)
            self.draw.text((x, y), run, font=face, fill=colour, anchor="ls")
            x += face.getlength(run)

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
