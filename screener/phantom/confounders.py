"""What else is in a film: lead letters, leads, ports, tubes, buttons.

Drawn independently of the mineral. Metal is written as the hydroxyapatite that attenuates alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import FloatArray
from screener.phantom.clouds import Cloud, joined, smooth_path, tube
from screener.phantom.cohort import stream
from screener.phantom.projection import Grid

#: g of hydroxyapatite that attenuate like a cm3 of metal near 50 keV: density times the ratio of
#: the mass attenuation coefficients.
_TITANIUM = 4.51 * 1.9
_STEEL = 7.9 * 3.3
#: Barium-filled plastic of catheters.
_CATHETER = 2.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Which objects a film shows.

    Parameters
    ----------
    letter
        ``R`` or ``L``, or empty.
    ecg_leads, port, tube, buttons, necklace
        Whether there are any.
    opacity
        ``pneumonia`` or ``effusion``, or empty.
    shield, over_spine
        Whether a lead shield reaches into the field; and what lies over the spine, of
        `OVER_SPINE`, or empty.
    """

    letter: str
    ecg_leads: bool
    port: bool
    tube: bool
    buttons: bool
    necklace: bool
    opacity: str = ""
    shield: bool = False
    over_spine: str = ""

    @property
    def names(self) -> str:
        """The objects' names, joined by a space."""
        flags = ("ecg_leads", "port", "tube", "buttons", "necklace", "shield")
        named = [name for name in flags if getattr(self, name)]
        return " ".join([*named, *filter(None, (self.opacity, self.over_spine))])


#: What makes a frontal chest film one that must not be estimated.
OVER_SPINE = ("rods", "contrast", "brace")


def draw_extras(child_seed: int, rng: np.random.Generator, *, supine: bool) -> Extras:
    """Draw the objects of a film; a port stays in a child from film to film."""
    chance = rng.random(6)
    return Extras(
        letter="" if chance[0] > 0.95 else "R" if chance[1] < 0.6 else "L",
        ecg_leads=bool(chance[2] < (0.7 if supine else 0.08)),
        port=bool(stream(child_seed, "extras", "port").random() < 0.25),
        tube=bool(chance[3] < (0.25 if supine else 0.02)),
        buttons=bool(chance[4] < 0.06),
        necklace=bool(chance[5] < 0.04),
    )


def objects(body: Body, extras: Extras, rng: np.random.Generator) -> Cloud | None:
    """Return the objects on and in the child, as mass of hydroxyapatite, or None."""
    clouds = []
    if extras.port:
        clouds.append(_port(body))
    if extras.ecg_leads:
        clouds.append(_ecg_leads(body, rng))
    if extras.tube:
        clouds.append(_gastric_tube(body, rng))
    if extras.buttons:
        clouds.append(_buttons(body, rng))
    if extras.necklace:
        clouds.append(_necklace(body))
    return joined(clouds) if clouds else None


