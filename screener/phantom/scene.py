"""Places a child before the detector and computes what reaches it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import HYDROXYAPATITE_G_CM3, SOFT_G_CM3, DoubleArray, FloatArray, primary
from screener.phantom.clouds import Cloud
from screener.phantom.confounders import Extras, lead_letter
from screener.phantom.detector import scatter
from screener.phantom.fields import uneven
from screener.phantom.projection import Geometry, Grid, draw
from screener.phantom.spine import rotation
from screener.phantom.technique import DETECTOR_CM, Collimation, Technique
from screener.phantom.thorax import Trunk

#: Bones and organs are drawn at about this pixel and finished at the detector's own.
_RENDER_MM = 0.5
_PENUMBRA_CM = 0.08
#: Latent noise of soft tissue: SD of the whole depth, and of fields that vary over the film, by
#: their length in cm.
DEPTH_SD_CM = 0.6
_UNEVEN = ((5.0, 0.22), (1.2, 0.05))
_LUNG_TEXTURE = ((0.25, 0.012), (0.6, 0.015), (2.5, 0.03))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A child before the detector.

    Parameters
    ----------
    geometry
        Rays.
    grid
        The film's pixels.
    ratio
        How many of them a drawn pixel covers, each way.
    field
        What the collimator left on the detector: left, top, right, bottom in cm.
    """

    geometry: Geometry
    grid: Grid
    ratio: int
    field: tuple[float, float, float, float]

    @property
    def drawn(self) -> Grid:
        """The pixels at which bones and organs are drawn."""
        grid, n = self.grid, self.ratio
        return Grid(
            left=grid.left,
            top=grid.top,
            pixel=grid.pixel * n,
            rows=grid.rows // n,
            columns=grid.columns // n,
        )

    def field_mask(self, grid: Grid) -> FloatArray:
        """Return 1 where the collimator lets the beam through, with its penumbra."""
        u, v = grid.axes()
        left, top, right, bottom = self.field

        def inside(at: FloatArray, low: float, high: float) -> FloatArray:
            edge = np.minimum(at - low, high - at) * (1 / _PENUMBRA_CM) + 0.5
            return np.asarray(np.clip(edge, 0, 1), dtype=np.float32)

        return np.asarray(inside(v, top, bottom) * inside(u, left, right))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What reaches the detector, before its blur and noise; arrays of `Placement.drawn`.

    Parameters
    ----------
    signal, primary
        Primary and scatter together, and primary alone; about 1 in the open beam.
    mineral_g_cm2, soft_g_cm2, lung_cm
        Along each ray.
    """

    signal: FloatArray
    primary: FloatArray
    mineral_g_cm2: FloatArray
    soft_g_cm2: FloatArray
    lung_cm: FloatArray


def place(
    body: Body,
    technique: Technique,
    collimation: Collimation,
    *,
    pixel_mm: float,
    rng: np.random.Generator,
    longest_cm: float = DETECTOR_CM,
) -> Placement:
    """Place a child as a technologist does: not quite straight, not quite in the middle.

    Notes
    -----
    Rotation N(0, 3 deg), tilt N(0, 2 deg), one in ten leaning back (domain.md 5.4).
    """
    turn, tilt, lean, aside = rng.standard_normal(4)
    lordotic = rng.random() < 0.10
    lowest = body.level(collimation.lowest)
    top = -collimation.above * body.height
    bottom = lowest.centre[1] + lowest.height / 2 + collimation.beyond * lowest.pitch
    facing = 1 if technique.view.value == "PA" else -1
    geometry = Geometry(
        sid_cm=technique.sid_cm,
        axis_to_detector_cm=body.half_depth + technique.gap_cm,
        facing=facing,
        axis_z=body.half_depth,
        centre=(0.25 * aside, (top + bottom) / 2),
        turn=math.radians(3.0 * turn),
        tilt=math.radians(2.0 * tilt),
        lean=math.radians(5 + 6 * abs(lean) if lordotic else 1.2 * lean),
    )
    m = geometry.magnification(body.half_depth)
    spine_m = geometry.magnification(lowest.centre[2])
    reach = [
        min(body.half_width + beside, body.shoulder + 8.0) * m for beside in collimation.beside
    ]
    half = DETECTOR_CM / 2
    left, right = max(-reach[0], -half), min(reach[1], half)
    upper = max((top - geometry.centre[1]) * m, -longest_cm / 2)
    lower = min((bottom - geometry.centre[1]) * spine_m, longest_cm / 2)
    return on_detector((left, upper, right, lower), geometry, collimation.borders_mm, pixel_mm)


def on_detector(
    field: tuple[float, float, float, float],
    geometry: Geometry,
    borders_mm: tuple[float, float, float, float],
    pixel_mm: float,
) -> Placement:
    """Return the film's pixels around a field: left, top, right, bottom in cm on the detector."""
    left, top, right, bottom = field
    shown = [border / 10 for border in borders_mm]
    pixel = pixel_mm / 10
    ratio = max(round(_RENDER_MM / pixel_mm), 1)
    columns = int((right - left + shown[0] + shown[2]) / pixel) // ratio * ratio
    rows = int((bottom - top + shown[1] + shown[3]) / pixel) // ratio * ratio
    grid = Grid(left=left - shown[0], top=top - shown[1], pixel=pixel, rows=rows, columns=columns)
    # a side without a border is cut inside the field, not in its penumbra
    edges = [
        edge + (0.0 if border else sign)
        for edge, border, sign in zip(field, shown, (-1.0, -1.0, 1.0, 1.0), strict=True)
    ]
    return Placement(
        geometry=geometry,
        grid=grid,
        ratio=ratio,
        field=(edges[0], edges[1], edges[2], edges[3]),
    )


