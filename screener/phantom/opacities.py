"""Pneumonia and pleural effusion: soft tissue where a lung should be."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3, FloatArray
from screener.phantom.cohort import stream
from screener.phantom.lungs import dome_y
from screener.phantom.projection import Geometry, Grid
from screener.phantom.skeleton import cage_half_width
from screener.phantom.thorax import Trunk

#: Share of films with an opacity (domain.md 5.5), and of those with an effusion.
_SHARE, _EFFUSIONS = 0.10, 0.4


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
    tissue: Trunk, opacity: Opacity, body: Body, geometry: Geometry, grid: Grid
) -> Trunk:
    """Return the trunk with soft tissue in the place of some of its lung."""
    x, y = geometry.patient_plane(grid, body.half_depth)
    rng = stream(opacity.seed, "opacity")
    fill = _effusion if opacity.kind == "effusion" else _pneumonia
    share = np.clip(fill(body, opacity.side, x, y, rng), 0.0, 0.97).astype(np.float32)
    # the pleura ends softly, and so does inflamed lung
    soft = cv2.GaussianBlur(share, (0, 0), max(0.25 / grid.pixel, 0.5))
    lost = tissue.lung_cm * np.asarray(soft, dtype=np.float32)
    return Trunk(
        soft_g_cm2=tissue.soft_g_cm2 + np.float32(SOFT_G_CM3 - LUNG_G_CM3) * lost,
        lung_cm=tissue.lung_cm - lost,
    )


def _pneumonia(
    body: Body, side: int, x: FloatArray, y: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the share of lung that is consolidated: patches about one place of a lobe."""
    inner = cage_half_width(body)
    top, floor = body.top("T3"), dome_y(body, side)
    at_x = side * inner * rng.uniform(0.35, 0.75)
    at_y = top + (floor - top) * rng.uniform(0.35, 0.9)
    size = inner * rng.uniform(0.22, 0.42)
    share = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for _ in range(int(rng.integers(5, 10))):
        dx, dy = rng.normal(0, 0.45 * size, 2)
        radius = size * rng.uniform(0.35, 0.8)
        away = ((x - at_x - dx) ** 2 + (y - at_y - dy) ** 2) / radius**2
        share += rng.uniform(0.25, 0.5) * np.exp(-away).astype(np.float32)
    here = np.clip(side * x / (0.15 * inner), 0, 1)
    return np.asarray(np.minimum(share, 0.75) * here)


def _effusion(
    body: Body, side: int, x: FloatArray, y: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the share of lung that fluid takes: it rises along the side, as a meniscus does."""
    inner = cage_half_width(body)
    depth = body.height * rng.uniform(0.012, 0.05)
    off = np.clip(side * x / inner, 0, 1.1)
    level = dome_y(body, side) + 0.018 * body.height - depth * (0.35 + 1.5 * off**3)
    share = np.clip((y - level) / (0.5 * depth) + 0.3, 0, 1)
    return np.asarray(share * np.clip(side * x / (0.12 * inner), 0, 1), dtype=np.float32)
