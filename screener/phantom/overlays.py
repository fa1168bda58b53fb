"""What lies over a child or at the field's edge, each drawn from a stream of its own.

Whatever is drawn here leaves every other draw of a film as it was, so that a film without it is
the same film.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from screener.phantom.anatomy import Body
from screener.phantom.beam import SOFT_G_CM3, FloatArray
from screener.phantom.brace import brace
from screener.phantom.clouds import Cloud
from screener.phantom.cohort import stream
from screener.phantom.confounders import Extras
from screener.phantom.contrast import contrast
from screener.phantom.opacities import Opacity, draw_opacity
from screener.phantom.paint import Canvas
from screener.phantom.rods import rods
from screener.phantom.scene import Placement
from screener.phantom.shields import shield
from screener.phantom.thorax import Trunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What chance adds to a film.

    Parameters
    ----------
    opacity
        Pneumonia or an effusion.
    over_spine
        Of `confounders.OVER_SPINE`, or empty.
    shield
        Whether the child wears one, in the field or beyond it.
    """

    opacity: Opacity | None = None
    over_spine: str = ""
    shield: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return self.opacity is not None or bool(self.over_spine) or self.shield


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What lies over a child.

    Parameters
    ----------
    extras
        What the film shows, with what is seen of this.
    cloud
        Mass of hydroxyapatite as points.
    layer
        Along each ray of `Placement.drawn`, as hydroxyapatite in g/cm2.
    gas_cm
        Along each ray, in the place of soft tissue.
    """

    extras: Extras
    cloud: Cloud | None = None
    layer: FloatArray | None = None
    gas_cm: FloatArray | None = None

    def emptied(self, tissue: Trunk) -> Trunk:
        """Return the trunk with gas where a stomach is not full."""
        if self.gas_cm is None:
            return tissue
        soft = tissue.soft_g_cm2
        return replace(tissue, soft_g_cm2=np.maximum(soft - SOFT_G_CM3 * self.gas_cm, 0.5 * soft))


def draw_further(child_seed: int, film_seed: int) -> Further:
    """Draw what chance adds to a film, without taking it.

    Notes
    -----
    Source: domain.md 5.5: an opacity in 10 %, a shield in 5 %, rods in 1 %.
    """
    return Further(
        opacity=draw_opacity(child_seed, film_seed),
        over_spine="rods" if has_rods(child_seed) else "",
        shield=has_shield(child_seed, film_seed),
    )


def draws_new_confounder(child_seed: int, film_seed: int) -> bool:
    """Return whether a film of chance differs from what it was before opacities, shields, rods."""
    return draw_further(child_seed, film_seed).any


def has_shield(child_seed: int, film_seed: int) -> bool:
    """Return whether the child wears a shield, in the field or beyond it."""
    return bool(stream(child_seed, "film", film_seed, "shield").random() < 0.05)


def has_rods(child_seed: int) -> bool:
    """Return whether the child has rods: one in a hundred, on every film."""
    return bool(stream(child_seed, "extras", "rods").random() < 0.01)


def overlaid(
    further: Further,
    extras: Extras,
    body: Body,
    placement: Placement,
    *,
    film_seed: int,
    supine: bool,
) -> Overlay:
    """Return what lies over the spine and at the field's edge.

    Parameters
    ----------
    further
        What was drawn, or asked for.
    extras
        What else the film shows.
    body, placement
        Who, and how placed.
    film_seed
        Of places and shapes.
    supine
        Whether the child lies.
    """
    seed = body.child.seed
    canvas = Canvas(geometry=placement.geometry, grid=placement.drawn)
    rng = stream(seed, "film", film_seed, "over spine")
    cloud, gas = None, None
    layers: list[FloatArray] = []
    match further.over_spine:
        case "rods":
            # they stay in a child from film to film
            cloud = rods(body, stream(seed, "extras", "rods place"))
        case "contrast":
            filling = contrast(body, canvas, rng, supine=supine)
            layers.append(filling.medium_g_cm2)
            gas = filling.gas_cm
        case "brace":
            layers.append(brace(body, canvas, rng))
        case _:
            pass
    lead = None
    if further.shield:
        lead = shield(body, placement, canvas, stream(seed, "film", film_seed, "shield place"))
        if lead is not None:
            layers.append(lead)
    return Overlay(
        extras=replace(
            extras,
            opacity="" if further.opacity is None else further.opacity.kind,
            over_spine=further.over_spine,
            shield=lead is not None,
        ),
        cloud=cloud,
        layer=np.sum(layers, axis=0, dtype=np.float32) if layers else None,
        gas_cm=gas,
    )