def irradiate(
    tissue: Trunk,
    bones: Cloud,
    vessels: Cloud | None,
    placement: Placement,
    technique: Technique,
    extras: tuple[Extras, Cloud | None],
    *,
    rng: np.random.Generator,
    over: FloatArray | None = None,
) -> Exposure:
    """Return what reaches the detector behind a child.

    Parameters
    ----------
    tissue, bones, vessels
        The child; clouds of hydroxyapatite, and of soft tissue beyond lung.
    placement, technique
        How placed and exposed.
    extras
        Objects in the film, and their mass as hydroxyapatite.
    rng
        Of the tissue's unevenness, the heel's side and the marker.
    over
        Further objects along each ray of `Placement.drawn`, as hydroxyapatite, g/cm2.

    Notes
    -----
    Mineral displaces matrix: 1 g/cm2 of it takes the place of 1/3.16 cm of soft tissue.
    Source: domain.md 5.3, steps 2 to 5.
    """
    grid, geometry = placement.drawn, placement.geometry
    mineral = _softened(draw(bones, geometry, grid), grid, 0.045)
    soft, lung = tissue.soft_g_cm2, tissue.lung_cm
    if vessels is not None:
        # none where little lung is left, behind and below the domes
        seen = np.clip(lung * (2.2 / max(float(lung.max()), 1.0)), 0, 1) ** 2
        soft = soft + _softened(draw(vessels, geometry, grid), grid, 0.035) * seen
    soft = soft + 0.30 * lung * uneven(grid, _LUNG_TEXTURE, rng)
    inside = np.clip(soft * 0.5, 0, 1)
    soft += SOFT_G_CM3 * inside * uneven(grid, _UNEVEN, rng)
    soft -= mineral * np.float32(SOFT_G_CM3 / HYDROXYAPATITE_G_CM3) * inside
    np.clip(soft, 0, None, out=soft)
    field = placement.field_mask(grid)
    metal = lead_letter(extras[0], grid, field, rng)
    if extras[1] is not None:
        metal = metal + _softened(draw(extras[1], geometry, grid), grid, 0.03)
    if over is not None:
        metal = metal + _softened(over, grid, 0.03)
    direct = primary(technique.beam, soft, mineral + metal)
    direct *= _open_beam(grid, geometry, rng) * field
    scattered = scatter(
        direct, soft / np.float32(SOFT_G_CM3), field, pixel_cm=grid.pixel, grid=technique.grid
    )
    return Exposure(
        signal=direct + scattered,
        primary=direct,
        mineral_g_cm2=mineral,
        soft_g_cm2=soft,
        lung_cm=lung,
    )


def body_outlines(body: Body, geometry: Geometry) -> dict[str, DoubleArray]:
    """Return each vertebral body's outline on the detector: ``[8, 2]`` u, v in cm."""
    x = np.array([-0.5, 0.0, 0.5, 0.44, 0.5, 0.0, -0.5, -0.44])
    y = np.array([-0.5, -0.5, -0.5, 0.0, 0.5, 0.5, 0.5, 0.0])
    outlines = {}
    for vertebra in body.vertebrae:
        local = np.stack([x * vertebra.width, y * vertebra.height, np.zeros(8)], axis=1)
        posed = local @ rotation(vertebra.roll, vertebra.nod, vertebra.turn).T + vertebra.centre
        u, v, _ = geometry.project(posed.astype(np.float32))
        outlines[vertebra.name] = np.stack([u, v], axis=1).astype(np.float64)
    return outlines


def _softened(image: FloatArray, grid: Grid, sigma_cm: float) -> FloatArray:
    """Return an image blurred as the focal spot and the child's motion blur it."""
    sigma = max(sigma_cm / grid.pixel, 0.5)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def _open_beam(grid: Grid, geometry: Geometry, rng: np.random.Generator) -> FloatArray:
    """Return the beam without a patient: inverse square, and the heel along the film."""
    u, v = grid.axes()
    far = 1 / (1 + (u**2 + v**2) / geometry.sid_cm**2) ** 1.5
    slope = 0.08 * rng.uniform(0.5, 1.0) * (1 if rng.random() < 0.5 else -1)
    return np.asarray(far * (1 + slope * v / (DETECTOR_CM / 2)), dtype=np.float32)
