"""Spinal rods with pedicle screws, as scoliosis is operated on."""

from __future__ import annotations

import numpy as np

from screener.phantom.anatomy import LEVELS, Body, Vertebra
from screener.phantom.beam import DoubleArray
from screener.phantom.clouds import Cloud, joined, smooth_path, tube
from screener.phantom.spine import rotation

#: g of hydroxyapatite that attenuate like a cm3 of titanium (see `confounders`).
_TITANIUM = 4.51 * 1.9
#: Radii in cm in a child of 160 cm: rod, screw, head; and the length of a head.
_ROD, _SCREW, _HEAD, _HEAD_LENGTH = 0.275, 0.25, 0.50, 1.0
_PITCH_CM = 0.28
#: Of a body's width and depth: the pedicle's place, and how far behind the middle a head lies.
_PEDICLE, _BEHIND = 0.36, 1.15


def rods(body: Body, rng: np.random.Generator) -> Cloud:
    """Return two rods behind the spine, held by pedicle screws, as mass of hydroxyapatite."""
    first = int(rng.integers(LEVELS.index("T2"), LEVELS.index("T6")))
    last = int(rng.integers(LEVELS.index("T12"), LEVELS.index("L4") + 1))
    held = body.vertebrae[first : last + 1]
    size = float(np.interp(body.height, [100, 160], [0.78, 1.0]))
    clouds = []
    for side in (-1, 1):
        heads = np.array([_seen(v, (side * (_PEDICLE + 0.05), -0.06, -_BEHIND)) for v in held])
        course = _even(heads)
        clouds.append(_bar(_beyond(course, rng.uniform(0.5, 1.0, 2) * size), _ROD * size))
        for i, v in enumerate(held):
            end = i in {0, 1, len(held) - 2, len(held) - 1}
            if not end and rng.random() < 0.45:
                continue
            clouds.append(_screw(v, side, course[i], size))
    for share in (0.3, 0.72) if len(held) > 9 else (0.5,):
        v = held[int(share * len(held))]
        pair = [_seen(v, (s * (_PEDICLE + 0.05), 0.32, -_BEHIND - 0.08)) for s in (-1, 1)]
        clouds.append(_bar(np.linspace(pair[0], pair[1], 12), 0.17 * size))
    return joined(clouds)


def _screw(vertebra: Vertebra, side: int, head: DoubleArray, size: float) -> Cloud:
    middle = _seen(vertebra, (side * _PEDICLE, -0.14, -0.50))
    tip = _seen(vertebra, (side * 0.17, -0.08, 0.24))
    path = np.concatenate([np.linspace(head, middle, 30), np.linspace(middle, tip, 50)[1:]])
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    thread = _SCREW * size * (0.90 + 0.14 * np.sin(2 * np.pi * far / (_PITCH_CM * size)))
    shaft = _bar(path, thread * np.interp(far, [0, far[-1] - 0.5, far[-1]], [1.0, 1.0, 0.5]))
    down = np.array([0.0, _HEAD_LENGTH * size / 2, 0.0])
    saddle = _bar(np.linspace(head - down, head + down, 10), _HEAD * size, _TITANIUM * 0.55)
    return joined([shaft, saddle])


def _seen(vertebra: Vertebra, place: tuple[float, float, float]) -> DoubleArray:
    """Return a place given in a vertebra's width, height and depth, in patient coordinates."""
    local = np.array(place) * [vertebra.width, vertebra.height, vertebra.depth]
    turned = rotation(vertebra.roll, vertebra.nod, vertebra.turn).astype(np.float64) @ local
    return np.asarray(turned + vertebra.centre)


def _even(course: DoubleArray) -> DoubleArray:
    """Return a course without its kinks: a rod is bent in one sweep."""
    out = course.copy()
    for _ in range(3):
        out[1:-1] = 0.25 * out[:-2] + 0.5 * out[1:-1] + 0.25 * out[2:]
    return out


def _beyond(course: DoubleArray, ends_cm: DoubleArray) -> DoubleArray:
    """Return a smooth path that reaches some way beyond both ends of a course."""
    path = smooth_path(list(course))
    start, end = path[0] - path[4], path[-1] - path[-5]
    return np.concatenate(
        [
            [path[0] + start / np.linalg.norm(start) * ends_cm[0]],
            path,
            [path[-1] + end / np.linalg.norm(end) * ends_cm[1]],
        ]
    )


def _bar(path: DoubleArray, radius: float | DoubleArray, density: float = _TITANIUM) -> Cloud:
    return tube(
        path, across=radius, along=radius, wall=np.asarray(radius) * 0.25, wall_density=density,
        core_density=density, reference=(0.31, 0.12, 0.94), step=0.015, around=18, core=30,
    )  # fmt: skip
