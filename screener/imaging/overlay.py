"""The film with the network's attention over it: what a radiologist will actually look at.

The colour is a wash whose strength follows the attention, so that the film stays readable under
it; the ramp (inferno) rises evenly in lightness and is told apart by colour-blind readers.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from screener.domain import phrases, wording
from screener.domain.catalogue import Catalogue
from screener.domain.prediction import AttentionMap, InputField
from screener.domain.report import ScoredFilm
from screener.imaging.lettering import LINE_HEIGHT, Page, lines, width_px

Rgb = npt.NDArray[np.uint8]

#: Attention up to here leaves the film as it is; strength then rises to `_STRONGEST` at 1.
_FAINTEST, _STRONGEST = 0.2, 0.6
#: Share of the colour that is there where the film is black.
_UNLIT = 0.45
#: Part of the ramp that is used: its dark end could not be told from the film.
_RAMP = (0.30, 0.92)
#: The wash is computed this much coarser than the picture: attention has a few cells only.
_WASH_STEP = 4
#: Narrower films are enlarged by a whole factor, so that the caption can be read.
_NARROWEST = 700

_FIELD_RGB = (120, 200, 255)
_TEXT_RGB, _QUIET_RGB, _WARNING_RGB = (245, 245, 245), (185, 190, 195), (255, 196, 60)
_STRIP_RGB = (0, 0, 0)
#: Caption text beside the picture's longer side (standards: at least 1/40 of its height).
_TEXT_SHARE = 1 / 40


def render_overlay(
    pixels: npt.NDArray[np.float32],
    film: ScoredFilm,
    *,
    say: Catalogue,
    synthetic: bool,
    reference: str = "",
    longest_side: int = 1600,
) -> Rgb:
    """Draw a film with its attention, its input field and its numbers.

    Parameters
    ----------
    pixels
        The whole film, ``[height, width]`` float32 in 0..1, bone bright.
    film
        Its prediction; without attention or input field those are left out. Attention that is
        withheld is said to be so.
    say
        Texts of its language.
    synthetic
        The picture then says so.
    reference
        Label of the BMD reference, printed beside the Z.
    longest_side
        Of the film in the picture, pixels: larger films are shrunk.

    Returns
    -------
    numpy.ndarray
        ``[height, width, 3]`` uint8: the film on its own grid, shrunk or enlarged, with its top
        left pixel in the picture's corner, and a caption strip below it. No patient identity.
    """
    rows, columns = pixels.shape
    scale = _scale(rows, columns, longest_side)
    size = (round(columns * scale), round(rows * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    shown = pixels if scale == 1 else cv2.resize(pixels, size, interpolation=method)
    grey = np.asarray(cv2.convertScaleAbs(shown, alpha=255.0), np.uint8)

    prediction = film.prediction
    if prediction.attention is not None and prediction.input_field is not None:
        attention = _on_film(prediction.attention, prediction.input_field, scale, grey.shape)
        picture = wash(grey, attention)
    else:
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    text_px = max(16, round(max(grey.shape) * _TEXT_SHARE))
    if prediction.input_field is not None:
        label = say("field.label")
        _outline(picture, prediction.input_field, scale, text_px, label)
    strip = _strip(
        picture.shape[1], text_px, film, say=say, synthetic=synthetic, reference=reference
    )
    return np.vstack([picture, strip])


def wash(grey: npt.NDArray[np.uint8], attention: npt.NDArray[np.float32]) -> Rgb:
    """Lay the colour of an attention map over a film.

    Parameters
    ----------
    grey
        ``[height, width]`` uint8.
    attention
        ``[height, width]`` float32, 0 to 1.

    Returns
    -------
    numpy.ndarray
        ``[height, width, 3]`` uint8. Where attention is faint the film is unchanged.
    """
    washed = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    rows = np.flatnonzero(attention.max(axis=1) > _FAINTEST)
    if not rows.size:
        return washed
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    level = cv2.convertScaleAbs(attention[band].clip(0, 1), alpha=255.0)
    strength, colours = _ramp()
    film = cv2.multiply(grey[band], cv2.LUT(level, _bytes(255 * (1 - strength))), scale=1 / 255)
    # the colour is lit by the film, so that bone edges stay visible inside it
    light = cv2.LUT(grey[band], _bytes(255 * _UNLIT + (1 - _UNLIT) * np.arange(256.0)))
    channels = []
    for i in range(3):
        colour = cv2.LUT(level, _bytes(colours[:, i] * strength))
        channels.append(cv2.add(film, cv2.multiply(colour, light, scale=1 / 255)))
    washed[band] = cv2.merge(channels)
    return washed


@lru_cache(maxsize=1)
def _ramp() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return strength (256) and colour (256, 3; 0 to 255) for each level of attention."""
    share = np.clip((np.arange(256) / 255 - _FAINTEST) / (1 - _FAINTEST), 0, 1)
    strength = _STRONGEST * share * (2 - share)
    position = np.round(255 * (_RAMP[0] + share * (_RAMP[1] - _RAMP[0]))).astype(np.uint8)
    bgr = cv2.applyColorMap(position[:, None], cv2.COLORMAP_INFERNO)[:, 0]
    return strength, bgr[:, ::-1].astype(np.float64)


