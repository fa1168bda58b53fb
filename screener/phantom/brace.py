"""Braces and casts about the trunk: a plastic shell with straps, or plaster.

Written as the hydroxyapatite that attenuates alike, as in `confounders`.
"""

from __future__ import annotations

import math

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import FloatArray
from screener.phantom.paint import Canvas, Points

#: g of hydroxyapatite that attenuate like a cm3 of polyethylene, plaster, webbing, steel.
_PLASTIC, _PLASTER, _WEBBING, _STEEL = 0.34, 0.62, 0.25, 7.9 * 3.3
#: Light alloy of uprights.
_ALLOY = 2.7 * 0.75


def brace(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    """Return a shell about the trunk along each ray, as hydroxyapatite, g/cm2."""
    return _cast(body, canvas, rng) if rng.random() < 0.4 else _plastic(body, canvas, rng)


def _shell(
    body: Body, canvas: Canvas, thick_cm: float, *, behind: bool, loose_cm: float
) -> FloatArray:
    """Return the length of each ray in the front or back half of an oval shell, cm."""
    deep = body.half_depth + loose_cm
    z = body.half_depth + (-1 if behind else 1) * 0.6 * deep
    x, y = canvas.at(z)
    waist = [body.top("T5"), body.top("T9"), body.top("L2"), body.level("L5").centre[1]]
    wide = np.interp(y, waist, [1.0, 1.0, 0.94, 1.02]).astype(np.float32)
    a = wide * np.float32(body.half_width) + np.float32(loose_cm)
    outer = deep * np.sqrt(np.clip(1 - (x / a) ** 2, 0, None))
    inner = (deep - thick_cm) * np.sqrt(np.clip(1 - (x / (a - np.float32(thick_cm))) ** 2, 0, None))
    return np.asarray(outer - inner, dtype=np.float32)


def _trim(
    canvas: Canvas, z: float, edges: tuple[float, float], dip: tuple[float, float], wide: float
) -> tuple[FloatArray, FloatArray]:
    """Return where a half shell lies between its edges, and its rolled rims; 0 to 1.

    Parameters
    ----------
    z, edges
        Its depth, and the y of its upper and lower edge at the side.
    dip
        How far either edge bows down in the middle, cm.
    wide
        The trunk's half-width.
    """
    x, y = canvas.at(z)
    bow = 0.5 + 0.5 * np.cos(np.clip(x / wide, -1, 1) * math.pi)
    above = y - (edges[0] + dip[0] * bow)
    below = edges[1] + dip[1] * bow - y
    inside = np.clip(np.minimum(above, below) / 0.06 + 0.5, 0, 1)
    rim = np.exp(-(((np.minimum(np.abs(above), np.abs(below)) - 0.15) / 0.12) ** 2))
    return np.asarray(inside, dtype=np.float32), np.asarray(rim * inside, dtype=np.float32)


def _plastic(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    thick, h = rng.uniform(0.38, 0.50), body.height
    top = body.level(str(rng.choice(["T6", "T7", "T8"]))).centre[1]
    foot = body.level("L5").centre[1] + 0.09 * h
    wide, deep = body.half_width + 0.5, body.half_depth + 0.5
    out = canvas.empty()
    for behind in (False, True):
        z = body.half_depth + (-0.9 if behind else 0.9) * deep
        dip = (0.022 * h, -0.01 * h) if behind else (0.035 * h, -0.03 * h)
        inside, rim = _trim(canvas, z, (top, foot), dip, wide)
        half = _shell(body, canvas, thick, behind=behind, loose_cm=0.5) * inside
        if behind:
            half = half * _open_behind(body, canvas, z, rng)
        out += _PLASTIC * (half + 0.35 * rim)
    out += _pad(body, canvas, rng)
    out += _fastened(body, canvas, (top, foot), rng)
    if rng.random() < 0.35:
        out += _uprights(body, canvas, foot, rng)
    return out


def _open_behind(body: Body, canvas: Canvas, z: float, rng: np.random.Generator) -> FloatArray:
    """Return 0 in the slit in which a shell is closed by straps, with a thick rim beside it."""
    x, _ = canvas.at(z)
    half = rng.uniform(0.9, 2.0) * body.height / 150
    off = np.abs(x - 0.3 * rng.standard_normal()) - half
    return np.asarray(np.clip(off / 0.06 + 0.5, 0, 1) * (1 + 0.5 * np.exp(-((off / 0.2) ** 2))))


def _pad(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    """Return a foam pad within the shell, which presses on the ribs or beside the loins."""
    side = -1 if rng.random() < 0.7 else 1
    v = body.level("T9" if rng.random() < 0.5 else "L2")
    x, y = canvas.at(0.5 * body.half_depth)
    r2 = ((x - side * 0.62 * body.half_width) / (0.30 * body.half_width)) ** 2
    r2 = r2 + ((y - v.centre[1]) / (0.035 * body.height)) ** 2
    return np.asarray(0.16 * np.clip((1 - r2 * r2) * 3, 0, 1), dtype=np.float32)


def _fastened(
    body: Body, canvas: Canvas, edges: tuple[float, float], rng: np.random.Generator
) -> FloatArray:
    """Return straps behind with their loops of steel, and the rivets that hold them."""
    out, z = canvas.empty(), -0.6
    at = rng.uniform(3.0, 4.2) * body.height / 150
    for share in (0.14, 0.46, 0.78):
        y = edges[0] + share * (edges[1] - edges[0]) + 0.3 * rng.standard_normal()
        slope = 0.25 * rng.standard_normal()
        strap: Points = [(-1.7 * at, y - slope, z), (1.25 * at, y + slope, z)]
        out += _WEBBING * 0.35 * canvas.stroke(strap, 2.4)
        loop: Points = [(at + dx, y + slope + dy, z) for dx, dy in _rounded(0.35, 1.45)]
        out += _STEEL * 0.055 * canvas.stroke(loop, 0.26, closed=True)
        for x in (-1.6 * at, -1.25 * at, 1.45 * at, 1.75 * at):
            rivet: Points = [(x, y + dy, z) for dy in (0.45, 0.45)]
            other: Points = [(x, y + dy, z) for dy in (-0.45, -0.45)]
            out += _STEEL * 0.09 * (canvas.stroke(rivet, 0.5) + canvas.stroke(other, 0.5))
    return out


def _uprights(body: Body, canvas: Canvas, foot: float, rng: np.random.Generator) -> FloatArray:
    """Return bars that carry a ring about the neck: one in front, two behind."""
    out, up = canvas.empty(), -0.012 * body.height
    front: Points = [(0.2 * rng.standard_normal(), y, 2.1 * body.half_depth) for y in (up, foot)]
    out += _ALLOY * 0.32 * canvas.stroke(front, 1.5)
    for side in (-1, 1):
        x = side * body.level("T6").width * 1.15
        bar: Points = [(x, y, -1.0) for y in (up, foot)]
        out += _ALLOY * 0.32 * canvas.stroke(bar, 1.2)
        for y in np.arange(0.08, 0.9, 0.16):
            hole: Points = [(x, up + y * (foot - up), -1.0)] * 2
            out += _STEEL * 0.10 * canvas.stroke(hole, 0.55)
    return out


def _cast(body: Body, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    h, loose = body.height, 0.9
    top = body.level(str(rng.choice(["T4", "T5", "T6"]))).centre[1]
    foot = body.level("L5").centre[1] + 0.10 * h
    wide = body.half_width + loose
    window = rng.random() < 0.6
    seeds = [int(rng.integers(2**62)) for _ in range(2)]
    out = canvas.empty()
    for behind, seed in zip((False, True), seeds, strict=True):
        z = body.half_depth + (-0.9 if behind else 0.9) * (body.half_depth + loose)
        dip = (0.012 * h, 0.0) if behind else (0.030 * h, -0.02 * h)
        inside, rim = _trim(canvas, z, (top, foot), dip, wide)
        thick = _shell(body, canvas, 0.62, behind=behind, loose_cm=loose)
        thick = thick * inside * _turns(canvas, z, h, rng, seed) + 0.5 * rim
        if window and not behind:
            x, y = canvas.at(z)
            middle = body.level("L1").centre[1]
            r = np.hypot(x / (0.45 * wide), (y - middle) / (0.040 * h))
            thick = thick * np.clip((r - 1) / 0.03 + 0.5, 0, 1)
            thick = thick + 0.25 * np.exp(-(((r - 1.05) / 0.03) ** 2))
        out += _PLASTER * thick
    return out


def _turns(
    canvas: Canvas, z: float, height_cm: float, rng: np.random.Generator, seed: int
) -> FloatArray:
    """Return the thickness of wound bandages over its mean: turns overlap, and plaster is lumpy."""
    x, y = canvas.at(z)
    layers = np.ones(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for slope in (0.10, -0.14, 0.03):
        width = 0.055 * height_cm * rng.uniform(0.8, 1.2)
        phase = (y + slope * x + rng.uniform(0, width)) / width
        # an edge of a bandage where one turn ends
        layers += 0.16 * (np.mod(phase, 1.0) < 0.45)
    layers += canvas.rough((0.30, 0.07), (1.0, 0.07), (4.0, 0.10), seed=seed)
    return np.asarray(0.75 * layers, dtype=np.float32)


def _rounded(half_width: float, half_height: float) -> list[tuple[float, float]]:
    """Return a rectangle with rounded corners."""
    angle = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = half_width * np.sign(c) * np.abs(c) ** 0.35
    y = half_height * np.sign(s) * np.abs(s) ** 0.35
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
