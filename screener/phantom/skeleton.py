"""The other bones of the chest: ribs, collar bones, shoulder blades, upper arms."""

from __future__ import annotations

import math

import numpy as np

from screener.domain.patient import Sex
from screener.phantom.anatomy import Body
from screener.phantom.beam import DoubleArray
from screener.phantom.clouds import Cloud, ellipsoid, joined, plate, tube
from screener.phantom.cohort import stream

#: Half-width of the rib cage at each rib, over the widest; how far round the bony rib reaches from
#: the middle of the back, degrees; its slope over that of the middle ribs.
_REACH = (0.44, 0.65, 0.79, 0.88, 0.94, 0.975, 1.0, 1.0, 0.975, 0.93, 0.86, 0.72)
_END_DEG = (152, 150, 147, 145, 143, 140, 135, 125, 116, 106, 74, 44)
_SLOPE = (1.35, 1.15, 1.0, 0.95, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3)

#: g of mineral per cm3 of cortex, and of spongiosa in flat and long bones.
_CORTEX = 1.02
_SPONGIOSA = 0.14


def other_bones(body: Body, *, mineral_seed: int, arm_deg: float) -> Cloud:
    """Return every bone in the film but the spine.

    Parameters
    ----------
    body
        The child's build.
    mineral_seed
        Draws how far these bones' mineral departs from what the spine's Z lets expect.
    arm_deg
        How far the upper arms stand off the trunk; about 30 at rest on the hips.

    Notes
    -----
    Mineral follows ``exp(0.6 * 0.13 * Z + e)``: correlated with the spine, not identical with it.
    Source: domain.md 5.4.
    """
    rng = stream(mineral_seed, "mineral", "others")
    z = body.child.z
    parts = [
        (_ribs(body), 0.06),
        (_collar_bones(body), 0.05),
        (_shoulder_blades(body), 0.06),
        (_upper_arms(body, arm_deg), 0.05),
    ]
    own = 0.05 * rng.standard_normal()
    return joined(
        cloud.scaled(math.exp(0.6 * 0.13 * z + own + spread * rng.standard_normal()))
        for cloud, spread in parts
    )


def cage_half_width(body: Body) -> float:
    """Return half the width of the rib cage in cm, to the ribs' outer edges."""
    return body.half_width - body.wall


def rib_course(body: Body, number: int) -> tuple[float, float, float, float]:
    """Return a rib's half-width, half-depth, upper y and drop from back to front, in cm."""
    vertebra = body.level(f"T{number}")
    half_width = cage_half_width(body) * _REACH[number - 1]
    grow = 0.45 + 0.55 * min(1.0, (number - 1) / 6)
    half_depth = (body.half_depth - 0.8) * grow
    slope = body.rib_slope * _SLOPE[number - 1]
    drop = 2 * half_width * math.tan(slope)
    return half_width, half_depth, vertebra.centre[1] - 0.35 * vertebra.height, drop


def cage_centre(body: Body, number: int) -> float:
    """Return the depth z of a rib ring's centre: the upper rings lie further back."""
    return body.half_depth * (0.74 + 0.24 * min(1.0, (number - 1) / 6))


def rib_width(body: Body) -> float:
    """Return how tall a rib is in cm: 5 mm at 3 years, 8.5 at 10, 12 at 17 (domain.md 5.4)."""
    return float(np.interp(body.child.age_years, [3, 10, 17], [0.50, 0.85, 1.15]))


def _ribs(body: Body) -> Cloud:
    rng = stream(body.child.seed, "anatomy", "ribs")
    width = rib_width(body)
    cortex = float(np.interp(body.child.age_years, [3, 10, 17], [0.042, 0.060, 0.082]))
    clouds = []
    for number in range(1, 13):
        half_width, half_depth, top, drop = rib_course(body, number)
        vertebra = body.level(f"T{number}")
        start = math.asin(min(0.5 * vertebra.width / half_width, 0.7))
        for side in (-1, 1):
            end = math.radians(_END_DEG[number - 1] + 4 * rng.standard_normal())
            theta = np.linspace(start, end, 40)
            lift = 0.05 * width * rng.standard_normal(2)
            fall = (1 - np.cos(theta)) / 2
            path = np.stack(
                [
                    side * half_width * np.sin(theta)
                    + vertebra.centre[0] * np.cos(np.minimum(theta, math.pi / 2)) ** 2,
                    # a rib rises over its transverse process before it falls to the side
                    top - 0.25 * width * np.sin(3 * theta) + drop * fall + lift[0] + lift[1] * fall,
                    cage_centre(body, number) - half_depth * np.cos(theta),
                ],
                axis=1,
            )
            broad = width / 2 * np.interp(theta, [0, 0.5, 2.2, 2.7], [0.72, 0.86, 1.0, 1.15])
            if number in (1, 12):
                broad = broad * (1.1 if number == 1 else 0.7)
            clouds.append(
                tube(
                    path, across=broad * 0.60, along=broad, wall=cortex, wall_density=_CORTEX,
                    core_density=_SPONGIOSA, step=0.04, around=18, core=6,
                )
            )  # fmt: skip
    return joined(clouds)


