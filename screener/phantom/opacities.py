"""Pneumonia and pleural effusion: soft tissue where a lung should be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3, FloatArray
from screener.phantom.cohort import stream
from screener.phantom.fields import uneven
from screener.phantom.lungs import dome_y, hilum
from screener.phantom.projection import Geometry, Grid
from screener.phantom.skeleton import cage_half_width
from screener.phantom.thorax import Trunk, limb

#: Share of films with an opacity (domain.md 5.5), and of those with an effusion.
_SHARE, _EFFUSIONS = 0.10, 0.4
#: Where in a lung pneumonia lies, from its apex 0 to its dome 1, and how often.
_ZONES, _ZONE_SHARES = (0.30, 0.55, 0.82), (0.25, 0.25, 0.5)
#: Effusions by their depth at the side, over the stature, and how often.
_DEPTHS, _DEPTH_SHARES = ((0.026, 0.040), (0.045, 0.070), (0.075, 0.110)), (0.45, 0.35, 0.20)
#: Pleura and inflamed lung end softly.
_EDGE_CM = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Opacity:
    """An opacity of one lung.

    Parameters
    ----------
    kind
        ``pneumonia`` or ``effusion``.
    side
        -1 for the right lung, 1 for the left.
    seed
        Of its place, size and texture.
    """

    kind: str
    side: int
    seed: int


def draw_opacity(child_seed: int, film_seed: int) -> Opacity | None:
    """Draw whether a film shows an opacity, independently of the mineral."""
    rng = stream(child_seed, "film", film_seed, "opacity")
    if rng.random() >= _SHARE:
        return None
    return Opacity(
        kind="effusion" if rng.random() < _EFFUSIONS else "pneumonia",
        side=-1 if rng.random() < 0.5 else 1,
        seed=int(rng.integers(2**62)),
    )


def with_opacity(
    tissue: Trunk,
    opacity: Opacity,
    body: Body,
    geometry: Geometry,
    grid: Grid,
    *,
    supine: bool = False,
) -> Trunk:
    """Return the trunk with soft tissue in the place of some of its lung.

    Parameters
    ----------
    tissue, body, geometry, grid
        The trunk without it, whose it is, how placed, and the pixels of `tissue`.
    opacity
        What, and in which lung.
    supine
        Fluid of a child who lies spreads behind the lung as a veil; upright it sinks.
    """
    x, y = geometry.patient_plane(grid, body.half_depth)
    rng = stream(opacity.seed, "opacity")
    if opacity.kind == "pneumonia":
        share = _pneumonia(body, opacity.side, (x, y), grid, rng)
    elif supine:
        share = _veil(body, opacity.side, x, y, rng)
    else:
        share = _effusion(body, opacity.side, x, y, rng)
    share = np.clip(share, 0.0, 0.97).astype(np.float32)
    soft = cv2.GaussianBlur(share, (0, 0), max(_EDGE_CM / grid.pixel, 0.5))
    lost = tissue.lung_cm * np.asarray(soft, dtype=np.float32)
    return Trunk(
        soft_g_cm2=tissue.soft_g_cm2 + np.float32(SOFT_G_CM3 - LUNG_G_CM3) * lost,
        lung_cm=tissue.lung_cm - lost,
    )


def _pneumonia(
    body: Body,
    side: int,
    at: tuple[FloatArray, FloatArray],
    grid: Grid,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the share of lung that is consolidated: a zone without edges, its bronchi open."""
    inner = cage_half_width(body)
    apex, floor = body.top("T2"), dome_y(body, side)
    zone = float(rng.choice(_ZONES, p=_ZONE_SHARES))
    centre = (
        side * inner * rng.uniform(0.40, 0.66),
        apex + (floor - apex) * (zone + 0.05 * rng.standard_normal()),
    )
    root = hilum(body, side)[:2]
    away = math.atan2(centre[1] - root[1], centre[0] - root[0])
    length = inner * rng.uniform(0.34, 0.58)
    broad = length * rng.uniform(0.60, 0.90)
    patchy = rng.random() < 0.5
    strength = rng.uniform(0.24, 0.42) if patchy else rng.uniform(0.32, 0.52)
    # its border wanders, as it follows lobules
    x = at[0] + inner * uneven(grid, ((2.5, 0.09), (1.2, 0.025)), rng)
    y = at[1] + inner * uneven(grid, ((2.5, 0.09), (1.2, 0.025)), rng)
    dx, dy = x - centre[0], y - centre[1]
    along = (math.cos(away) * dx + math.sin(away) * dy) / length
    across = (math.cos(away) * dy - math.sin(away) * dx) / broad
    inside = np.clip(1.25 - np.hypot(along, across), 0, 1)
    share = strength * inside * inside * (3 - 2 * inside)
    share *= np.clip(1 + uneven(grid, ((1.5, 0.20), (0.7, 0.10), (0.3, 0.05)), rng), 0.2, None)
    if patchy:
        share *= np.clip(0.8 + uneven(grid, ((1.8, 0.42),), rng), 0.15, 1.5)
    if side < 0 and zone < 0.4 and rng.random() < 0.6:
        # the minor fissure bounds an upper lobe from below
        fissure = apex + 0.50 * (floor - apex) + 0.06 * at[0]
        share *= np.clip((fissure - at[1]) / 0.25 + 0.5, 0, 1)
    share *= 1 - 0.55 * _bronchi(root, centre, at, body, rng)
    return np.asarray(share * np.clip(side * at[0] / (0.15 * inner), 0, 1), dtype=np.float32)


