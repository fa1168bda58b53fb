"""A child's left hand."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import SOFT_G_CM3
from screener.phantom.clouds import Cloud, ellipsoid, joined, tube
from screener.phantom.projection import Grid
from screener.phantom.thorax import Trunk, limb

#: A straight, round piece of flesh: where it starts and ends, and its radius, cm.
Piece: TypeAlias = tuple[tuple[float, float], tuple[float, float], float]

_CORTEX = 1.02
#: Fingers of a hand as wide as 1: where the metacarpal starts, its direction in degrees from
#: straight up, and the lengths of metacarpal and phalanges.
_FINGERS = (
    ((-0.30, 0.95), -42.0, (0.42, 0.30, 0.24)),
    ((-0.22, 0.72), -8.0, (0.62, 0.40, 0.24, 0.17)),
    ((-0.06, 0.68), -1.0, (0.60, 0.45, 0.28, 0.18)),
    ((0.09, 0.70), 6.0, (0.54, 0.41, 0.27, 0.18)),
    ((0.22, 0.76), 14.0, (0.48, 0.33, 0.19, 0.16)),
)


def hand_bones(body: Body, size: float) -> tuple[Cloud, list[Piece]]:
    """Return the bones of a left hand, and the straight pieces of flesh around them."""
    clouds, flesh = [], []
    growing = body.child.age_years < 15
    for (x, y), degrees, lengths in _FINGERS:
        at = np.array([x * 0.95, y - 0.55, 0.0]) * size
        way = np.array([math.sin(math.radians(degrees)), -math.cos(math.radians(degrees)), 0.0])
        for i, length in enumerate(lengths):
            end = at + way * length * size
            radius = 0.052 * size * (1.0 - 0.13 * i)
            shape = radius * np.array([1.25, 0.9, 0.75, 0.9, 1.2])
            path = np.linspace(at, end, 5)
            clouds.append(
                tube(
                    path, across=shape, along=shape, wall=radius * 0.32, wall_density=_CORTEX,
                    core_density=0.12, reference=(0.0, 0.0, 1.0), step=0.02, around=24, core=10,
                )
            )  # fmt: skip
            if growing and i:
                centre = at - way * 0.03 * size
                clouds.append(
                    ellipsoid(centre, (radius, 0.02 * size, radius), density=0.3, count=900)
                )
            flesh.append(((at[0], at[1]), (end[0], end[1]), 0.115 * size * (1 - 0.08 * i)))
            at = end + way * 0.055 * size
    for k in range(8):
        centre = np.array([-0.24 + 0.15 * (k % 4), 0.30 + 0.15 * (k // 4), 0.0]) * size
        radii = (0.07 * size, 0.065 * size, 0.06 * size)
        clouds.append(ellipsoid(centre, radii, density=0.22, count=2500))
    for x, radius in ((-0.14, 0.105), (0.19, 0.075)):
        path = np.array([[x, 0.58, 0.0], [x * 0.9, 0.85, 0.0], [x * 0.85, 1.5, 0.0]]) * size
        shape = radius * size * np.array([1.35, 0.85, 0.8])
        clouds.append(
            tube(
                path, across=shape, along=shape, wall=0.03 * size, wall_density=_CORTEX,
                core_density=0.14, reference=(0.0, 0.0, 1.0), step=0.02, around=30, core=16,
            )
        )  # fmt: skip
    for x in (-0.24, -0.08, 0.08, 0.20):
        flesh.append(((x * size, 0.45 * size), (x * size * 1.1, -0.15 * size), 0.17 * size))
    for x in (-0.12, 0.14):
        flesh.append(((x * size, 0.4 * size), (x * size, 1.6 * size), 0.22 * size))
    return joined(clouds), flesh


def hand_tissue(grid: Grid, flesh: list[Piece], size: float) -> Trunk:
    """Return the soft tissue of a hand along each ray."""
    u, v = grid.axes()
    x, y = np.broadcast_arrays(u, v)
    thick = np.zeros(x.shape, dtype=np.float32)
    for start, end, radius in flesh:
        np.maximum(thick, limb(x, y, start, end, radius, 0.1), out=thick)
    soft = SOFT_G_CM3 * np.minimum(thick, 0.36 * size)
    return Trunk(soft_g_cm2=soft.astype(np.float32), lung_cm=np.zeros_like(soft))
