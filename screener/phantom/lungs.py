"""Lung along each ray: what the rib cage leaves after its other tenants have taken their part.

Heart, mediastinum and the vault of the abdomen are written as the stretch of a ray that each
fills, between two depths.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import FloatArray
from screener.phantom.cohort import stream
from screener.phantom.profile import profile
from screener.phantom.projection import Geometry, Grid
from screener.phantom.skeleton import cage_centre, cage_half_width, rib_course


def hilum(body: Body, side: int) -> tuple[float, float, float]:
    """Return where a lung's vessels enter: x, y, z in cm; `side` is -1 for the right lung."""
    width = body.level("T6").width
    y = body.level("T6").centre[1] + (0.002 if side < 0 else -0.006) * body.height
    return side * 0.95 * width, y, 0.95 * body.half_depth


def dome_y(body: Body, side: int) -> float:
    """Return the y of a dome of the diaphragm; the right one, -1, stands higher."""
    rib, pitch = body.level("T10"), body.level("T10").pitch
    rng = stream(body.child.seed, "anatomy", "diaphragm")
    lower = 0.3 + 0.5 * rng.random()
    return rib.centre[1] + pitch * (0.3 + body.inspiration + (lower if side > 0 else 0.0))


def lung_along_rays(
    body: Body, geometry: Geometry, grid: Grid, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Return the length of each ray in lung, cm; `x` and `y` are those of the trunk's middle."""
    low, high = _cage(body, x, y)
    below, above = _abdomen(body, x, y)
    lung = np.clip(np.minimum(high, below) - low, 0, None)
    lung += np.clip(high - np.maximum(low, above), 0, None)
    cage = np.clip(high - low, 1e-3, None)
    free = lung / cage
    z, chambers = _heart(body)
    hx, hy = geometry.patient_plane(grid, z)
    fourth = np.zeros_like(lung)
    for (cx, cy), radii, angle in chambers:
        square = _ellipsoid_half_squared(hx - cx, hy - cy, radii, angle)
        fourth += square * square
    half = np.sqrt(np.sqrt(fourth))
    overlap = np.minimum(high, z + half) - np.maximum(low, z - half)
    lung -= np.clip(overlap, 0, None) * free
    lung *= 1 - _mediastinum(body, x, y)
    return np.asarray(np.clip(lung, 0, None), dtype=np.float32)


def _cage(body: Body, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the depths between which a ray runs within the rib cage."""
    inner = 0.55 * 0.1 * (4 + body.child.age_years * 0.35)
    courses = [rib_course(body, number) for number in range(1, 13)]
    apex = courses[0][2] - 0.004 * body.height
    dome_end = courses[1][2] + courses[1][3] * 0.42
    wide_at_dome = courses[1][0] * 0.94 - inner
    middle = 0.57 * wide_at_dome
    lateral_y, lateral = [dome_end], [wide_at_dome]
    depth = [courses[1][1] * 0.62]
    centre = [cage_centre(body, 2)]
    for number in range(3, 12):
        half_width, half_depth, top, drop = courses[number - 1]
        lateral_y.append(top + drop / 2)
        # the lower ribs end before they reach the side; the wall goes on
        lateral.append((half_width if number < 9 else courses[8][0] * 0.985) - inner)
        depth.append((half_depth - 0.3) * (0.62 + 0.38 * min(1.0, (number - 2) / 4)))
        centre.append(cage_centre(body, number))
    dome_y_knots = np.linspace(apex, dome_end, 24)[:-1]
    q = np.sqrt(np.clip(1 - ((dome_end - dome_y_knots) / (dome_end - apex)) ** 2, 0, 1))
    knots = [apex - 0.2, *dome_y_knots, *lateral_y]
    outer = profile(knots, [middle, *(middle + (wide_at_dome - middle) * q), *lateral], 0.4)
    thick = profile(knots, [0.0, *(depth[0] * 0.7 * q), *depth], 1.2)
    z_mid = profile(knots, [centre[0]] * (len(q) + 1) + centre, 1.0)
    rise = np.linspace(0, 1, len(lateral_y))
    peak = profile(knots, [middle] * (len(q) + 1) + list(middle * (1 - rise) ** 0.7), 0.6)
    inside = profile(
        knots,
        [middle, *(middle - middle * 0.95 * q), *(-np.array(lateral) * np.clip(rise * 3, 0.01, 1))],
        0.6,
    )
    ax = np.abs(x)
    widest = peak.at(y)
    s = np.where(
        ax > widest,
        (ax - widest) / np.clip(outer.at(y) - widest, 0.05, None),
        (widest - ax) / np.clip(widest - inside.at(y), 0.05, None),
    )
    half = thick.at(y) * np.sqrt(np.clip(1 - s * s * (0.75 + 0.25 * s * s), 0, None))
    half *= y > apex
    z = z_mid.at(y)
    return np.asarray(z - half), np.asarray(z + half)


def _abdomen(body: Body, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the depths between which a ray runs below the diaphragm; where it does not, beyond."""
    h = body.height
    inner = cage_half_width(body)
    peak_z = 1.15 * body.half_depth
    # the central tendon joins both domes
    over = np.clip(x / body.level("T10").width * 0.5 + 0.5, 0, 1)
    right, left = np.float32(dome_y(body, -1)), np.float32(dome_y(body, 1))
    top = right + (left - right) * over * over * (3 - 2 * over)
    off = (np.abs(x) - 0.46 * inner) / (0.54 * inner)
    top += np.float32(0.030 * h) * np.where(off > 0, off**2 * np.abs(off), 0.22 * off**2)
    sunk = np.clip(y - top, 0, None)
    back = peak_z * np.sqrt(sunk / (0.060 * h))
    front = (2 * body.half_depth - peak_z) * np.sqrt(sunk / (0.022 * h))
    inside = y > top
    return (
        np.where(inside, peak_z - back, np.float32(1e3)),
        np.where(inside, peak_z + front, np.float32(1e3)),
    )


_Chamber: TypeAlias = tuple[tuple[float, float], tuple[float, float, float], float]


def _heart(body: Body) -> tuple[float, list[_Chamber]]:
    """Return the heart's depth, and its chambers as ellipsoids.

    Each has its centre, its half-axes, and the radians by which the first of them falls.
    """
    rng = stream(body.child.seed, "anatomy", "heart")
    age = body.child.age_years
    ratio = (0.50 if age < 5 else 0.45) + 0.03 * rng.standard_normal()
    width = float(np.clip(ratio, 0.38, 0.60)) * 2 * cage_half_width(body)
    floor = dome_y(body, 1)
    deep = min(0.42 * width, 0.62 * body.half_depth)
    angle = math.radians(float(np.interp(age, [3, 14], [22, 40])) + 4 * rng.standard_normal())
    left = ((0.19 * width, floor - 0.24 * width), (0.50 * width, 0.36 * width, deep), angle)
    right = ((-0.11 * width, floor - 0.26 * width), (0.255 * width, 0.37 * width, deep), 0.1)
    outflow = ((0.09 * width, floor - 0.62 * width), (0.19 * width, 0.30 * width, 0.8 * deep), 0.2)
    return 1.12 * body.half_depth, [left, right, outflow]


def _ellipsoid_half_squared(
    dx: FloatArray, dy: FloatArray, radii: tuple[float, float, float], angle: float
) -> FloatArray:
    """Return the square of half of each ray in an ellipsoid; its first axis falls by `angle`."""
    cos, sin = math.cos(angle), math.sin(angle)
    r2 = ((cos * dx + sin * dy) / radii[0]) ** 2 + ((cos * dy - sin * dx) / radii[1]) ** 2
    return np.asarray(radii[2] ** 2 * np.clip(1 - r2, 0, None), dtype=np.float32)


def _mediastinum(body: Body, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return which share of the lung's depth the middle of the chest takes, 0 to 1."""
    rng = stream(body.child.seed, "anatomy", "mediastinum")
    w, age = body.level("T6").width, body.child.age_years
    knob = 1.05 + 0.08 * rng.standard_normal()
    tops = [body.top(f"T{i}") for i in range(1, 13)] + [body.top("L2")]
    left = [0.66, 0.72, 0.86, knob, 1.0, 0.88, 0.78, 0.72, 0.68, 0.66, 0.66, 0.66, 0.66]
    right = [0.66, 0.74, 0.84, 0.88, 0.90, 0.84, 0.70, 0.62, 0.58, 0.56, 0.56, 0.56, 0.56]
    if age < 5:
        # the thymus of small children: a sail to the right, a wave to the left
        thymus = (5 - age) / 2 * np.exp(-(((np.arange(13) - 3.4) / 1.6) ** 2))
        left = list(np.array(left) + 0.55 * thymus)
        right = list(np.array(right) + 0.75 * thymus)
    knots = [-0.2 * body.height, *tops]
    shift = profile(knots, [v.centre[0] for v in (body.vertebrae[0], *body.vertebrae[2:15])], 1.0)
    dx = x - 0.7 * shift.at(y)
    edge = np.where(
        dx > 0,
        profile(knots, [left[0] * w, *(v * w for v in left)], 0.7).at(y),
        profile(knots, [right[0] * w, *(v * w for v in right)], 0.7).at(y),
    )
    depth = np.clip((edge - np.abs(dx)) / (0.9 * w), 0, 1)
    # below the hila lung reaches in behind the heart, and before the spine
    share = profile(knots, [0.95] * 7 + [0.85, 0.72, 0.66, 0.66, 0.66, 0.66, 0.66], 1.5).at(y)
    return np.asarray(share * np.sqrt(depth * (2 - depth)), dtype=np.float32)
