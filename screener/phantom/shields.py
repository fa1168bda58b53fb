"""Lead shields at the edge of the field: a collar for the thyroid, an apron for the gonads.

They are laid out on the detector, from where the vertebrae beside them are seen: neither ever
covers T1 or a vertebra further down as far as L4.
"""

from __future__ import annotations

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import FloatArray
from screener.phantom.paint import Canvas
from screener.phantom.scene import Placement, body_outlines

#: Half a millimetre of lead lets nothing through, as hydroxyapatite.
_LEAD_G_CM2 = 7.5
_COLLARS = 0.35
#: A shield that reaches less far into the field is not seen.
_SEEN_CM = 0.3


def shield(
    body: Body, placement: Placement, canvas: Canvas, rng: np.random.Generator
) -> FloatArray | None:
    """Return a shield along each ray, as hydroxyapatite, g/cm2; None where it is out of the field.

    Parameters
    ----------
    body, placement, canvas
        Who wears it, the field, and where it is painted.
    rng
        Draws which shield it is, and how it sits.
    """
    return (_collar if rng.random() < _COLLARS else _apron)(body, placement, canvas, rng)


def _collar(
    body: Body, placement: Placement, canvas: Canvas, rng: np.random.Generator
) -> FloatArray | None:
    first = body_outlines(body, placement.geometry)["T1"]
    middle, h = float(first[:, 0].mean()), body.height
    lowest = float(first[:, 1].min()) - rng.uniform(0.25, 1.0)
    if lowest - _SEEN_CM < placement.field[1]:
        return None
    half = h * rng.uniform(0.045, 0.060)
    across = np.linspace(-1, 1, 25)
    # a bib: it hangs lowest in the middle, and is bound about the neck
    edge = lowest - 0.022 * h * across**2 - 0.03 * across * rng.standard_normal()
    top = placement.grid.top - 1.0
    u = middle + 0.2 * rng.standard_normal() + half * across
    outline = np.concatenate([np.stack([u, edge], 1), [[u[-1], top], [u[0], top]]])
    return np.asarray(_LEAD_G_CM2 * canvas.filled(outline), dtype=np.float32)


def _apron(
    body: Body, placement: Placement, canvas: Canvas, rng: np.random.Generator
) -> FloatArray | None:
    last, h = body_outlines(body, placement.geometry)["L4"], body.height
    highest = float(last[:, 1].max()) + rng.uniform(0.25, 0.25 + 0.006 * h)
    if highest + _SEEN_CM > placement.field[3]:
        return None
    middle = float(last[:, 0].mean()) + 0.4 * rng.standard_normal()
    half = body.half_width * rng.uniform(0.55, 0.85)
    lean = 0.02 * rng.standard_normal()
    low = placement.grid.bottom + 1.0
    # cut out over the crests, its corners rounded
    across = np.array([-1.0, -0.98, -0.92, -0.80, -0.45, 0.0, 0.45, 0.80, 0.92, 0.98, 1.0])
    fall = np.array([0.020, 0.010, 0.004, 0.001, 0.0, 0.0015, 0.0, 0.001, 0.004, 0.010, 0.020])
    u = middle + half * across
    edge = highest + fall * h + np.clip(lean * across * half, 0, None)
    outline = np.concatenate([np.stack([u, edge], 1), [[u[-1], low], [u[0], low]]])
    return np.asarray(_LEAD_G_CM2 * canvas.filled(outline), dtype=np.float32)
