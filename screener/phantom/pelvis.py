"""The pelvis, for films that reach down to it."""

from __future__ import annotations

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import DoubleArray
from screener.phantom.clouds import Cloud, ellipsoid, joined, plate, smooth_path, tube

_CORTEX = 1.02


def pelvis(body: Body) -> Cloud:
    """Return the pelvis and the upper ends of both thighs, plainly drawn."""
    h, z = body.height, 0.75 * body.half_depth
    low = body.level("L5").centre[1] + body.level("L5").pitch * 0.6
    across = 0.078 * h
    crest = smooth_path(
        [
            [0.020 * h, low + 0.022 * h, 0.5 * z],
            [0.035 * h, low - 0.008 * h, 0.7 * z],
            [0.80 * across, low - 0.010 * h, 1.0 * z],
            [across, low + 0.012 * h, 1.4 * z],
            [0.90 * across, low + 0.038 * h, 1.5 * z],
            [0.84 * across, low + 0.052 * h, 1.4 * z],
        ]
    )
    hip = np.array([0.74 * across, low + 0.062 * h, z])

    def bar(path: DoubleArray, radius: float) -> Cloud:
        return tube(
            path, across=radius, along=radius, wall=0.12, wall_density=_CORTEX, core_density=0.15,
            reference=(0.1, 0.2, 1.0), around=24, core=16,
        )  # fmt: skip

    thigh = np.array([0.014 * h, 0.030 * h, 0.0])
    ring = smooth_path(
        [hip, [0.45 * across, low + 0.062 * h, 1.6 * z], [0.06 * across, low + 0.078 * h, 1.7 * z]]
    )
    half = joined(
        [
            bar(crest, 0.004 * h),
            *(
                plate(np.array([hip, crest[i], crest[i + 16]]), areal_density=0.14, count=6000)
                for i in range(0, 64, 16)
            ),
            bar(smooth_path([crest[0], (0.6 * crest[0] + 0.4 * hip), hip]), 0.006 * h),
            bar(ring, 0.0055 * h),
            ellipsoid(hip, (0.016 * h, 0.016 * h, 0.016 * h), density=0.18, count=9000),
            bar(smooth_path([hip, hip + thigh, hip + 3.4 * thigh]),
                0.009 * h),
        ]
    )  # fmt: skip
    sacrum = np.array(
        [[-0.028 * h, low, 0.5 * z], [0.028 * h, low, 0.5 * z], [0.0, low + 0.062 * h, 0.3 * z]]
    )
    return joined([half, half.mirrored(), plate(sacrum, areal_density=0.30, count=20000)])
