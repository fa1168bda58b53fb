"""Clouds of points that carry mass: shells, tubes and plates of which the skeleton is made.

A cloud is drawn on the film point by point, each along its own ray. Mass is kept exactly, and
edges that the beam grazes become bright by themselves, as they do on a radiograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from screener.phantom.beam import DoubleArray, FloatArray

_GOLDEN = math.pi * (3 - math.sqrt(5))
_RATIO = (math.sqrt(5) - 1) / 2
#: The inverse of the plastic number, which keeps out of step with the golden ratio.
_OTHER_RATIO = 0.7548776662


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Points with mass.

    Parameters
    ----------
    xyz
        ``[n, 3]`` float32, cm.
    mass
        ``[n]`` float32, g.
    """

    xyz: FloatArray
    mass: FloatArray

    @property
    def total(self) -> float:
        """The whole mass in g."""
        return float(self.mass.sum(dtype=np.float64))

    def scaled(self, factor: float) -> Cloud:
        """Return the same points with `factor` times the mass."""
        return Cloud(xyz=self.xyz, mass=self.mass * np.float32(factor))

    def mirrored(self) -> Cloud:
        """Return the cloud on the other side of the body's middle."""
        return Cloud(xyz=self.xyz * np.array([-1, 1, 1], dtype=np.float32), mass=self.mass)


def joined(clouds: Iterable[Cloud]) -> Cloud:
    """Return one cloud of several."""
    parts = list(clouds)
    return Cloud(
        xyz=np.concatenate([part.xyz for part in parts]),
        mass=np.concatenate([part.mass for part in parts]),
    )


def disc_points(count: int) -> DoubleArray:
    """Return ``[count, 2]`` points spread evenly over the unit disc (a sunflower's seeds)."""
    i = np.arange(count) + 0.5
    radius, angle = np.sqrt(i / count), i * _GOLDEN
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def sphere_points(count: int) -> DoubleArray:
    """Return ``[count, 3]`` points spread evenly over the unit sphere."""
    i = np.arange(count) + 0.5
    up = 1 - 2 * i / count
    around = np.sqrt(1 - up**2)
    return np.stack([around * np.cos(i * _GOLDEN), up, around * np.sin(i * _GOLDEN)], axis=1)


def ellipsoid(
    centre: Iterable[float],
    radii: Iterable[float],
    *,
    density: float,
    count: int,
    wall_share: float = 0.6,
) -> Cloud:
    """Return an ellipsoid of `density` g/cm3 of mineral, `wall_share` of its mass in its wall."""
    c, r = np.array(list(centre)), np.array(list(radii))
    mass = density * 4 / 3 * math.pi * float(np.prod(r))
    outer = sphere_points(int(count * 0.6))
    inner = sphere_points(count - len(outer))
    # another ratio than the golden one, or the points would lie on a screw
    inner = inner * ((np.arange(len(inner)) * _OTHER_RATIO) % 1)[:, None] ** (1 / 3)
    shares = ((outer, wall_share), (inner, 1 - wall_share))
    weights = np.concatenate([np.full(len(part), share / len(part)) for part, share in shares])
    xyz = c + np.concatenate([outer, inner]) * r
    return Cloud(xyz=xyz.astype(np.float32), mass=(mass * weights).astype(np.float32))


