"""The bones of the spine, with a lumbar density that is exact by construction."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from screener.phantom.anatomy import DXA_HEIGHT_SHARE, DXA_WIDTH_SHARE, LUMBAR, Body, Vertebra
from screener.phantom.beam import DoubleArray, FloatArray
from screener.phantom.clouds import Cloud, disc_points, ellipsoid, joined, tube

#: Share of a vertebra's mineral by part; the arch and its processes hold 30-45 % (domain.md 5.4).
_SHARES = {
    "wall": 0.19,
    "endplates": 0.15,
    "spongiosa": 0.30,
    "pedicles": 0.11,
    "laminae": 0.07,
    "joints": 0.08,
    "transverse": 0.03,
    "spinous": 0.07,
}
#: How much more of the spongiosa than of the cortex goes with each unit of Z.
_SPONGIOSA_PER_Z = 0.06


def spine_bones(body: Body) -> Cloud:
    """Return the whole spine, its mineral scaled to the child's true aBMD.

    Notes
    -----
    The mean over the DXA area of L1-L4, lying straight and seen from the front along parallel
    rays, equals the label; how the child stood for the film changes the picture, not the label.
    """
    share = math.exp(_SPONGIOSA_PER_Z * body.child.z)
    unit = {vertebra.name: _unit_vertebra(vertebra, share) for vertebra in body.vertebrae}
    scale = body.child.abmd_g_cm2 / _mean_areal_density(body, unit)
    return joined(_posed(unit[v.name].scaled(scale), v) for v in body.vertebrae)


def lumbar_at_dxa(body: Body) -> Cloud:
    """Return L1 to L4 as DXA sees them: straight, and turned to the detector."""
    share = math.exp(_SPONGIOSA_PER_Z * body.child.z)
    unit = {name: _unit_vertebra(body.level(name), share) for name in LUMBAR}
    scale = body.child.abmd_g_cm2 / _mean_areal_density(body, unit)
    return joined(_lying(unit[name].scaled(scale), body.level(name)) for name in LUMBAR)


def dxa_boxes(body: Body) -> DoubleArray:
    """Return the area that DXA analyses: left, right, upper and lower edge in cm, L1 to L4."""
    return np.array(
        [
            [
                -DXA_WIDTH_SHARE * v.width / 2,
                DXA_WIDTH_SHARE * v.width / 2,
                v.centre[1] - DXA_HEIGHT_SHARE * v.pitch / 2,
                v.centre[1] + DXA_HEIGHT_SHARE * v.pitch / 2,
            ]
            for v in (body.level(name) for name in LUMBAR)
        ]
    )


def _mean_areal_density(body: Body, unit: dict[str, Cloud]) -> float:
    boxes = dxa_boxes(body)
    lying = joined(_lying(unit[name], body.level(name)) for name in LUMBAR)
    x, y = lying.xyz[:, 0].astype(np.float64), lying.xyz[:, 1].astype(np.float64)
    mass = sum(
        float(lying.mass[(x >= left) & (x < right) & (y >= top) & (y < bottom)].sum(dtype=float))
        for left, right, top, bottom in boxes
    )
    area = float(((boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])).sum())
    return mass / area


def _unit_vertebra(vertebra: Vertebra, spongiosa: float) -> Cloud:
    """Return a vertebra about its own centre, with a mean areal density of about its factor."""
    shape, parts = _template(vertebra.name[0] == "L")
    size = np.array([vertebra.width, vertebra.height, vertebra.depth], dtype=np.float32)
    weight = np.where(parts == list(_SHARES).index("spongiosa"), spongiosa, 1.0)
    mass = shape.mass * weight.astype(np.float32)
    mass *= vertebra.density_factor * vertebra.dxa_area_cm2 / mass.sum(dtype=np.float64)
    return Cloud(xyz=shape.xyz * size, mass=mass.astype(np.float32))


def _lying(cloud: Cloud, vertebra: Vertebra) -> Cloud:
    up = np.array([0, vertebra.centre[1], 0], dtype=np.float32)
    return Cloud(xyz=cloud.xyz + up, mass=cloud.mass)


def _posed(cloud: Cloud, vertebra: Vertebra) -> Cloud:
    return Cloud(
        xyz=cloud.xyz @ rotation(vertebra.roll, vertebra.nod, vertebra.turn).T
        + np.array(vertebra.centre, dtype=np.float32),
        mass=cloud.mass,
    )


def rotation(roll: float, nod: float, turn: float) -> FloatArray:
    """Return the rotation about z by `roll`, after x by `nod`, after y by `turn`; radians."""
    cr, sr = math.cos(roll), math.sin(roll)
    cn, sn = math.cos(nod), math.sin(nod)
    ct, st = math.cos(turn), math.sin(turn)
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cn, -sn], [0, sn, cn]])
    about_y = np.array([[ct, 0, st], [0, 1, 0], [-st, 0, ct]])
    return np.asarray(about_z @ about_x @ about_y, dtype=np.float32)


@lru_cache(maxsize=2)
def _template(lumbar: bool) -> tuple[Cloud, np.ndarray]:
    """Return a vertebra of unit width, height and depth, mass 1, and each point's part."""
    builders = {
        "wall": _wall(),
        "endplates": _endplates(),
        "spongiosa": _spongiosa(),
        "pedicles": _pedicles(lumbar),
        "laminae": _laminae(),
        "joints": _joints(),
        "transverse": _transverse(lumbar),
        "spinous": _spinous(lumbar),
    }
    clouds = [cloud.scaled(_SHARES[part] / cloud.total) for part, cloud in builders.items()]
    parts = np.concatenate([np.full(len(cloud.mass), i) for i, cloud in enumerate(clouds)])
    return joined(clouds), parts


