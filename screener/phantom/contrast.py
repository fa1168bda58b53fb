"""Contrast medium over the spine: barium in stomach and bowel, or iodine in the kidneys' pelves.

Written as the hydroxyapatite that attenuates alike, as in `confounders`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import DoubleArray, FloatArray
from screener.phantom.clouds import smooth_path
from screener.phantom.lungs import dome_y
from screener.phantom.paint import Canvas, hose
from screener.phantom.skeleton import cage_half_width
from screener.phantom.thorax import limb

#: g of hydroxyapatite that attenuate like a cm3 of thin barium, and of urine with iodine.
_BARIUM, _URINE = 0.85, 1.1
#: What a kidney that excretes it takes up itself.
_NEPHROGRAM = 0.045
#: Across the cage's half-width from the middle, down from the left dome over the stature, radius
#: over the stature: the stomach as far as the bulb, duodenum and jejunum, and the colon.
_STOMACH = (
    (0.36, 0.020, 0.0175), (0.45, 0.031, 0.0200), (0.46, 0.048, 0.0180), (0.38, 0.066, 0.0155),
    (0.23, 0.079, 0.0140), (0.07, 0.079, 0.0120), (-0.06, 0.070, 0.0085), (-0.12, 0.063, 0.0030),
    (-0.17, 0.058, 0.0080), (-0.23, 0.060, 0.0050),
)  # fmt: skip
_BOWEL = (
    (-0.27, 0.066, 0.0065), (-0.30, 0.084, 0.0068), (-0.24, 0.101, 0.0066), (-0.06, 0.106, 0.0064),
    (0.12, 0.100, 0.0066), (0.19, 0.090, 0.0070), (0.34, 0.098, 0.0080), (0.52, 0.094, 0.0080),
    (0.60, 0.108, 0.0078), (0.44, 0.118, 0.0080), (0.22, 0.120, 0.0076), (0.14, 0.134, 0.0076),
    (0.36, 0.140, 0.0080), (0.58, 0.134, 0.0078),
)  # fmt: skip
_COLON = (
    (-0.64, 0.150, 0.0150), (-0.68, 0.115, 0.0150), (-0.66, 0.085, 0.0140), (-0.56, 0.066, 0.0135),
    (-0.40, 0.070, 0.0130), (-0.20, 0.084, 0.0125), (0.00, 0.089, 0.0120), (0.22, 0.082, 0.0115),
    (0.44, 0.058, 0.0110), (0.62, 0.031, 0.0110), (0.71, 0.036, 0.0105), (0.73, 0.070, 0.0100),
    (0.72, 0.110, 0.0095), (0.70, 0.150, 0.0095),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Contrast medium along each ray, and what it lets be seen of gas.

    Parameters
    ----------
    medium_g_cm2
        As hydroxyapatite.
    gas_cm
        Above the level of the medium, in the place of soft tissue.
    """

    medium_g_cm2: FloatArray
    gas_cm: FloatArray


def contrast(body: Body, canvas: Canvas, rng: np.random.Generator, *, supine: bool) -> Filling:
    """Return what fills stomach and bowel, the colon, or the kidneys' pelves.

    Parameters
    ----------
    body, canvas
        In whom, and where it is painted.
    rng
        Draws which organs are filled, and their course.
    supine
        Barium of a child who stands has a level.
    """
    kind = rng.choice(["stomach", "colon", "kidneys"], p=[0.40, 0.25, 0.35])
    if kind == "kidneys":
        return Filling(medium_g_cm2=_pelves(body, canvas, rng), gas_cm=canvas.empty())
    if kind == "colon":
        return Filling(medium_g_cm2=_colon(body, canvas, rng), gas_cm=canvas.empty())
    return _stomach(body, canvas, rng, supine=supine)


def _course(
    body: Body, knots: tuple[tuple[float, float, float], ...], rng: np.random.Generator
) -> tuple[DoubleArray, DoubleArray]:
    """Return an organ's course ``[n, 2]`` and radius ``[n]`` in cm."""
    h, inner = body.height, cage_half_width(body)
    x, y, radius = (np.array(column) for column in zip(*knots, strict=True))
    shift = h * 0.0022 * rng.standard_normal((2, len(knots)))
    points = np.stack([x * inner + shift[0], dome_y(body, 1) + y * h + shift[1], radius * h], 1)
    fine = smooth_path(list(points))
    return fine[:, :2], np.clip(fine[:, 2], 0.15, None)


def _stomach(body: Body, canvas: Canvas, rng: np.random.Generator, *, supine: bool) -> Filling:
    h, z = body.height, 1.15 * body.half_depth
    x, y = canvas.at(z)
    path, radius = _course(body, _STOMACH, rng)
    # waves run towards the pylorus
    share = np.linspace(0, 1, len(path))
    wave = np.sin(18 * share + rng.uniform(0, 6)) ** 4 * np.clip((share - 0.35) / 0.2, 0, 1)
    chord, along, off = hose(x, y, path, radius * (1 - 0.22 * wave))
    folds = 0.5 + 0.5 * np.cos(9.5 * off + 1.3 * np.sin(0.9 * along))
    barium = chord * (1 - 0.20 * folds * (off > 0.1))
    gas = canvas.empty()
    if not supine:
        level = dome_y(body, 1) + h * rng.uniform(0.022, 0.034)
        full = np.clip((y - level) / 0.12 + 0.5, 0, 1)
        # above the level the wall alone is coated
        coat = np.clip(chord - hose(x, y, path, np.clip(radius - 0.10, 0.1, None))[0], 0, 0.8)
        barium = barium * full + 0.35 * coat * (1 - full)
        gas = np.asarray(0.9 * chord * (1 - full), dtype=np.float32)
    path, radius = _course(body, _BOWEL, rng)
    chord, along, off = hose(x, y, path, radius)
    feathers = 0.5 + 0.5 * np.sin(2 * math.pi * along / (0.0030 * h) + 2.5 * off)
    flakes = np.clip(0.8 + canvas.rough((0.9, 0.45), (3.0, 0.5), seed=_seed(rng)), 0.05, 1.3)
    loops = chord * (1 - 0.55 * feathers * np.clip(off + 0.25, 0, 1)) * flakes
    medium = _BARIUM * np.maximum(barium, 0.55 * loops)
    return Filling(medium_g_cm2=np.asarray(medium, dtype=np.float32), gas_cm=gas)


