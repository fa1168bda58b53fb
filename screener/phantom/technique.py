"""How a film was taken: view, tube voltage, exposure, distance, grid, and what the collimator left.

Source: domain.md 5.2 (technique by age) and 5.4 (lower edge of the field).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from screener.domain.eligibility import View
from screener.phantom.beam import Beam
from screener.phantom.cohort import Child

#: Filters in mm of Al and Cu beyond the tube's own, by site.
_FILTERS = {
    "A": (1.0, 0.1),
    "B": (1.0, 0.2),
    "C": (0.0, 0.0),
    "D": (1.0, 0.1),
    "E": (0.0, 0.0),
}
#: Largest field of the detector, cm.
DETECTOR_CM = 43.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """The settings of an exposure.

    Parameters
    ----------
    view
        PA or AP.
    supine
        In bed or on the table; otherwise standing.
    kvp, mas
        Tube voltage and charge.
    added_al_mm, added_cu_mm
        Filters beyond the tube's own.
    sid_cm
        From focus to detector.
    gap_cm
        From the patient's skin to the detector.
    grid
        Whether an antiscatter grid stood before the detector.
    """

    view: View
    supine: bool
    kvp: float
    mas: float
    added_al_mm: float
    added_cu_mm: float
    sid_cm: float
    gap_cm: float
    grid: bool

    @property
    def beam(self) -> Beam:
        """The tube's beam."""
        return Beam(kvp=self.kvp, added_al_mm=self.added_al_mm, added_cu_mm=self.added_cu_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collimation:
    """What the collimator left, about the patient.

    Parameters
    ----------
    lowest
        The level whose lower plate the lower edge passes, ``T11`` to ``L4``.
    beyond
        How far beyond that plate, in pitches.
    above
        Of the upper edge over T1, over the stature.
    beside
        Of the side edges beyond the chest, right and left, cm on the patient.
    borders_mm
        Unexposed detector that the film shows: left, top, right, bottom.
    """

    lowest: str
    beyond: float
    above: float
    beside: tuple[float, float]
    borders_mm: tuple[float, float, float, float]


def draw_technique(
    child: Child, rng: np.random.Generator, *, site: str, view: View | None = None
) -> Technique:
    """Draw how a child is exposed.

    Parameters
    ----------
    child
        Tube voltage and grid go by age and by how thick the child is, as on a technique chart.
    rng
        Of what varies from film to film.
    site
        The filter is the site's habit.
    view
        PA or AP; None draws one by age.
    """
    chance = rng.random(4)
    band = int(np.searchsorted([5, 11], child.age_years, side="right"))
    drawn = View.PA if chance[0] < (0.40, 0.80, 0.88)[band] else View.AP
    chosen = drawn if view is None else view
    supine = chosen is View.AP and bool(chance[1] < 0.7)
    low, high = ((60, 70), (65, 80), (75, 115))[band]
    # small, middling and large for the band: 12, 28 and 50 kg
    stout = math.log(child.weight_kg / (14.0, 27.0, 50.0)[band]) / 0.9
    share = float(np.clip(0.40 + stout + 0.10 * rng.standard_normal(), 0, 1))
    least, most = ((0.8, 2.0), (1.0, 2.5), (1.0, 4.0))[band]
    # more kilovolts, less charge
    mas = most - (most - least) * (0.7 * share + 0.3 * chance[2])
    sid = (float(rng.choice([110, 120, 150])), float(rng.choice([150, 180])), 180.0)[band]
    if supine:
        sid = float(rng.choice([100, 110, 115]))
    al_mm, cu_mm = _FILTERS[site]
    return Technique(
        view=chosen,
        supine=supine,
        kvp=float(round(low + (high - low) * share)),
        mas=round(float(mas), 1),
        added_al_mm=al_mm,
        added_cu_mm=cu_mm,
        sid_cm=sid,
        gap_cm=float(rng.uniform(4.0, 6.5) if supine else rng.uniform(1.5, 3.5)),
        grid=not supine and bool(chance[3] < _grid_share(child.weight_kg)),
    )


def _grid_share(weight_kg: float) -> float:
    """Return how many children of a weight stand before a grid: none below 30 kg, most above 50."""
    return float(np.interp(weight_kg, [30, 50], [0.0, 0.9]))


def draw_collimation(age_years: float, rng: np.random.Generator) -> Collimation:
    """Draw the field: 45 % too large on average, which is why lumbar vertebrae are in the film."""
    levels = ("T11", "T12", "L1", "L2", "L3", "L4")
    lowest = str(rng.choice(levels, p=[0.05, 0.15, 0.28, 0.27, 0.16, 0.09]))
    arms = rng.random() < (0.9 if age_years < 2 else 0.4)
    beside = rng.uniform(3.0, 6.0, 2) if arms else rng.uniform(0.3, 1.8, 2)
    shown = np.zeros(4)
    if rng.random() < 0.8:
        sides = rng.choice(4, size=int(rng.integers(1, 5)), replace=False)
        shown[sides] = rng.uniform(2.0, 22.0, len(sides))
    return Collimation(
        lowest=lowest,
        beyond=float(rng.uniform(0.15, 0.85)),
        above=float(rng.uniform(0.012, 0.055)),
        beside=(float(beside[0]), float(beside[1])),
        borders_mm=(float(shown[0]), float(shown[1]), float(shown[2]), float(shown[3])),
    )