def _outline(angle: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return x and z of the body's kidney-shaped section, half-axes 0.5."""
    x = 0.5 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8
    z = 0.5 * np.sin(angle)
    hollow = 0.12 * np.exp(-((x / 0.2) ** 2))
    return x, np.where(z < 0, z * (1 - hollow), z)


def _waist(y: DoubleArray) -> DoubleArray:
    """Return how wide the body is at a height of -0.5 to 0.5, over its plates' width."""
    return np.asarray(1 - 0.12 * (1 - (2 * np.abs(y)) ** 1.7))


def _wall() -> Cloud:
    rows, columns = 48, 150
    y = (np.arange(rows) + 0.5) / rows - 0.5
    start = (np.arange(rows) * 0.618034) % 1
    angle = 2 * math.pi * (np.arange(columns) + start[:, None]) / columns
    x, z = _outline(angle)
    narrow = _waist(y)[:, None]
    xyz = np.stack([x * narrow, np.broadcast_to(y[:, None], x.shape), z * narrow], axis=-1)
    # equal angles lie closer where the outline bends less; each point stands for its arc
    fine_x, fine_z = _outline(angle + 0.01)
    arc = np.hypot(fine_x - x, fine_z - z)
    return _cloud(xyz, arc)


def _endplates() -> Cloud:
    seeds = disc_points(2600)
    radius = np.hypot(seeds[:, 0], seeds[:, 1])
    x, z = _outline(np.arctan2(seeds[:, 1], seeds[:, 0]))
    bowl = 0.5 - 0.07 * np.clip(1 - (radius / 0.85) ** 2, 0, None)
    # the ring where the apophysis fuses is denser than the plate within it
    mass = 1 + 1.2 * (radius > 0.86)
    sides = [np.stack([x * radius, side * bowl, z * radius], axis=-1) for side in (-1.0, 1.0)]
    return _cloud(np.concatenate(sides), np.concatenate([mass, mass]))


def _spongiosa() -> Cloud:
    rng = np.random.default_rng(20260407)
    count = 9000
    seeds = disc_points(count)
    radius = np.hypot(seeds[:, 0], seeds[:, 1])
    x, z = _outline(np.arctan2(seeds[:, 1], seeds[:, 0]))
    # another ratio than the sunflower's own, or the points would lie on a screw
    y = np.asarray((np.arange(count) * 0.7548777) % 1 - 0.5, dtype=np.float64)
    narrow = _waist(y) * 0.98
    # upright trabeculae: mass differs from column to column more than along one
    mass = np.exp(0.35 * np.interp(seeds[:, 0], np.linspace(-1, 1, 60), rng.standard_normal(60)))
    mass *= np.exp(0.5 * rng.standard_normal(count))
    return _cloud(np.stack([x * radius * narrow, y, z * radius * narrow], axis=-1), mass)


def _pedicles(lumbar: bool) -> Cloud:
    place, top = (0.36, -0.16) if lumbar else (0.335, -0.16)
    path = np.array([[place, top, -0.38], [place, top, -0.60], [place * 0.97, top, -0.82]])
    return _both_sides(
        tube(
            path, across=0.085, along=0.25, wall=0.035, wall_density=1.0, core_density=0.12,
            step=0.008, around=40, core=8,
        )
    )  # fmt: skip


def _laminae() -> Cloud:
    path = np.array([[0.35, -0.06, -0.86], [0.20, 0.20, -0.97], [0.04, 0.34, -1.06]])
    return _both_sides(
        tube(
            path, across=0.07, along=np.array([0.20, 0.30, 0.24]), wall=0.03, wall_density=0.3,
            core_density=1.0, step=0.008, around=20, core=40,
        )
    )  # fmt: skip


def _joints() -> Cloud:
    upper = ellipsoid((0.41, -0.50, -0.80), (0.085, 0.24, 0.10), density=1.0, count=700)
    lower = ellipsoid((0.31, 0.58, -0.95), (0.075, 0.26, 0.09), density=1.0, count=700)
    return _both_sides(joined([upper, lower]))


def _transverse(lumbar: bool) -> Cloud:
    if lumbar:
        path = np.array([[0.42, -0.12, -0.75], [0.70, -0.16, -0.80], [0.96, -0.22, -0.84]])
        width = np.array([0.16, 0.11, 0.06])
    else:
        path = np.array([[0.36, -0.18, -0.85], [0.60, -0.26, -1.05], [0.86, -0.34, -1.25]])
        width = np.array([0.15, 0.14, 0.17])
    return _both_sides(
        tube(
            path, across=0.09, along=width, wall=0.02, wall_density=1.0, core_density=0.15,
            step=0.012, around=14, core=6,
        )
    )  # fmt: skip


def _spinous(lumbar: bool) -> Cloud:
    if lumbar:
        path = np.array([[0, 0.30, -1.0], [0, 0.42, -1.4], [0, 0.50, -1.85]])
        width = np.array([0.06, 0.045, 0.075])
        length = np.array([0.26, 0.30, 0.30])
    else:
        path = np.array([[0, 0.25, -1.0], [0, 0.70, -1.45], [0, 1.15, -1.9]])
        width = np.array([0.06, 0.05, 0.07])
        length = np.array([0.22, 0.20, 0.14])
    return tube(
        path, across=width, along=length, wall=0.02, wall_density=1.0, core_density=0.10,
        step=0.012, around=30, core=6,
    )  # fmt: skip


def _both_sides(cloud: Cloud) -> Cloud:
    return joined([cloud, cloud.mirrored()])


def _cloud(xyz: DoubleArray, mass: DoubleArray) -> Cloud:
    return Cloud(xyz=xyz.reshape(-1, 3).astype(np.float32), mass=np.ravel(mass).astype(np.float32))
