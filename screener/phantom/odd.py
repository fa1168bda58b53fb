"""Films that must not be scored: plain pictures with the right headers.

A lateral chest, a hand, a whole spine, a babygram, and a film that shows nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from screener.domain.eligibility import View
from screener.phantom.anatomy import Body, build_body
from screener.phantom.beam import LUNG_G_CM3, SOFT_G_CM3, FloatArray
from screener.phantom.clouds import Cloud, joined
from screener.phantom.cohort import Child, stream
from screener.phantom.confounders import Extras
from screener.phantom.film import Film, finish
from screener.phantom.hand import hand_bones, hand_tissue
from screener.phantom.lungs import dome_y
from screener.phantom.pelvis import pelvis
from screener.phantom.projection import Geometry
from screener.phantom.scene import Exposure, Placement, irradiate, on_detector, place
from screener.phantom.skeleton import cage_half_width, other_bones
from screener.phantom.spine import spine_bones
from screener.phantom.technique import Technique, draw_collimation, draw_technique
from screener.phantom.thorax import Trunk, trunk
from screener.phantom.vendors import VENDORS
from screener.phantom.vessels import lung_vessels

_NOTHING = Extras(letter="", ecg_leads=False, port=False, tube=False, buttons=False, necklace=False)
_MARKED = replace(_NOTHING, letter="L")
#: Kinds that show the spine from the front or the back, and so have a spine mask.
_FRONTAL = frozenset({"whole_spine", "babygram"})


def odd_film(
    kind: str,
    child: Child,
    *,
    seed: int,
    site: str = "A",
    spacing_mm: float | None = None,
    photometric_interpretation: str | None = None,
) -> Film:
    """Return a film that is no frontal chest film.

    Parameters
    ----------
    kind
        Of `ODD_KINDS`.
    child, seed, site, spacing_mm, photometric_interpretation
        As for `screener.phantom.film.expose`.

    Raises
    ------
    ValueError
        There is no such kind or site.
    """
    if kind not in _MAKERS:
        raise ValueError(f"no film of kind {kind!r}: it is one of {', '.join(_MAKERS)}")
    if site not in VENDORS:
        raise ValueError(f"site {site!r}: it is one of {', '.join(VENDORS)}")
    pixel_mm = VENDORS[site].spacing_mm if spacing_mm is None else spacing_mm
    rng = stream(child.seed, "odd", kind, seed)
    body = build_body(child, mineral_seed=seed)
    exposure, placement, technique, extras = _MAKERS[kind](body, site, pixel_mm, rng)
    taken = finish(
        exposure,
        placement,
        child,
        kind=kind,
        body=body,
        technique=technique,
        extras=extras,
        seed=seed,
        site=site,
        photometric_interpretation=photometric_interpretation,
    )
    return replace(
        taken,
        # the truth about the spine is that of frontal chest films
        lowest_visible="",
        visible=(),
        spine_mask=taken.spine_mask & (kind in _FRONTAL),
    )


_Made = tuple[Exposure, Placement, Technique, Extras]


def _lateral(body: Body, site: str, pixel_mm: float, rng: np.random.Generator) -> _Made:
    technique = draw_technique(body.child, rng, site=site, view=View.PA)
    top, bottom = -0.02 * body.height, body.top("L3")
    geometry = Geometry(
        sid_cm=technique.sid_cm,
        axis_to_detector_cm=body.half_width + 3.0,
        facing=1,
        axis_z=body.half_depth,
        centre=(0.0, (top + bottom) / 2),
        turn=-math.pi / 2 + math.radians(2.0) * float(rng.standard_normal()),
        tilt=math.radians(1.5) * float(rng.standard_normal()),
    )
    m = geometry.magnification(body.half_depth)
    reach, half = (body.half_depth + 1.5) * m, (bottom - top) / 2 * m
    placement = on_detector((-reach, -half, reach, half), geometry, (8.0, 0.0, 8.0, 4.0), pixel_mm)
    arms_up = joined([_without_arms(body), spine_bones(body)])
    tissue = _side_on(body, placement)
    exposure = irradiate(tissue, arms_up, None, placement, technique, (_MARKED, None), rng=rng)
    return exposure, placement, technique, _MARKED


def _without_arms(body: Body) -> Cloud:
    bones = other_bones(body, mineral_seed=body.child.seed, arm_deg=5.0)
    inside = np.abs(bones.xyz[:, 0]) < body.shoulder - 0.03 * body.height
    return Cloud(xyz=bones.xyz[inside], mass=bones.mass[inside])


def _side_on(body: Body, placement: Placement) -> Trunk:
    """Return the trunk as seen from its left side, with the front to the film's left."""
    u, v = placement.drawn.axes()
    geometry, h = placement.geometry, body.height
    m = geometry.magnification(body.half_depth)
    z = body.half_depth - u / m
    y = v / m + geometry.centre[1]
    deep = body.half_depth * np.interp(
        y, [-0.03 * h, 0.0, 0.03 * h, 0.09 * h, 0.3 * h], [0.36, 0.55, 0.80, 1.0, 0.97]
    )
    wide = body.half_width * np.interp(
        y, [-0.03 * h, 0.0, 0.03 * h, 0.3 * h], [0.5, 1.0, 1.12, 0.98]
    )
    off = (z - body.half_depth * 0.98) / deep
    solid = 2 * wide * np.clip(1 - off**2, 0, None) ** 0.42
    dome = dome_y(body, -1)
    # the diaphragm falls steeply behind, and a little in front
    floor = dome + 0.055 * h * np.clip((1.15 * body.half_depth - z) / body.half_depth, 0, 1) ** 2
    floor = floor + 0.02 * h * np.clip(z / body.half_depth - 1.15, 0, 1) ** 2
    cage = np.clip(1 - ((z - body.half_depth * 0.97) / (deep * 0.86)) ** 2, 0, None)
    rise = np.clip((y - body.top("T2")) / (0.06 * h), 0, 1)
    lung = 1.55 * cage_half_width(body) * cage**0.4 * np.sqrt(rise)
    lung = lung * np.clip((floor - y) / 0.25 + 0.5, 0, 1)
    heart = ((z - 1.25 * body.half_depth) / (0.46 * body.half_depth)) ** 2
    heart = heart + ((y - dome + 0.030 * h) / (0.044 * h)) ** 2
    lung = np.clip(lung - 0.75 * body.half_width * np.sqrt(np.clip(1 - heart, 0, None)), 0, None)
    lung = np.minimum(lung, 0.85 * solid)
    soft = SOFT_G_CM3 * (solid - lung) + LUNG_G_CM3 * lung
    return Trunk(soft_g_cm2=soft.astype(np.float32), lung_cm=lung.astype(np.float32))


