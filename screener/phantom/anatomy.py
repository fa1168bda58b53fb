"""A child's build: the trunk, and where each vertebra lies and how large it is.

Patient coordinates in cm throughout the phantom: x to the patient's left, y towards the feet from
the upper edge of T1, z forward from the skin of the back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from screener.domain.patient import Sex
from screener.phantom.cohort import Child, stream

#: How each end of a marked curve's parts leans, over half of the Cobb angle.
_LEANS = (-0.15, -0.05, 1.0, -1.0, 0.35, 0.05)
#: From the neck down.
LEVELS = ("C6", "C7", *(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
LUMBAR = ("L1", "L2", "L3", "L4")
#: Mean density of each level over the mean of L1-L4 (domain.md 2.3; thoracic ones assumed, 5.4).
_LUMBAR_FACTORS = {"L1": 0.93, "L2": 1.01, "L3": 1.035, "L4": 1.023, "L5": 1.0}
#: Body width over the lumbar width (domain.md 5.4).
_WIDTH_LEVELS = (-2.0, -1.0, 0.0, 3.0, 7.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
_WIDTH_FACTORS = (0.60, 0.66, 0.70, 0.64, 0.72, 0.92, 0.965, 0.99, 1.01, 1.035, 1.06)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertebra:
    """One vertebra: its body's centre and size in cm, its pose in radians.

    Parameters
    ----------
    name
        Of `LEVELS`.
    centre
        Of the body: x, y, z.
    width, depth, height, pitch
        Of the body from side to side, from front to back, from plate to plate, and from this
        level's upper plate to the next one's.
    roll, nod, turn
        Rotations about z (scoliosis), x (kyphosis and lordosis) and y (scoliosis' twist).
    density_factor
        Its areal density over the mean of L1-L4.
    """

    name: str
    centre: tuple[float, float, float]
    width: float
    depth: float
    height: float
    pitch: float
    roll: float
    nod: float
    turn: float
    density_factor: float

    @property
    def dxa_area_cm2(self) -> float:
        """The area that DXA counts to this level: its width, and its share of the discs."""
        return DXA_WIDTH_SHARE * self.width * DXA_HEIGHT_SHARE * self.pitch


#: Of a body's width; DXA's edge detection takes in the whole wall.
DXA_WIDTH_SHARE = 1.03
#: Of a level's pitch; the analysed box leaves out the middle of the disc.
DXA_HEIGHT_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A child's build on one film, in cm.

    Parameters
    ----------
    child
        Whose it is.
    half_width, half_depth
        Of the chest without arms, at its widest.
    shoulder
        Half the distance between the acromia.
    wall
        Skin, fat and muscle over the ribs at the side.
    vertebrae
        From the neck down, as `LEVELS`.
    inspiration
        How many ribs' pitches the diaphragm lies below its mean level.
    rib_slope
        Radians that the back part of the middle ribs falls to the side.
    cobb
        Degrees of scoliosis.
    """

    child: Child
    half_width: float
    half_depth: float
    shoulder: float
    wall: float
    vertebrae: tuple[Vertebra, ...]
    inspiration: float
    rib_slope: float
    cobb: float

    @property
    def height(self) -> float:
        """The child's stature."""
        return self.child.height_cm

    def level(self, name: str) -> Vertebra:
        """Return a vertebra by its name."""
        return self.vertebrae[LEVELS.index(name)]

    def top(self, name: str) -> float:
        """Return the y of a vertebra's upper plate."""
        vertebra = self.level(name)
        return vertebra.centre[1] - vertebra.height / 2


def build_body(
    child: Child, *, mineral_seed: int | None = None, cobb_deg: float | None = None
) -> Body:
    """Build a child's trunk and spine.

    Parameters
    ----------
    child
        The shape follows from its seed, age, sex, height and weight.
    mineral_seed
        Draws how the mineral differs from level to level (SD 5 %); None leaves it out.
    cobb_deg
        Of the scoliosis; None draws one.

    Notes
    -----
    Source: domain.md 5.4, with the table of `phantom_anatomy_by_age`.
    """
    rng = stream(child.seed, "anatomy", "build")
    scatter = rng.standard_normal(6)
    area = 1.5 * child.weight_kg * 1000 / child.height_cm
    ratio = 1.32 + 0.031 * child.age_years
    half_width = 0.87 * math.sqrt(4 * area * ratio / math.pi) / 2 * (1 + 0.03 * scatter[0])
    half_depth = 1.05 * math.sqrt(4 * area / (math.pi * ratio)) / 2 * (1 + 0.03 * scatter[1])
    bmi = child.weight_kg / (child.height_cm / 100) ** 2
    return Body(
        child=child,
        half_width=half_width,
        half_depth=half_depth,
        shoulder=0.108 * child.height_cm * (1 + 0.03 * scatter[2]),
        wall=0.35 + 0.055 * half_width + 0.07 * max(bmi - 16, -2),
        vertebrae=_build_spine(child, half_depth, mineral_seed, cobb_deg),
        inspiration=float(np.clip(0.5 * scatter[3], -1.2, 1.0)),
        rib_slope=math.radians(13 + 0.45 * min(child.age_years, 15) + 2.0 * scatter[4]),
        cobb=_draw_cobb(child.seed) if cobb_deg is None else cobb_deg,
    )


def lumbar_width(child: Child) -> float:
    """Return the mean width of L1 to L4 in cm (domain.md 5.4, after Gilsanz 1994)."""
    return (0.0256 if child.sex is Sex.MALE else 0.0238) * child.height_cm


def _build_spine(
    child: Child, half_depth: float, mineral_seed: int | None, cobb_deg: float | None
) -> tuple[Vertebra, ...]:
    stature = child.height_cm
    rng = stream(child.seed, "anatomy", "spine")
    size = 1 + 0.03 * rng.standard_normal()
    index = np.arange(-2, 17)
    pitch = np.interp(
        index, [-2, 0, 11, 12, 16], np.array([0.0098, 0.0108, 0.0162, 0.0187, 0.0187]) * stature
    )
    lower = np.cumsum(pitch) - pitch[:2].sum()
    middle = lower - pitch / 2
    height_share = 0.76 + 0.004 * child.age_years
    width = lumbar_width(child) * np.interp(index, _WIDTH_LEVELS, _WIDTH_FACTORS) * size
    # kyphosis and lordosis: T6 lies furthest back, L3 and C6 furthest forward
    depth_share = np.interp(
        index, [-2, 0, 3, 5, 8, 11, 14, 16], [0.43, 0.33, 0.255, 0.24, 0.25, 0.29, 0.345, 0.335]
    )
    along = depth_share * 2 * half_depth
    if cobb_deg is None:
        sideways, twist = _wave(child.seed, middle, stature)
    else:
        sideways, twist = _marked_curve(child.seed, middle, cobb_deg)
    roll = -np.arctan(np.gradient(sideways, middle))
    nod = np.arctan(np.gradient(along, middle))
    factors = _density_factors(index, mineral_seed)
    return tuple(
        Vertebra(
            name=name,
            centre=(float(sideways[i]), float(middle[i]), float(along[i])),
            width=float(width[i]),
            depth=float(width[i] * np.interp(index[i], [0, 12], [0.85, 0.73])),
            height=float(pitch[i] * height_share),
            pitch=float(pitch[i]),
            roll=float(roll[i]),
            nod=float(nod[i]),
            turn=float(twist[i]),
            density_factor=float(factors[i]),
        )
        for i, name in enumerate(LEVELS)
    )


def _density_factors(index: np.ndarray, mineral_seed: int | None) -> np.ndarray:
    thoracic = 0.93 * np.interp(index, [-2, 0, 3, 11], [0.74, 0.70, 0.62, 0.98])
    lumbar = [_LUMBAR_FACTORS[name] for name in ("L1", "L2", "L3", "L4", "L5")]
    factors = np.concatenate([thoracic[index < 12], lumbar])
    if mineral_seed is None:
        return factors
    noise = stream(mineral_seed, "mineral", "levels").standard_normal(len(index))
    return np.asarray(factors * np.exp(0.05 * noise))


def _draw_cobb(seed: int) -> float:
    rng = stream(seed, "anatomy", "scoliosis")
    kind = rng.random()
    low, high = (0.0, 5.0) if kind < 0.85 else (5.0, 15.0) if kind < 0.97 else (15.0, 45.0)
    return float(low + (high - low) * rng.random())


def _wave(seed: int, y: np.ndarray, stature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sideways course in cm and the twist in radians of a curve of the child's Cobb."""
    cobb = math.radians(_draw_cobb(seed))
    rng = stream(seed, "anatomy", "curve")
    sign = 1.0 if rng.random() < 0.75 else -1.0
    wavelength = stature * rng.uniform(0.20, 0.30)
    phase = rng.uniform(0, 2 * math.pi)
    # a sinusoid's steepest tangents enclose the Cobb angle: 2 atan(2 pi a / wavelength)
    amplitude = wavelength / (2 * math.pi) * math.tan(cobb / 2)
    wave = np.sin(2 * math.pi * y / wavelength + phase)
    return -sign * amplitude * wave, sign * 0.5 * cobb * wave


def _marked_curve(seed: int, y: np.ndarray, cobb_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Return course and twist of a marked thoracic curve, with the head over the pelvis.

    Notes
    -----
    The end vertebrae, T5 and T12 or a level beside them, lean by half the angle each; above and
    below, smaller curves bring the spine back.
    """
    rng = stream(seed, "anatomy", "marked curve")
    side = -1.0 if rng.random() < 0.85 else 1.0
    knots = np.array([-2.0, 1.0, 4.0, 11.0, 14.5, 16.5])
    knots[1:-1] += rng.uniform(-0.8, 0.8)
    level = np.arange(-2, 17)
    after = np.clip(np.searchsorted(knots, level, side="right"), 1, len(knots) - 1)
    share = (level - knots[after - 1]) / (knots[after] - knots[after - 1])
    share = share * share * (3 - 2 * share)
    lean = np.array(_LEANS)
    angle = math.radians(cobb_deg) / 2 * (lean[after - 1] + share * (lean[after] - lean[after - 1]))
    steps = np.diff(y) * np.tan((angle[1:] + angle[:-1]) / 2)
    course = np.concatenate([[0.0], np.cumsum(steps)])
    # T1 and L5 stay over each other; leaning all of it leaves the angle as it is
    course -= np.interp(y, [y[2], y[-1]], [course[2], course[-1]])
    twist = 0.5 * math.radians(cobb_deg) * course / np.abs(course).max()
    return side * course, -side * twist