def _colon(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    h, z = body.height, 1.20 * body.half_depth
    x, y = canvas.at(z)
    path, radius = _course(body, _COLON, rng)
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    # pouches between the folds that cross it
    pouch = np.abs(np.sin(math.pi * far / (0.0175 * h) + 0.5 * np.sin(far)))
    chord, along, _ = hose(x, y, path, radius * (0.68 + 0.32 * np.sqrt(pouch)))
    stool = np.clip(0.75 + canvas.rough((0.5, 0.22), (1.4, 0.3), seed=_seed(rng)), 0.15, 1.3)
    # barium of yesterday: full on the right, thin further on
    left = np.interp(along, [0, 0.5 * far[-1], far[-1]], [1.0, 0.75, 0.35])
    return np.asarray(0.65 * _BARIUM * chord * stool * left, dtype=np.float32)


def _pelves(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    x, y = canvas.at(0.62 * body.half_depth)
    out = canvas.empty()
    for side in (-1, 1):
        out += _kidney(body, side, (x, y), rng)
    return out


def _kidney(
    body: Body, side: int, at: tuple[FloatArray, FloatArray], rng: np.random.Generator
) -> FloatArray:
    """Return a kidney that excretes contrast: its outline, calyces, pelvis and ureter."""
    h, w = body.height, body.level("L2").width
    spine = body.level("L1").centre[0]
    cx = spine + side * w * rng.uniform(1.50, 1.65)
    cy = body.level("L1").centre[1] + h * (0.010 if side > 0 else 0.017)
    half, lean = 0.032 * h, math.radians(13) * side
    dx, dy = at[0] - np.float32(cx), at[1] - np.float32(cy)
    # upper poles lie nearer the spine
    along = math.cos(lean) * dy + math.sin(lean) * dx
    across = math.cos(lean) * dx - math.sin(lean) * dy
    inside = 1 - (along / half) ** 2 - (across / (0.50 * half)) ** 2
    kidney = 0.9 * half * np.sqrt(np.clip(inside, 0, None))

    def placed(out: float, down: float) -> tuple[float, float]:
        """Return a place given outwards and down from the centre, in halves of the length."""
        o, d = side * out * half, down * half
        cos, sin = math.cos(lean), math.sin(lean)
        return cx + cos * o + sin * d, cy + cos * d - sin * o

    urine = np.zeros_like(kidney)

    def fill(start: tuple[float, float], end: tuple[float, float], r: float, taper: float) -> None:
        np.maximum(urine, limb(at[0], at[1], start, end, r * half, taper), out=urine)

    basin, exit_ = placed(-0.20, 0.04), placed(-0.50, 0.36)
    fill(basin, exit_, 0.15, 0.72)
    for down, cups in ((-0.50, 3), (0.02, 2), (0.48, 3)):
        neck = placed(-0.02, 0.62 * down)
        fill(basin, neck, 0.062, 0.25)
        for k in range(cups):
            spread = (k - (cups - 1) / 2) * 0.24
            cup = placed(0.13 + 0.05 * rng.standard_normal(), down * 1.10 + spread)
            fill(neck, cup, 0.040, -0.9)
            # a papilla dents each calyx
            tip = placed(0.13 + 0.085, (down * 1.10 + spread) * 1.13)
            dent = np.hypot(at[0] - np.float32(tip[0]), at[1] - np.float32(tip[1]))
            urine *= np.clip((dent - 0.06 * half) / (0.02 * half), 0, 1)
    path = _ureter(body, side, exit_, rng)
    chord, far, _ = hose(at[0], at[1], path, np.full(len(path), 0.042 * half))
    # it empties in waves
    wave = np.clip(np.sin(2 * math.pi * far / (0.075 * h) + rng.uniform(0, 6)) + 0.75, 0, 1)
    np.maximum(urine, chord * wave, out=urine)
    return np.asarray(_URINE * urine + _NEPHROGRAM * kidney, dtype=np.float32)


def _ureter(
    body: Body, side: int, start: tuple[float, float], rng: np.random.Generator
) -> DoubleArray:
    """Return the course of a ureter before the tips of the transverse processes."""
    points = [(start[0], start[1], 0.0)]
    for name, off in (("L3", 0.86), ("L4", 0.80), ("L5", 0.74)):
        v = body.level(name)
        aside = side * v.width * (off + 0.04 * rng.standard_normal())
        points.append((v.centre[0] + aside, v.centre[1], 0.0))
    low = body.level("L5")
    points.append((low.centre[0] + side * 0.85 * low.width, low.centre[1] + 1.5 * low.pitch, 0.0))
    return smooth_path(points)[:, :2]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**62))
