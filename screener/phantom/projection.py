"""From the patient to the plane of the detector: rays, magnification, and drawing of clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.beam import FloatArray
from screener.phantom.clouds import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where pixels lie on the detector, in cm about the central ray.

    Parameters
    ----------
    left, top
        Outer edges of the first column and row.
    pixel
        Size of a pixel in cm.
    rows, columns
        Counts.
    """

    left: float
    top: float
    pixel: float
    rows: int
    columns: int

    @property
    def right(self) -> float:
        """The last column's outer edge."""
        return self.left + self.columns * self.pixel

    @property
    def bottom(self) -> float:
        """The last row's outer edge."""
        return self.top + self.rows * self.pixel

    def axes(self) -> tuple[FloatArray, FloatArray]:
        """Return the pixel centres: u ``[1, columns]`` and v ``[rows, 1]``, cm."""
        u = self.left + (np.arange(self.columns, dtype=np.float32) + 0.5) * self.pixel
        v = self.top + (np.arange(self.rows, dtype=np.float32) + 0.5) * self.pixel
        return u[None, :].astype(np.float32), v[:, None].astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How the patient stands between tube and detector.

    Parameters
    ----------
    sid_cm
        From the focus to the detector.
    axis_to_detector_cm
        From the patient's upright axis to the detector.
    facing
        +1 with the chest towards the detector (PA), -1 with the back (AP).
    axis_z
        The depth at which that axis lies: half of the trunk.
    centre
        Where the central ray meets the axis' plane: x, y in cm.
    turn, tilt, lean
        Radians: about the upright axis, in the plane of the film, and backwards (lordotic).
    narrowing
        Of a trunk that is turned so far that it is seen less broad: its width over that from the
        front. The soft tissue of smaller turns is only shifted.
    """

    sid_cm: float
    axis_to_detector_cm: float
    facing: int
    axis_z: float
    centre: tuple[float, float]
    turn: float = 0.0
    tilt: float = 0.0
    lean: float = 0.0
    narrowing: float = 1.0

    def magnification(self, z: float) -> float:
        """Return how much larger a plane of depth z appears on the detector."""
        return self.sid_cm / (
            self.sid_cm - self.axis_to_detector_cm + self.facing * (z - self.axis_z)
        )

    def project(self, xyz: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return where points meet the detector: u, v in cm, and their magnification."""
        ct, st = math.cos(self.turn), math.sin(self.turn)
        cl, sl = math.cos(self.lean), math.sin(self.lean)
        about_y = np.array([[ct, 0, st], [0, 1, 0], [-st, 0, ct]])
        about_x = np.array([[1, 0, 0], [0, cl, -sl], [0, sl, cl]])
        turned = (about_x @ about_y).astype(np.float32)
        origin = np.array([0, self.centre[1], self.axis_z], dtype=np.float32)
        x, y, z = turned @ xyz.T - (turned @ origin)[:, None]
        x -= np.float32(self.centre[0])
        near = np.float32(self.sid_cm - self.axis_to_detector_cm)
        m = np.float32(self.sid_cm) / (near + np.float32(self.facing) * z)
        x *= m
        y *= m
        cr, sr = np.float32(math.cos(self.tilt)), np.float32(math.sin(self.tilt))
        return cr * x - sr * y, sr * x + cr * y, m

    def patient_plane(self, grid: Grid, z: float) -> tuple[FloatArray, FloatArray]:
        """Return x and y in cm of every pixel's ray where it crosses the plane of depth z."""
        u, v = grid.axes()
        m = self.magnification(z)
        cr, sr = math.cos(self.tilt), math.sin(self.tilt)
        deep = z - self.axis_z
        x = (cr * u + sr * v) / m + self.centre[0] - math.sin(self.turn) * deep
        if self.narrowing != 1:
            x = x * np.float32(1 / self.narrowing)
        y = (cr * v - sr * u) / m + self.centre[1] + math.sin(self.lean) * deep
        return x.astype(np.float32), y.astype(np.float32)


def draw(cloud: Cloud, geometry: Geometry, grid: Grid) -> FloatArray:
    """Return the mass thickness of a cloud along each pixel's ray, g/cm2.

    Notes
    -----
    Points fall into cells of half a pixel, which are then averaged. A structure that appears m
    times larger on the detector has the same mass along each ray, so a point's mass there counts
    m squared.
    """
    u, v, m = geometry.project(cloud.xyz)
    cell = grid.pixel / 2
    rows, columns = grid.rows * 2, grid.columns * 2
    column = np.floor((u - grid.left) * (1 / cell)).astype(np.int32)
    row = np.floor((v - grid.top) * (1 / cell)).astype(np.int32)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    at = row[inside] * columns + column[inside]
    weight = cloud.mass[inside] * m[inside] ** 2
    fine = np.bincount(at, weights=weight, minlength=rows * columns).astype(np.float32)
    coarse = cv2.resize(
        fine.reshape(rows, columns), (grid.columns, grid.rows), interpolation=cv2.INTER_AREA
    )
    return np.asarray(coarse / np.float32(cell**2), dtype=np.float32)