def resampled(path: DoubleArray, step: float) -> tuple[DoubleArray, DoubleArray]:
    """Return points at equal steps along a path ``[n, k]``, and their place on it from 0 to 1."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    count = max(int(length[-1] / step), 8)
    at = (np.arange(count) + 0.5) * length[-1] / count
    columns = [np.interp(at, length, path[:, k]) for k in range(path.shape[1])]
    return np.stack(columns, axis=1), at / length[-1]


def smooth_path(points: Sequence[Sequence[float] | DoubleArray]) -> DoubleArray:
    """Return a smooth path ``[n, 3]`` through some points (Catmull-Rom)."""
    p = np.array(points, dtype=np.float64)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    out = []
    t = np.linspace(0, 1, 16, endpoint=False)[:, None]
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        bend = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        out.append(0.5 * (2 * b + (c - a) * t + bend))
    return np.concatenate(out)


def tube(
    path: DoubleArray,
    *,
    across: float | DoubleArray,
    along: float | DoubleArray,
    wall: float | DoubleArray,
    wall_density: float,
    core_density: float,
    reference: tuple[float, float, float] = (0.0, 1.0, 0.0),
    step: float = 0.04,
    around: int = 16,
    core: int = 6,
) -> Cloud:
    """Return a hollow bone that follows a path.

    Parameters
    ----------
    path
        ``[n, 3]`` cm.
    across, along
        Half-axes of the section in cm: square to `reference`, and along it as far as the path
        lets it; one number, or one for each point of the path.
    wall
        Thickness of the cortex in cm, likewise.
    wall_density, core_density
        g of mineral per cm3 of cortex and of spongiosa.
    reference
        The direction of `along`; not that of the path.
    step, around, core
        Sampling: cm between rings, points on a ring, points inside it.
    """
    points, at = resampled(path, step)
    knots = np.linspace(0, 1, len(path))
    across, along, wall = (
        np.interp(at, knots, np.broadcast_to(np.asarray(value, dtype=np.float64), len(path)))
        for value in (across, along, wall)
    )
    ds = np.linalg.norm(np.gradient(points, axis=0), axis=1)
    tangent = np.gradient(points, axis=0) / ds[:, None]
    up = np.array(reference) - tangent * (tangent @ np.array(reference))[:, None]
    up /= np.linalg.norm(up, axis=1)[:, None]
    side = np.cross(tangent, up)
    # each ring starts elsewhere between two points, lest the rings line up into stripes
    start = (np.arange(len(points)) * _RATIO) % 1
    angle = (np.arange(around) + start[:, None]) * 2 * math.pi / around
    cos, sin = np.cos(angle), np.sin(angle)
    ring = _placed(points, side, up, across[:, None] * cos, along[:, None] * sin)
    arc = np.hypot(across[:, None] * sin, along[:, None] * cos) * (2 * math.pi / around)
    ring_mass = wall_density * wall[:, None] * arc * ds[:, None]
    seeds = disc_points(core)
    turn = np.arange(len(points))[:, None] * 2 * math.pi * _OTHER_RATIO
    inside_a = seeds[:, 0] * np.cos(turn) - seeds[:, 1] * np.sin(turn)
    inside_b = seeds[:, 0] * np.sin(turn) + seeds[:, 1] * np.cos(turn)
    fill = _placed(points, side, up, across[:, None] * inside_a, along[:, None] * inside_b)
    fill_mass = core_density * math.pi * (across * along * ds)[:, None] / core
    xyz = np.concatenate([ring.reshape(-1, 3), fill.reshape(-1, 3)])
    mass = np.concatenate([ring_mass.ravel(), np.broadcast_to(fill_mass, inside_a.shape).ravel()])
    return Cloud(xyz=xyz.astype(np.float32), mass=mass.astype(np.float32))


def _placed(
    points: DoubleArray, side: DoubleArray, up: DoubleArray, a: DoubleArray, b: DoubleArray
) -> DoubleArray:
    return np.asarray(
        points[:, None, :] + a[..., None] * side[:, None, :] + b[..., None] * up[:, None, :]
    )


def plate(corners: DoubleArray, *, areal_density: float, count: int) -> Cloud:
    """Return a thin triangle of bone between three corners ``[3, 3]``, in g of mineral per cm2."""
    i = np.arange(count) + 0.5
    s, t = np.sqrt(i / count), (i * _RATIO) % 1
    a, b, c = corners
    xyz = a + s[:, None] * (b - a) + (s * t)[:, None] * (c - b)
    area = 0.5 * float(np.linalg.norm(np.cross(b - a, c - a)))
    mass = np.full(count, areal_density * area / count)
    return Cloud(xyz=xyz.astype(np.float32), mass=mass.astype(np.float32))
