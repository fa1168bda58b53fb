"""The vessels of the lungs: trees that branch from each hilum towards the pleura."""

from __future__ import annotations

import math

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3, DoubleArray
from screener.phantom.clouds import Cloud, joined
from screener.phantom.cohort import stream
from screener.phantom.lungs import hilum

_GENERATIONS = 6
#: Degrees from straight down, outwards, in which the lobes' vessels leave a hilum.
_ROOTS_DEG = (5.0, 25.0, 48.0, 75.0, 105.0, 135.0, 160.0)
#: cm between the points along a vessel.
_STEP = 0.04
#: Points across a vessel, of the first two generations and of the others.
_LANES = (15, 7)


def lung_vessels(body: Body) -> Cloud:
    """Return the vessels' soft tissue beyond the lung that it displaces, in g."""
    return joined(_tree(body, side) for side in (-1, 1))


def _tree(body: Body, side: int) -> Cloud:
    rng = stream(body.child.seed, "anatomy", "vessels", side)
    h = body.height
    roots = len(_ROOTS_DEG)
    origin = np.array(hilum(body, side))
    start = origin[:2] + h * rng.normal(0, [0.003, 0.008], (roots, 2))
    angle = np.radians(np.array(_ROOTS_DEG) + rng.normal(0, 7, roots))
    # upright, the lower lobes carry more blood
    radius = h * 0.0021 * np.interp(_ROOTS_DEG, [0, 180], [1.15, 0.80])
    length = h * 0.023 * rng.uniform(0.8, 1.2, roots)
    clouds = []
    for generation in range(_GENERATIONS):
        lanes = _LANES[min(generation // 2, 1)]
        bend = rng.normal(0, 0.10, len(angle))
        points, heading = _course(start, angle, bend, length, side)
        clouds.append(_vessels(points, heading, radius, length, origin[2], lanes))
        fork = rng.uniform(0.22, 0.62, (len(angle), 2)) * np.array([-1, 1])
        share = rng.uniform(0.62, 0.84, (len(angle), 2))
        start = np.repeat(points[:, -1], 2, axis=0)
        angle = (angle[:, None] + bend[:, None] + fork * 0.8).ravel()
        radius = (radius[:, None] * share).ravel()
        length = np.repeat(length * 0.84, 2) * rng.uniform(0.7, 1.2, 2 * len(length))
    return joined(clouds)


def _course(
    start: DoubleArray, angle: DoubleArray, bend: DoubleArray, length: DoubleArray, side: int
) -> tuple[DoubleArray, DoubleArray]:
    """Return points ``[vessel, step, 2]`` along bent segments, and their headings."""
    count = max(int(length.max() / _STEP), 6)
    at = (np.arange(count) + 0.5) / count
    heading = angle[:, None] + bend[:, None] * at
    step = length[:, None, None] / count
    directions = np.stack([side * np.sin(heading), np.cos(heading)], axis=-1)
    return start[:, None] + np.cumsum(directions * step, axis=1), directions


def _vessels(
    points: DoubleArray,
    heading: DoubleArray,
    radius: DoubleArray,
    length: DoubleArray,
    z: float,
    lanes: int,
) -> Cloud:
    vessels, steps = points.shape[:2]
    # lanes that wander from step to step, or a vessel would be seen as a bundle of threads
    wander = (np.arange(steps) * 0.618034) % 1
    lane = 2 * (np.arange(lanes) + wander[:, None]) / lanes - 1
    across = np.stack([-heading[..., 1], heading[..., 0]], axis=-1)
    taper = 1.08 - 0.16 * np.arange(steps) / steps
    offset = radius[:, None, None] * taper[:, None] * lane
    spread = points[:, :, None] + across[:, :, None] * offset[..., None]
    chord = np.sqrt(1 - lane**2)
    volume = math.pi * radius**2 * length
    mass = volume[:, None, None] * (chord / chord.sum(axis=1, keepdims=True)) / steps
    xy = spread.reshape(vessels * steps * lanes, 2)
    xyz = np.concatenate([xy, np.full((len(xy), 1), z)], axis=1)
    return Cloud(
        xyz=xyz.astype(np.float32),
        mass=(mass.ravel() * (SOFT_G_CM3 - LUNG_G_CM3)).astype(np.float32),
    )