def _collar_bones(body: Body) -> Cloud:
    h = body.height
    thick = float(np.interp(body.child.age_years, [3, 17], [0.34, 0.56]))
    rng = stream(body.child.seed, "anatomy", "collar bones")
    rise = 0.008 * h * rng.standard_normal() * 0.5
    at = np.linspace(0, 1, 30)
    front = 1.62 * body.half_depth
    y0 = body.level("T3").centre[1] + 0.004 * h
    path = np.stack(
        [
            0.013 * h + (body.shoulder - 0.022 * h) * at,
            y0 - (0.010 * h + rise) * at + 0.006 * h * np.sin(2 * math.pi * at) - 0.004 * h * at**2,
            front - at * (front - 0.80 * body.half_depth) + 0.012 * h * np.sin(2 * math.pi * at),
        ],
        axis=1,
    )
    radius = thick * np.interp(at, [0, 0.12, 0.5, 0.85, 1], [1.35, 1.0, 0.82, 0.95, 1.1])
    bone = tube(
        path, across=radius, along=radius, wall=thick * 0.24, wall_density=_CORTEX,
        core_density=0.14, around=22, core=8,
    )  # fmt: skip
    return joined([bone, bone.mirrored()])


def _shoulder_blades(body: Body) -> Cloud:
    h, back = body.height, 0.35 * body.half_depth
    rng = stream(body.child.seed, "anatomy", "shoulder blades")
    swing = 0.006 * h * rng.standard_normal()
    x = body.shoulder
    glenoid = np.array([x - 0.022 * h, 0.043 * h, 0.75 * body.half_depth])
    upper = np.array([x - 0.050 * h + swing, 0.020 * h, back])
    inner = np.array([x - 0.058 * h + swing, 0.048 * h, back])
    tip = np.array([x - 0.040 * h + 1.6 * swing, 0.118 * h, back])
    root = np.array([x - 0.054 * h + swing, 0.042 * h, back])
    acromion = np.array([x + 0.002 * h, 0.020 * h, 0.75 * body.half_depth])
    coracoid = np.array([x - 0.024 * h, 0.034 * h, 1.0 * body.half_depth])
    edge = 0.0035 * h
    blade = [
        plate(np.array([glenoid, upper, inner]), areal_density=0.055, count=9000),
        plate(np.array([glenoid, inner, tip]), areal_density=0.05, count=14000),
    ]

    def rim(points: list[DoubleArray], radius: float, wall: float) -> Cloud:
        return tube(
            np.array(points), across=radius, along=radius, wall=wall, wall_density=_CORTEX,
            core_density=0.10, reference=(0.2, 0.3, 1.0), step=0.03, around=18, core=10,
        )  # fmt: skip

    parts = [
        *blade,
        rim([glenoid + np.array([-0.004 * h, 0.008 * h, 0]), (glenoid + tip) / 2, tip], edge, 0.05),
        rim([upper, inner, tip], edge * 0.6, 0.03),
        rim([upper, glenoid], edge * 0.6, 0.04),
        rim([root, (root + acromion) / 2 + np.array([0, -0.006 * h, 0]), acromion], edge, 0.05),
        ellipsoid(acromion, (0.012 * h, 0.006 * h, 0.012 * h), density=0.22, count=6000),
        ellipsoid(coracoid, (0.007 * h, 0.006 * h, 0.013 * h), density=0.22, count=4000),
        ellipsoid(glenoid, (0.006 * h, 0.014 * h, 0.010 * h), density=0.22, count=6000),
    ]
    return joined([part for bone in parts for part in (bone, bone.mirrored())])


def _upper_arms(body: Body, arm_deg: float) -> Cloud:
    h, age = body.height, body.child.age_years
    closed = 17.0 if body.child.sex is Sex.MALE else 15.5
    out, down = math.sin(math.radians(arm_deg)), math.cos(math.radians(arm_deg))
    head = np.array([body.shoulder + 0.004 * h, 0.044 * h, 0.78 * body.half_depth])
    axis = np.array([out, down, 0.0])
    radius = 0.0135 * h
    gap = 0.0 if age >= closed else float(np.interp(age, [3, closed], [0.30, 0.10]))
    start = head + axis * 0.55 * radius
    at = np.linspace(0, 1, 24)
    path = start + axis * gap + at[:, None] * axis * 0.165 * h
    wide = radius * np.interp(at, [0, 0.06, 0.2, 1], [0.94, 0.80, 0.56, 0.50])
    wall = 0.0017 * h * np.interp(at, [0, 0.06, 0.25, 1], [0.4, 0.5, 0.8, 1.0])
    shaft = tube(
        path, across=wide, along=wide, wall=wall, wall_density=_CORTEX, core_density=0.12,
        reference=(0.0, 0.0, 1.0), around=60, core=40,
    )  # fmt: skip
    cap = ellipsoid(
        (0, 0, 0), (radius, radius, radius), density=0.19, count=7000,
        wall_share=0.45,
    )  # fmt: skip
    # the epiphysis is the part of the head above its plate
    above = cap.xyz @ axis.astype(np.float32) < 0.5 * radius
    epiphysis = Cloud(xyz=cap.xyz[above] + np.float32(head), mass=cap.mass[above])
    arm = joined([shaft, epiphysis])
    return joined([arm, arm.mirrored()])
