"""Soft tissue, lung and air of the trunk along each ray."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from screener.domain.patient import Sex
from screener.phantom.anatomy import Body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3, FloatArray
from screener.phantom.cohort import stream
from screener.phantom.lungs import dome_y, hilum, lung_along_rays
from screener.phantom.profile import profile
from screener.phantom.projection import Geometry, Grid
from screener.phantom.skeleton import cage_half_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The trunk along each pixel's ray.

    Parameters
    ----------
    soft_g_cm2
        Mass thickness of everything but mineral, vessels of the lung not yet in it.
    lung_cm
        Length of the ray in lung.
    """

    soft_g_cm2: FloatArray
    lung_cm: FloatArray


def trunk(
    body: Body, geometry: Geometry, grid: Grid, *, arm_deg: float, thicker_cm: float
) -> Trunk:
    """Return the trunk of a child along each pixel's ray.

    Parameters
    ----------
    body, geometry, grid
        Who, how placed, and which pixels.
    arm_deg
        How far the upper arms stand off the trunk.
    thicker_cm
        Soft tissue in front of and behind the chest beyond what the build lets expect.
    """
    x, y = geometry.patient_plane(grid, body.half_depth)
    solid = _outline(body, x, y, arm_deg, thicker_cm)
    lung = lung_along_rays(body, geometry, grid, x, y)
    np.minimum(lung, 0.93 * solid, out=lung)
    air = _airways(body, x, y) + _bowel_gas(body, x, y)
    np.minimum(air, 0.5 * solid, out=air)
    soft = SOFT_G_CM3 * (solid - lung - air) + LUNG_G_CM3 * lung
    return Trunk(soft_g_cm2=soft.astype(np.float32), lung_cm=lung)


def _outline(
    body: Body, x: FloatArray, y: FloatArray, arm_deg: float, thicker_cm: float
) -> FloatArray:
    """Return the length of each ray in the body, cm."""
    h, wide, deep = body.height, body.half_width, body.half_depth
    axilla, waist = body.top("T5"), body.top("L2")
    knots = [-0.2 * h, -0.05 * h, -0.02 * h, 0.008 * h, 0.03 * h, axilla, 0.10 * h, waist, 0.36 * h]
    shoulder = body.shoulder
    half_width = profile(
        knots,
        [0.036 * h, 0.037 * h, 0.046 * h, 0.72 * shoulder, 1.0 * shoulder, 1.02 * wide, wide,
         0.93 * wide, 1.0 * wide],
        0.022 * h,
    )  # fmt: skip
    half_depth = profile(
        knots,
        [0.038 * h, 0.042 * h, 0.5 * deep, 0.64 * deep, 0.78 * deep, 0.94 * deep, deep,
         0.96 * deep, 0.96 * deep],
        0.02 * h,
    )  # fmt: skip
    a = half_width.at(y)
    r2 = (x / a) ** 2
    r2 *= 0.72 + 0.28 * r2
    chord = (2 * half_depth.at(y) + np.float32(thicker_cm)) * np.sqrt(np.clip(1 - r2, 0, None))
    stout = (body.child.weight_kg / (0.00125 * h**2.1)) ** 0.35
    lean = math.radians(arm_deg)
    for side in (-1, 1):
        joint = (side * (shoulder - 0.002 * h), 0.045 * h)
        elbow = (joint[0] + side * 0.30 * h * math.sin(lean), joint[1] + 0.30 * h * math.cos(lean))
        np.maximum(chord, limb(x, y, joint, elbow, 0.0235 * h * stout, 0.45), out=chord)
        # the folds of the armpit, from the shoulder to the chest
        flank = (side * 0.78 * wide, body.top("T9"))
        np.maximum(chord, limb(x, y, joint, flank, 0.023 * h * stout, 0.5), out=chord)
    if body.child.sex is Sex.FEMALE and body.child.age_years > 11:
        chord += _breasts(body, x, y)
    return np.asarray(chord, dtype=np.float32)


def limb(
    x: FloatArray,
    y: FloatArray,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
    taper: float,
) -> FloatArray:
    """Return the length of each ray in a round limb, which loses `taper` of its radius."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    dx, dy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip(px * dx + py * dy, 0, length)
    d2 = (px - along * dx) ** 2 + (py - along * dy) ** 2
    r = radius * (1 - taper * along / length)
    return np.asarray(2 * np.sqrt(np.clip(r**2 - d2, 0, None)), dtype=np.float32)


def _breasts(body: Body, x: FloatArray, y: FloatArray) -> FloatArray:
    grown = min((body.child.age_years - 11) / 4, 1.0) * (0.7 + 0.2 * max(body.child.weight_z, -2))
    size = 0.036 * body.height
    centre_y = body.level("T8").centre[1]
    r2 = ((np.abs(x) - 0.52 * body.half_width) / size) ** 2 + ((y - centre_y) / size) ** 2
    # fuller below than above
    r2 = r2 * (1 - 0.35 * np.clip((y - centre_y) / size, -1, 1))
    return np.asarray(1.6 * grown * np.sqrt(np.clip(1 - r2, 0, None)), dtype=np.float32)


def _airways(body: Body, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the length of each ray in the air of trachea and main bronchi, cm."""
    radius = float(np.interp(body.child.age_years, [3, 17], [0.42, 0.85]))
    carina = body.top("T5") + 0.1 * body.level("T5").pitch
    lean = -0.10 * body.level("T5").width
    pieces = [((0.0, -0.2 * body.height), (lean, carina), radius)]
    for side, fall in ((-1, 1.25), (1, 0.75)):
        run = 0.85 * (hilum(body, side)[0] - lean)
        pieces.append(((lean, carina), (lean + run, carina + abs(run) * fall), 0.68 * radius))
    air = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for start, end, r in pieces:
        np.maximum(air, limb(x, y, start, end, r, 0.0), out=air)
    return air


def _bowel_gas(body: Body, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the length of each ray in the gas of stomach and bowel, cm."""
    rng = stream(body.child.seed, "anatomy", "gas")
    h, inner = body.height, cage_half_width(body)
    bubbles: list[tuple[float, float, float, float, float]] = []
    under = dome_y(body, 1)
    if rng.random() < 0.7:
        size = h * rng.uniform(0.010, 0.020)
        across = size * rng.uniform(1.0, 1.6)
        bubbles.append((0.44 * inner, under + 0.8 * size + 0.006 * h, across, 0.75 * size, size))
    for _ in range(int(rng.integers(3, 9))):
        size = h * rng.uniform(0.007, 0.016)
        place = rng.uniform(-0.85, 0.85) * inner
        drop = rng.uniform(0.075 if place < 0 else 0.05, 0.16) * h
        bubbles.append((place, under + drop, size * rng.uniform(0.8, 1.8), size, 0.5 * size))
    # rounder than an ellipsoid at its rim: q^0.75, taken once for all bubbles
    gas = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for cx, cy, rx, ry, rz in bubbles:
        q = 1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2
        np.maximum(gas, q * (2 * rz) ** (4 / 3), out=gas)
    root = np.sqrt(gas)
    return np.asarray(root * np.sqrt(root), dtype=np.float32)
