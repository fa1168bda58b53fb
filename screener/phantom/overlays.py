"""What lies over the spine or at the field's edge: rods, contrast medium, a brace, a lead shield.

Written as the hydroxyapatite that attenuates alike, as in `confounders`.
"""

from __future__ import annotations

import math

import numpy as np

from screener.phantom.anatomy import LEVELS, Body
from screener.phantom.beam import DoubleArray
from screener.phantom.clouds import Cloud, joined, plate, smooth_path, tube
from screener.phantom.cohort import stream
from screener.phantom.lungs import dome_y
from screener.phantom.skeleton import cage_half_width

#: g of hydroxyapatite that attenuate like a cm3 near 50 keV (see `confounders`).
_TITANIUM = 4.51 * 1.9
_STEEL = 7.9 * 3.3
#: Barium suspension, and iodine in urine: both far above bone.
_BARIUM, _URINE = 1.9, 0.45
#: Half a millimetre of lead lets nothing through.
_LEAD_G_CM2 = 5.0
#: A plastic shell of 5 mm, and plaster of 8 mm: g of hydroxyapatite per cm2.
_PLASTIC_G_CM2, _PLASTER_G_CM2 = 0.045, 0.30


def rods(body: Body, rng: np.random.Generator) -> Cloud:
    """Return two rods behind the spine, held by pedicle screws."""
    first = int(rng.integers(LEVELS.index("T2"), LEVELS.index("T6")))
    last = int(rng.integers(LEVELS.index("T12"), LEVELS.index("L4") + 1))
    held = body.vertebrae[first : last + 1]
    clouds = []
    for side in (-1, 1):
        path = [
            (v.centre[0] + side * 0.42 * v.width, v.centre[1], v.centre[2] - 1.25 * v.depth)
            for v in held
        ]
        clouds.append(_bar(path, 0.27, _TITANIUM))
        for i, v in enumerate(held):
            if i not in {0, 1, len(held) - 2, len(held) - 1} and rng.random() < 0.45:
                continue
            x, y, z = v.centre
            screw = [
                (x + side * 0.42 * v.width, y - 0.1 * v.height, z - 1.2 * v.depth),
                (x + side * 0.33 * v.width, y - 0.1 * v.height, z - 0.5 * v.depth),
                (x + side * 0.18 * v.width, y - 0.05 * v.height, z + 0.25 * v.depth),
            ]
            clouds.append(_bar(screw, 0.24, _TITANIUM))
    middle = held[len(held) // 2]
    x, y, z = middle.centre
    link = [(x + s * 0.42 * middle.width, y, z - 1.3 * middle.depth) for s in (-1, 0, 1)]
    clouds.append(_bar(link, 0.18, _TITANIUM))
    return joined(clouds)


def contrast(body: Body, rng: np.random.Generator) -> Cloud:
    """Return barium in stomach and small bowel, or iodine in both kidneys' pelves."""
    return _barium(body, rng) if rng.random() < 0.6 else _pelves(body, rng)


def _barium(body: Body, rng: np.random.Generator) -> Cloud:
    h, inner = body.height, cage_half_width(body)
    under, depth = dome_y(body, 1), 1.05 * body.half_depth
    # the body of the stomach, its antrum across the spine, and loops of bowel below
    stomach = [
        (0.40 * inner, under + 0.018 * h),
        (0.46 * inner, under + 0.045 * h),
        (0.36 * inner, under + 0.085 * h),
        (0.12 * inner, under + 0.105 * h),
        (-0.14 * inner, under + 0.090 * h),
    ]
    below = body.top("L2")
    loops = [
        (-0.24 * inner, below + 0.005 * h),
        (-0.28 * inner, below + 0.050 * h),
        (0.02 * inner, below + 0.058 * h),
        (0.26 * inner, below + 0.045 * h),
        (0.30 * inner, below + 0.085 * h),
        (0.00 * inner, below + 0.100 * h),
        (-0.28 * inner, below + 0.120 * h),
    ]

    def drawn(points: list[tuple[float, float]], radius: list[float], density: float) -> Cloud:
        shift = h * rng.normal(0, 0.004, (len(points), 2))
        path = [(x + dx, y + dy, depth) for (x, y), (dx, dy) in zip(points, shift, strict=True)]
        knots = np.linspace(0, 1, 16 * (len(path) - 1))
        wide = np.interp(knots, np.linspace(0, 1, len(radius)), radius)
        return tube(
            smooth_path(path), across=wide * h, along=wide * h, wall=0.05, wall_density=density,
            core_density=density, reference=(0.0, 0.0, 1.0), step=0.02, around=60, core=260,
        )  # fmt: skip

    filled = drawn(
        stomach, [0.004, 0.022, 0.027, 0.024, 0.019, 0.015, 0.011, 0.005], 0.30 * _BARIUM
    )
    bowel = drawn(loops, [0.007, 0.009, 0.007, 0.009, 0.008], 0.45 * _BARIUM)
    return joined([filled, bowel])


def _pelves(body: Body, rng: np.random.Generator) -> Cloud:
    clouds = []
    for side in (-1, 1):
        v = body.level("L1" if side > 0 else "L2")
        w, z = v.width, 0.55 * body.half_depth
        x, y = v.centre[0] + side * 1.25 * w, v.centre[1]
        for lift in (-0.75, 0.0, 0.75):
            calyx = [(x, y, z), (x + side * 0.35 * w, y + 0.5 * lift * w, z),
                     (x + side * 0.65 * w, y + lift * w, z)]  # fmt: skip
            clouds.append(_bar(calyx, 0.10 * w, _URINE * 2))
        end = body.level("L5").centre
        ureter = [(x, y, z), (x - side * 0.45 * w, y + 0.6 * w, z), (v.centre[0] + side * 0.78 * w,
                  y + 2 * w, z), (end[0] + side * 0.75 * w, end[1], z)]  # fmt: skip
        clouds.append(_bar(ureter, 0.07 * w * rng.uniform(0.8, 1.3), _URINE * 2))
    return joined(clouds)


def brace(body: Body, rng: np.random.Generator) -> Cloud:
    """Return a shell about the trunk from under the arms down: plastic with buckles, or plaster."""
    plaster = rng.random() < 0.4
    density = _PLASTER_G_CM2 if plaster else _PLASTIC_G_CM2
    top = body.level(str(rng.choice(["T6", "T7", "T8"]))).centre[1]
    bottom = body.level("L5").centre[1] + 0.12 * body.height
    wide, deep = body.half_width + 0.4, body.half_depth + 0.4
    rows = int((bottom - top) / 0.05)
    around = 1200
    # scattered, or rows and columns of points would beat against those of the film
    y = top + (np.arange(rows)[:, None] + rng.random((rows, around))) * (bottom - top) / rows
    angle = 2 * math.pi * (np.arange(around) + rng.random((rows, around))) / around
    # the opening behind of a plastic brace
    gap = 0.0 if plaster else rng.uniform(0.10, 0.22)
    keep = np.abs(angle - 1.5 * math.pi) > gap
    edge = top + 0.012 * body.height * np.cos(2 * angle)
    keep &= y > edge
    x = wide * np.cos(angle)
    z = body.half_depth + deep * np.sin(angle)
    arc = np.hypot(wide * np.sin(angle), deep * np.cos(angle)) * 2 * math.pi / around
    mass = density * arc * (bottom - top) / rows
    if plaster:
        # bandages overlap
        layers = 1 + 0.25 * np.sin(y * 2.4 + 3 * np.cos(angle) + rng.uniform(0, 6))
        mass = mass * layers
    xyz = np.stack([x, y, z], axis=-1)[keep]
    shell = Cloud(xyz=xyz.astype(np.float32), mass=mass[keep].astype(np.float32))
    if plaster:
        return shell
    straps = []
    for share in (0.2, 0.5, 0.8):
        at = top + share * (bottom - top)
        behind = body.half_depth - deep
        strap = [(-2.6, at, behind), (0.0, at + 0.2, behind), (2.6, at, behind)]
        straps.append(_bar(strap, 0.16, 0.5))
        for side in (-1, 1):
            straps.append(_bar(_square(side * 2.4, at, behind, 0.8), 0.09, _STEEL * 0.5))
    heights = (top, (top + bottom) / 2, bottom)
    rims = [
        _bar([(s * gap * wide, v, body.half_depth - deep) for v in heights], 0.12, 0.5)
        for s in (-1, 1)
    ]
    return joined([shell, *straps, *rims])


def shield(body: Body, lower_cm: float, rng: np.random.Generator) -> Cloud | None:
    """Return a lead apron before the pelvis; None where the field ends above it.

    Parameters
    ----------
    lower_cm
        Where the field ends on the child, patient coordinates.
    """
    edge = body.top("L5") + body.height * rng.uniform(0.004, 0.02)
    if lower_cm <= edge:
        return None
    wide, deep = body.half_width * rng.uniform(0.55, 0.8), 0.30 * body.height
    front = 2.05 * body.half_depth
    corner = edge + 0.02 * body.height
    points = [(-wide, corner), (-0.5 * wide, edge), (0.5 * wide, edge), (wide, corner)]
    points += [(wide, edge + deep), (-wide, edge + deep)]
    corners = np.array([(x, y, front) for x, y in points])
    triangles = [corners[[0, i, i + 1]] for i in range(1, len(corners) - 1)]
    return joined(
        plate(triangle, areal_density=_LEAD_G_CM2, count=int(900 * _area(triangle)) + 10)
        for triangle in triangles
    )


def has_shield(child_seed: int, film_seed: int) -> bool:
    """Return whether the child wears a shield, in the field or below it."""
    return bool(stream(child_seed, "film", film_seed, "shield").random() < 0.05)


def has_rods(child_seed: int) -> bool:
    """Return whether the child has rods: one in a hundred, on every film."""
    return bool(stream(child_seed, "extras", "rods").random() < 0.01)


def _area(triangle: DoubleArray) -> float:
    a, b, c = triangle
    return 0.5 * float(np.linalg.norm(np.cross(b - a, c - a)))


def _square(x: float, y: float, z: float, side: float) -> list[tuple[float, float, float]]:
    h = side / 2
    corners = ((-h, -h), (h, -h), (h, h), (-h, h), (-h, -h))
    return [(x + dx, y + dy, z) for dx, dy in corners]


def _bar(
    points: list[tuple[float, float, float]], radius: float, density: float, step: float = 0.015
) -> Cloud:
    return tube(
        smooth_path(points), across=radius, along=radius, wall=radius * 0.25, wall_density=density,
        core_density=density, reference=(0.05, 0.1, 1.0), step=step, around=16, core=24,
    )  # fmt: skip