def lead_letter(
    extras: Extras, grid: Grid, field: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the mass thickness of the side marker, as hydroxyapatite, g/cm2.

    Parameters
    ----------
    extras
        Its letter.
    grid
        The pixels.
    field
        What the collimator left; the marker lies within, at the side that it names.
    rng
        Of its place and size.
    """
    image = np.zeros((grid.rows, grid.columns), dtype=np.uint8)
    if not extras.letter:
        return image.astype(np.float32)
    columns = np.flatnonzero(field.max(axis=0) > 0.5)
    rows = np.flatnonzero(field.max(axis=1) > 0.5)
    size_cm = rng.uniform(1.0, 1.7)
    pixels = size_cm / grid.pixel
    inset = int(pixels * rng.uniform(0.25, 0.9))
    # the film shows the patient's right on its left
    left = columns[0] + inset if extras.letter == "R" else columns[-1] - inset - int(pixels * 0.8)
    share = rng.uniform(0.02, 0.12) if rng.random() < 0.7 else rng.uniform(0.5, 0.9)
    base = rows[0] + int(pixels * 1.2) + int(share * max(len(rows) - 2 * pixels, 1))
    thick = max(round(pixels * 0.14), 1)
    cv2.putText(
        image, extras.letter, (int(left), int(base)), cv2.FONT_HERSHEY_SIMPLEX,
        pixels / 22.0, 255, thick, cv2.LINE_AA,
    )  # fmt: skip
    if rng.random() < 0.3:
        centre = (int(left + pixels * 0.4), int(base - pixels * 0.5))
        cv2.circle(image, centre, int(pixels * 0.95), 255, max(thick // 2, 1), cv2.LINE_AA)
    lean = cv2.getRotationMatrix2D((float(left), float(base)), float(rng.normal(0, 6)), 1.0)
    leaning = cv2.warpAffine(image, lean, (grid.columns, grid.rows), flags=cv2.INTER_LINEAR)
    return np.asarray(leaning * np.float32(5.0 / 255), dtype=np.float32)


def _wire(points: list[list[float]], radius: float, density: float) -> Cloud:
    return tube(
        smooth_path(points), across=radius, along=radius, wall=radius * 0.3, wall_density=density,
        core_density=density, reference=(0.05, 0.1, 1.0), step=0.012, around=8, core=6,
    )  # fmt: skip


def _ring(centre: list[float], radius: float, thick: float, density: float) -> Cloud:
    angle = np.linspace(0, 2 * math.pi, 40)
    path = np.stack(
        [
            centre[0] + radius * np.cos(angle),
            centre[1] + radius * np.sin(angle),
            np.full(40, centre[2]),
        ],
        axis=1,
    )
    return tube(
        path, across=thick, along=thick, wall=thick * 0.3, wall_density=density,
        core_density=density, reference=(0.0, 0.0, 1.0), step=0.012, around=12, core=6,
    )  # fmt: skip


def _port(body: Body) -> Cloud:
    h, front = body.height, 1.9 * body.half_depth
    rng = stream(body.child.seed, "extras", "port place")
    x = -body.half_width * rng.uniform(0.5, 0.62)
    y = body.level("T5").centre[1] + h * rng.uniform(-0.005, 0.015)
    size = float(np.interp(body.child.age_years, [3, 12], [0.75, 1.1]))
    w = body.level("T6").width
    end = body.level("T7").centre[1]
    path = [
        [x, y - size, front],
        [x * 0.9, body.level("T2").centre[1], front * 0.95],
        [x * 0.45, body.top("T1") - 0.004 * h, front * 0.8],
        [-0.75 * w, body.level("T3").centre[1], 1.25 * body.half_depth],
        [-0.80 * w, end, 1.2 * body.half_depth],
    ]
    return joined(
        [
            _ring([x, y, front], size, 0.10, _TITANIUM * 0.6),
            _ring([x, y, front], size * 0.58, 0.07, _TITANIUM * 0.8),
            _wire(path, 0.09, _CATHETER),
        ]
    )


def _ecg_leads(body: Body, rng: np.random.Generator) -> Cloud:
    front, h = 2.02 * body.half_depth, body.height
    places = [
        (-0.62 * body.half_width, body.level("T3").centre[1]),
        (0.62 * body.half_width, body.level("T3").centre[1]),
        (0.72 * body.half_width, body.level("T10").centre[1]),
    ]
    clouds = []
    foot = [rng.uniform(-0.3, 0.3) * body.half_width, 0.42 * h, front]
    for x, y in places:
        at = [x + 0.01 * h * rng.standard_normal(), y + 0.01 * h * rng.standard_normal(), front]
        middle = [
            0.5 * (at[0] + foot[0]) + 0.03 * h * rng.standard_normal(),
            0.5 * (at[1] + foot[1]) + 0.02 * h * rng.standard_normal(),
            front,
        ]
        clouds.append(_ring(at, 0.22, 0.12, _STEEL * 0.25))
        clouds.append(_ring(at, 0.9, 0.04, 0.8))
        clouds.append(_wire([at, middle, foot], 0.05, _STEEL * 0.35))
    return joined(clouds)


def _gastric_tube(body: Body, rng: np.random.Generator) -> Cloud:
    z = 0.9 * body.half_depth
    lean = 0.2 * body.level("T6").width
    path = [
        [0.05, -0.2 * body.height, z],
        [lean * rng.uniform(-1, 1), body.level("T2").centre[1], z],
        [lean * rng.uniform(-1, 1.5), body.level("T7").centre[1], z],
        [lean + 0.4, body.level("T11").centre[1], z],
        [0.3 * body.half_width, body.level("T12").centre[1] + 0.015 * body.height, z * 1.1],
        [0.36 * body.half_width, body.level("L1").centre[1] + 0.025 * body.height, z * 1.1],
    ]
    return _wire(path, 0.07, _CATHETER)


def _buttons(body: Body, rng: np.random.Generator) -> Cloud:
    x = rng.normal(0, 0.4)
    gap = rng.uniform(0.045, 0.065) * body.height
    front = 2.03 * body.half_depth
    return joined(
        [_ring([x, 0.03 * body.height + gap * i, front], 0.32, 0.12, 1.6) for i in range(4)]
    )


def _necklace(body: Body) -> Cloud:
    h = body.height
    angle = np.linspace(0, math.pi, 20)
    path = [
        [0.036 * h * math.cos(a), -0.03 * h + 0.055 * h * math.sin(a), (0.8 + 0.9 * math.sin(a))
         * body.half_depth]
        for a in angle
    ]  # fmt: skip
    return _wire(path, 0.05, _STEEL * 0.4)