def _long_film(
    body: Body, site: str, pixel_mm: float, rng: np.random.Generator, *, baby: bool
) -> _Made:
    view = View.AP if baby else View.PA
    technique = draw_technique(body.child, rng, site=site, view=view)
    collimation = replace(
        draw_collimation(body.child.age_years, rng),
        lowest="L5",
        beyond=5.0 if baby else 4.2,
        above=0.03 if baby else 0.10,
        beside=(5.0, 5.0) if baby else (0.5, 0.5),
        borders_mm=(0.0, 0.0, 0.0, 6.0),
    )
    placement = place(body, technique, collimation, pixel_mm=pixel_mm, rng=rng, longest_cm=100.0)
    tissue = trunk(body, placement.geometry, placement.drawn, arm_deg=35.0, thicker_cm=0.0)
    bones = joined(
        [
            spine_bones(body),
            other_bones(body, mineral_seed=body.child.seed, arm_deg=35.0),
            pelvis(body),
        ]
    )
    exposure = irradiate(
        tissue, bones, lung_vessels(body), placement, technique, (_MARKED, None), rng=rng
    )
    return exposure, placement, technique, _MARKED


def _whole_spine(body: Body, site: str, pixel_mm: float, rng: np.random.Generator) -> _Made:
    return _long_film(body, site, pixel_mm, rng, baby=False)


def _babygram(body: Body, site: str, pixel_mm: float, rng: np.random.Generator) -> _Made:
    return _long_film(body, site, pixel_mm, rng, baby=True)


def _hand(body: Body, site: str, pixel_mm: float, rng: np.random.Generator) -> _Made:
    size = 0.052 * body.height
    technique = replace(
        draw_technique(body.child, rng, site=site, view=View.PA),
        kvp=50.0,
        mas=1.6,
        sid_cm=110.0,
        gap_cm=0.5,
        grid=False,
    )
    geometry = Geometry(
        sid_cm=110.0, axis_to_detector_cm=1.0, facing=1, axis_z=0.0, centre=(0.0, 0.0),
        tilt=math.radians(3) * float(rng.standard_normal()),
    )  # fmt: skip
    field = (-0.95 * size, -1.25 * size, 0.95 * size, 1.30 * size)
    placement = on_detector(field, geometry, (4.0, 4.0, 4.0, 4.0), pixel_mm)
    bones, flesh = hand_bones(body, size)
    tissue = hand_tissue(placement.drawn, flesh, size)
    exposure = irradiate(tissue, bones, None, placement, technique, (_MARKED, None), rng=rng)
    return exposure, placement, technique, _MARKED


def _blank(body: Body, site: str, pixel_mm: float, rng: np.random.Generator) -> _Made:
    technique = draw_technique(body.child, rng, site=site, view=View.PA)
    collimation = draw_collimation(body.child.age_years, rng)
    placement = place(body, technique, collimation, pixel_mm=pixel_mm, rng=rng)
    grid = placement.drawn
    nothing: FloatArray = np.zeros((grid.rows, grid.columns), dtype=np.float32)
    speck = Cloud(xyz=np.zeros((1, 3), dtype=np.float32), mass=np.zeros(1, dtype=np.float32))
    exposure = irradiate(
        Trunk(soft_g_cm2=nothing, lung_cm=nothing),
        speck,
        None,
        placement,
        technique,
        (_NOTHING, None),
        rng=rng,
    )
    return exposure, placement, technique, _NOTHING


_MAKERS: dict[str, Callable[[Body, str, float, np.random.Generator], _Made]] = {
    "lateral": _lateral,
    "hand": _hand,
    "whole_spine": _whole_spine,
    "babygram": _babygram,
    "blank": _blank,
}

#: Kinds of film that `odd_film` makes.
ODD_KINDS: tuple[str, ...] = tuple(_MAKERS)