def _bronchi(
    root: tuple[float, float],
    centre: tuple[float, float],
    at: tuple[FloatArray, FloatArray],
    body: Body,
    rng: np.random.Generator,
) -> FloatArray:
    """Return where air shows in the bronchi of a consolidated zone, 0 to 1."""
    radius = 0.0009 * body.height
    air = np.zeros(np.broadcast_shapes(at[0].shape, at[1].shape), dtype=np.float32)
    reach = math.hypot(centre[0] - root[0], centre[1] - root[1])
    away = math.atan2(centre[1] - root[1], centre[0] - root[0])

    def open_to(start: tuple[float, float], angle: float, length: float) -> tuple[float, float]:
        end = (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle))
        chord = limb(at[0], at[1], start, end, radius, 0.35) / (2 * radius)
        np.maximum(air, chord, out=air)
        return end

    for turn in rng.normal(0, 0.30, 3):
        fork = open_to(root, away + turn, reach * rng.uniform(0.7, 1.0))
        for bend in (-0.35, 0.35):
            open_to(fork, away + turn + bend + rng.normal(0, 0.1), reach * rng.uniform(0.3, 0.5))
    return air


def _effusion(
    body: Body, side: int, x: FloatArray, y: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the share of lung that fluid takes: it rises along the side, as a meniscus does."""
    h, inner = body.height, cage_half_width(body)
    low, high = _DEPTHS[int(rng.choice(3, p=_DEPTH_SHARES))]
    depth = h * rng.uniform(low, high)
    # the angle between diaphragm and ribs, where the first fluid lies
    angle = dome_y(body, side) + 0.030 * h
    climb = min(0.8 * depth, 0.030 * h) * rng.uniform(0.8, 1.2)
    from_wall = np.clip(inner - side * x, 0, None)
    from_middle = np.clip(side * x - 0.18 * inner, 0, None)
    surface = angle - 0.75 * depth - climb * np.exp(-from_wall / (0.16 * inner))
    surface = surface - 0.35 * climb * np.exp(-from_middle / (0.12 * inner))
    # it wraps the lung: thin at its upper edge, all of the ray further down
    under = np.clip((y - surface) / (0.28 * depth + 0.005 * h), 0, 1)
    share = under * under * (3 - 2 * under)
    return np.asarray(share * np.clip(side * x / (0.12 * inner), 0, 1), dtype=np.float32)


def _veil(
    body: Body, side: int, x: FloatArray, y: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the share of lung that fluid takes behind it, with a band along the side."""
    inner = cage_half_width(body)
    apex, floor = body.top("T1"), dome_y(body, side)
    down = np.clip((y - apex) / (floor - apex), 0, 1.2)
    behind = rng.uniform(0.14, 0.30) * (0.45 + 0.55 * down)
    band = 0.6 * np.exp(-np.clip(inner - side * x, 0, None) / (0.05 * inner)) * down
    share = behind + band + np.clip(down - 1.0, 0, 0.2) * 3
    return np.asarray(share * np.clip(side * x / (0.12 * inner), 0, 1), dtype=np.float32)