def _scale(rows: int, columns: int, longest_side: int) -> float:
    longest = max(rows, columns)
    if longest > longest_side:
        return longest_side / longest
    return float(max(1, min(math.ceil(_NARROWEST / columns), longest_side // longest)))


def _on_film(
    attention: AttentionMap, field: InputField, scale: float, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Return attention at each pixel of the picture; 0 outside the input field."""
    grid = np.asarray(attention.values, np.float32).reshape(attention.rows, attention.columns)
    fine = cv2.resize(grid, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    height, width = fine.shape
    # corners of areas; OpenCV counts from the middle of the first pixel
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    target = np.asarray(field.corners, np.float32) * scale / _WASH_STEP - 0.5
    small = (math.ceil(shape[1] / _WASH_STEP), math.ceil(shape[0] / _WASH_STEP))
    warped = cv2.warpPerspective(fine, cv2.getPerspectiveTransform(source, target), small)
    full = cv2.resize(
        warped, (small[0] * _WASH_STEP, small[1] * _WASH_STEP), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(full[: shape[0], : shape[1]], np.float32)


def _outline(picture: Rgb, field: InputField, scale: float, text_px: int, words: str) -> None:
    """Draw the input field, clipped to the film, with its label inside its top edge."""
    height, width = picture.shape[:2]
    line = max(1, text_px // 16)
    inset = 2 * line
    corners = np.asarray(field.corners) * scale - 0.5
    corners = np.clip(corners, inset, (width - 1 - inset, height - 1 - inset)).round()
    points = [corners.astype(np.int32).reshape(-1, 1, 2)]
    cv2.polylines(picture, points, True, (0, 0, 0), 3 * line, cv2.LINE_AA)
    cv2.polylines(picture, points, True, _FIELD_RGB, line, cv2.LINE_AA)

    size = round(text_px * 0.62)
    pad = text_px // 4
    label_width = round(width_px(words, size)) + 2 * pad
    left, top = corners.min(axis=0).astype(int) + pad + inset
    left = max(0, min(left, width - label_width))
    box = picture[top : top + size + 2 * pad, left : left + label_width]
    label = Page(box.shape[1], box.shape[0], (0, 0, 0))
    label.image.paste(Image.fromarray(box // 3))
    label.write((pad, pad), words, size, _FIELD_RGB)
    box[:] = np.asarray(label.image)


def _strip(
    width: int,
    text_px: int,
    film: ScoredFilm,
    *,
    say: Catalogue,
    synthetic: bool,
    reference: str,
) -> Rgb:
    p = film.prediction
    z = say("overlay.values", z=phrases.z_words(say, film.z_low, film.z, film.z_high))
    abmd = phrases.abmd_words(say, p.abmd_low_g_cm2, p.abmd_g_cm2, p.abmd_high_g_cm2)
    abmd = say("overlay.abmd", abmd=abmd)
    named = reference or say("overlay.in_report")
    beside = say("overlay.beside", level=100 * p.interval_level, reference=named)
    notice = wording.caption(say, synthetic=synthetic)
    small, pad = round(text_px * 0.72), round(text_px * 0.6)
    inner = width - 2 * pad
    values = f"{z}     {abmd}"
    numbers = [values] if width_px(values, text_px, bold=True) <= inner else [z, abmd]
    withheld = [(say("attention.withheld"), small, False, _QUIET_RGB)]
    texts = [
        *((text, text_px, True, _TEXT_RGB) for text in numbers),
        (beside, small, False, _QUIET_RGB),
        *(withheld if p.attention_withheld else ()),
        (notice, text_px, True, _WARNING_RGB),
    ]
    rows = [
        (line, size, bold, colour)
        for text, size, bold, colour in texts
        for line in lines(text, size, inner, bold=bold)
    ]
    bar_width = 5 * text_px
    legend = lines(say("attention.legend"), small, inner - bar_width - text_px)
    has_colour = p.attention is not None and p.input_field is not None
    height = 2 * pad + sum(round(size * LINE_HEIGHT) for _, size, _, _ in rows)
    legend_top = height - pad + text_px // 3
    if has_colour:
        height = legend_top + round(len(legend) * small * LINE_HEIGHT) + pad

    strip = Page(width, height, _STRIP_RGB)
    y = pad
    for line, size, bold, colour in rows:
        strip.write((pad, y), line, size, colour, bold=bold)
        y += round(size * LINE_HEIGHT)
    if has_colour:
        strip.image.paste(_colour_bar(bar_width, small), (pad, legend_top + text_px // 8))
        at = (pad + bar_width + text_px, legend_top)
        strip.paragraph(at, say("attention.legend"), small, _QUIET_RGB, width - at[0] - pad)
    return np.asarray(strip.image)


def _colour_bar(width: int, height: int) -> Image.Image:
    """Return the wash from faint to strong over a light grey, as it looks on bone."""
    attention = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return Image.fromarray(wash(np.full((height, width), 190, np.uint8), attention))


def _bytes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
