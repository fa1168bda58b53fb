"""Takes the film of a synthetic child: one call from the child to stored pixel values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from screener.domain.eligibility import View
from screener.phantom.anatomy import Body, build_body
from screener.phantom.beam import FloatArray
from screener.phantom.clouds import Cloud, joined
from screener.phantom.cohort import Child, stream
from screener.phantom.confounders import Extras, draw_extras, objects
from screener.phantom.detector import exposed
from screener.phantom.opacities import with_opacity
from screener.phantom.overlays import Further, draw_further, overlaid
from screener.phantom.processing import GreyScale, processed, stored, turned_round, varied
from screener.phantom.projection import Grid
from screener.phantom.scene import (
    DEPTH_SD_CM,
    Exposure,
    Placement,
    body_outlines,
    irradiate,
    place,
)
from screener.phantom.skeleton import other_bones
from screener.phantom.spine import spine_bones
from screener.phantom.technique import Technique, draw_collimation, draw_technique
from screener.phantom.thorax import trunk
from screener.phantom.vendors import VENDORS, Vendor
from screener.phantom.vessels import lung_vessels

#: Of the spine mask; one of its pixels covers this many of the film's, each way.
MASK_SHRINK = 4
_MONOCHROME1_SHARE = 0.15
#: Points for each one of a bone that is seen far askew.
_SCATTERED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film of a synthetic child, with its truth.

    Parameters
    ----------
    kind
        ``chest``, or what `screener.phantom.odd` makes.
    pixels
        ``[rows, columns]`` uint16, stored values within `bits_stored`.
    bits_stored, photometric_interpretation, spacing_mm
        As the header will say; spacing at the detector.
    grey_scale
        How stored values become grey.
    site, vendor, technique
        Where and how it was taken.
    seed
        Of this film.
    lowest_visible, visible
        Vertebrae whose whole body is in the field: the lowest one, and all.
    spine_mask
        Vertebral bodies in the field; bool, one pixel for `MASK_SHRINK` of the film's each way.
    extras
        Objects in the film.
    cobb_deg, turn_deg
        Scoliosis, and rotation about the upright axis.
    abmd_g_cm2, z
        The child's truth.
    """

    kind: str
    pixels: NDArray[np.uint16]
    bits_stored: int
    photometric_interpretation: str
    spacing_mm: float
    grey_scale: GreyScale
    site: str
    vendor: Vendor
    technique: Technique
    seed: int
    lowest_visible: str
    visible: tuple[str, ...]
    spine_mask: NDArray[np.bool_]
    extras: Extras
    cobb_deg: float
    turn_deg: float
    abmd_g_cm2: float
    z: float

    @property
    def view(self) -> View:
        """PA or AP."""
        return self.technique.view


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What of a film is not left to chance.

    Parameters
    ----------
    lowest
        The level that the lower edge of the field passes, ``T9`` to ``L4``; None draws one.
    port
        Whether the child has a port; None draws it.
    over_spine
        Of `confounders.OVER_SPINE`; None leaves it to chance, which gives rods to one child in a
        hundred.
    cobb_deg, turn_deg
        Scoliosis, and rotation about the upright axis; None draws them.
    clear
        Without opacity, shield and rods, whatever chance draws.
    """

    lowest: str | None = None
    port: bool | None = None
    over_spine: str | None = None
    cobb_deg: float | None = None
    turn_deg: float | None = None
    clear: bool = False


_CHANCE = Staging()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A child before the detector, and how it is exposed."""

    body: Body
    technique: Technique
    placement: Placement


def expose(
    child: Child,
    *,
    seed: int,
    site: str = "A",
    view: View | None = None,
    spacing_mm: float | None = None,
    photometric_interpretation: str | None = None,
    staging: Staging = _CHANCE,
) -> Film:
    """Take a frontal chest film of a child.

    Parameters
    ----------
    child
        Whom.
    seed
        Of this film: position, field, exposure, noise. The same child, seed, site and arguments
        give the same pixels.
    site
        ``A`` to ``E``: detector and processing.
    view
        PA or AP; None draws one by age.
    spacing_mm
        Pixel size at the detector, 0.1 to 2; None is the site's own.
    photometric_interpretation
        MONOCHROME1 or MONOCHROME2; None draws MONOCHROME1 in 15 %.
    staging
        What is not left to chance.

    Raises
    ------
    ValueError
        An argument is none of these.
    """
    scene = _set_up(child, seed=seed, site=site, view=view, spacing_mm=spacing_mm, staging=staging)
    body, technique, placement = scene.body, scene.technique, scene.placement

    def of(purpose: str) -> np.random.Generator:
        return stream(child.seed, "film", seed, purpose)

    arm_deg = float(of("arms").uniform(12, 40))
    extras = draw_extras(child.seed, of("extras"), supine=technique.supine)
    if staging.port is not None:
        extras = replace(extras, port=staging.port)
    worn = objects(body, extras, of("objects"))
    further = _further(child.seed, seed, staging)
    overlay = overlaid(further, extras, body, placement, film_seed=seed, supine=technique.supine)
    things = [thing for thing in (worn, overlay.cloud) if thing is not None]
    tissue = trunk(
        body,
        placement.geometry,
        placement.drawn,
        arm_deg=arm_deg,
        thicker_cm=DEPTH_SD_CM * float(of("depth").standard_normal()),
    )
    if further.opacity is not None:
        tissue = with_opacity(
            tissue,
            further.opacity,
            body,
            placement.geometry,
            placement.drawn,
            supine=technique.supine,
        )
    others = other_bones(body, mineral_seed=_mineral_seed(child, seed), arm_deg=arm_deg)
    bones = joined([spine_bones(body), others])
    if staging.turn_deg is not None:
        bones = _scattered(bones, of("scattered"))
    exposure = irradiate(
        overlay.emptied(tissue),
        bones,
        lung_vessels(body),
        placement,
        technique,
        (overlay.extras, joined(things) if things else None),
        rng=of("tissue"),
        over=overlay.layer,
    )
    return finish(
        exposure,
        placement,
        child,
        kind="chest",
        body=body,
        technique=technique,
        extras=overlay.extras,
        seed=seed,
        site=site,
        photometric_interpretation=photometric_interpretation,
    )


def spine_mask_of(
    child: Child,
    *,
    seed: int,
    site: str = "A",
    view: View | None = None,
    spacing_mm: float | None = None,
    staging: Staging = _CHANCE,
) -> NDArray[np.bool_]:
    """Return the spine mask of the film that `expose` would take, without taking it."""
    scene = _set_up(child, seed=seed, site=site, view=view, spacing_mm=spacing_mm, staging=staging)
    return spine_truth(scene.body, scene.placement)[1]


def _set_up(
    child: Child,
    *,
    seed: int,
    site: str,
    view: View | None,
    spacing_mm: float | None,
    staging: Staging,
) -> _Scene:
    if view not in {None, View.PA, View.AP}:
        raise ValueError("a frontal film of the phantom is PA or AP")
    vendor = _vendor(site)
    pixel_mm = vendor.spacing_mm if spacing_mm is None else spacing_mm
    if not 0.1 <= pixel_mm <= 2:
        raise ValueError("spacing_mm must lie between 0.1 and 2")

    def of(purpose: str) -> np.random.Generator:
        return stream(child.seed, "film", seed, purpose)

    technique = draw_technique(child, of("technique"), site=site, view=view)
    collimation = draw_collimation(child.age_years, of("collimation"))
    if staging.lowest is not None:
        collimation = replace(collimation, lowest=staging.lowest)
    body = build_body(child, mineral_seed=_mineral_seed(child, seed), cobb_deg=staging.cobb_deg)
    placement = place(body, technique, collimation, pixel_mm=pixel_mm, rng=of("placement"))
    if staging.turn_deg is not None:
        turn = math.radians(staging.turn_deg)
        # an oval, seen askew
        narrowing = math.hypot(math.cos(turn), math.sin(turn) * body.half_depth / body.half_width)
        turned = replace(placement.geometry, turn=turn, narrowing=narrowing)
        placement = replace(placement, geometry=turned)
    return _Scene(body=body, technique=technique, placement=placement)


def _further(child_seed: int, seed: int, staging: Staging) -> Further:
    drawn = Further() if staging.clear else draw_further(child_seed, seed)
    return replace(drawn, over_spine=staging.over_spine or drawn.over_spine)


def _scattered(bones: Cloud, rng: np.random.Generator) -> Cloud:
    """Return bones whose points no longer line up: seen askew, their rows would beat."""
    shape = (_SCATTERED, *bones.xyz.shape)
    moved = bones.xyz + np.float32(0.035) * rng.standard_normal(shape, dtype=np.float32)
    mass = np.tile(bones.mass / np.float32(_SCATTERED), _SCATTERED)
    return Cloud(xyz=moved.reshape(-1, 3), mass=mass)


def finish(
    exposure: Exposure,
    placement: Placement,
    child: Child,
    *,
    kind: str,
    body: Body,
    technique: Technique,
    extras: Extras,
    seed: int,
    site: str,
    photometric_interpretation: str | None,
) -> Film:
    """Return the film that a site's detector and processing make of an exposure."""
    vendor = varied(_vendor(site), stream(child.seed, "film", seed, site, "processing"))
    x, field = develop(exposure, placement, vendor, stream(child.seed, "film", seed, "noise"))
    pixels, scale = stored(x, field, vendor)
    pixel_mm = placement.grid.pixel * 10
    annotate(pixels, vendor.bits_stored, pixel_mm)
    chance = float(stream(child.seed, "film", seed, "photometric").random())
    drawn = "MONOCHROME1" if chance < _MONOCHROME1_SHARE else "MONOCHROME2"
    photometric = drawn if photometric_interpretation is None else photometric_interpretation
    if photometric == "MONOCHROME1":
        pixels, scale = turned_round(pixels, scale, vendor.bits_stored)
    visible, mask = spine_truth(body, placement)
    return Film(
        kind=kind,
        pixels=pixels,
        bits_stored=vendor.bits_stored,
        photometric_interpretation=photometric,
        spacing_mm=round(pixel_mm, 6),
        grey_scale=scale,
        site=site,
        vendor=vendor,
        technique=technique,
        seed=seed,
        lowest_visible=visible[-1] if visible else "",
        visible=visible,
        spine_mask=mask,
        extras=extras,
        cobb_deg=body.cobb,
        turn_deg=math.degrees(placement.geometry.turn),
        abmd_g_cm2=child.abmd_g_cm2,
        z=child.z,
    )


def develop(
    exposure: Exposure, placement: Placement, vendor: Vendor, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return processed log exposure on the film's own pixels, and where the field is."""
    grid = placement.grid
    size = (grid.columns, grid.rows)
    signal = cv2.resize(exposure.signal, size, interpolation=cv2.INTER_CUBIC)
    lung = exposure.signal[exposure.lung_cm > 3]
    reference = float(lung.mean()) if lung.size else float(exposure.signal.mean())
    read = exposed(
        np.maximum(signal, 0),
        vendor.detector,
        dose_ugy=vendor.dose_ugy,
        reference=reference,
        pixel_mm=grid.pixel * 10,
        rng=rng,
    )
    field = placement.field_mask(grid) > 0.5
    return processed(read, field, vendor, grid.pixel * 10), field


def annotate(pixels: NDArray[np.uint16], bits_stored: int, pixel_mm: float) -> None:
    """Burn the word SYNTHETIC into a corner of a MONOCHROME2 film, white on black."""
    height = max(int(4.0 / pixel_mm), 9)
    font, scale, thick = cv2.FONT_HERSHEY_SIMPLEX, height / 22, max(height // 10, 1)
    (width, _), _ = cv2.getTextSize("SYNTHETIC", font, scale, thick)
    box = np.zeros((int(1.9 * height), width + height), dtype=np.uint8)
    at = (height // 2, int(1.4 * height))
    cv2.putText(box, "SYNTHETIC", at, font, scale, 255, thick, cv2.LINE_AA)
    rows, columns = min(box.shape[0], pixels.shape[0]), min(box.shape[1], pixels.shape[1])
    values = box[:rows, :columns].astype(np.float32) * ((2**bits_stored - 1) / 255)
    pixels[-rows:, :columns] = np.rint(values).astype(np.uint16)


def spine_truth(body: Body, placement: Placement) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return the vertebrae whose whole body is in the field, and the mask of all bodies in it."""
    grid = placement.grid
    left, top, right, bottom = placement.field
    left, right = max(left, grid.left), min(right, grid.right)
    top, bottom = max(top, grid.top), min(bottom, grid.bottom)
    shape = (-(-grid.rows // MASK_SHRINK), -(-grid.columns // MASK_SHRINK))
    mask = np.zeros(shape, dtype=np.uint8)
    visible = []
    for name, outline in body_outlines(body, placement.geometry).items():
        cell = grid.pixel * MASK_SHRINK
        corners = (outline - [grid.left, grid.top]) / cell - 0.5
        cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
        (u0, v0), (u1, v1) = outline.min(axis=0), outline.max(axis=0)
        if u0 >= left and u1 <= right and v0 >= top and v1 <= bottom:
            visible.append(name)
    rows = slice(_cell(top - grid.top, grid), _cell(bottom - grid.top, grid) + 1)
    columns = slice(_cell(left - grid.left, grid), _cell(right - grid.left, grid) + 1)
    inside = np.zeros(shape, dtype=np.bool_)
    inside[rows, columns] = mask[rows, columns] > 0
    return tuple(visible), inside


def _cell(at_cm: float, grid: Grid) -> int:
    return max(int(at_cm / (grid.pixel * MASK_SHRINK)), 0)


def _mineral_seed(child: Child, seed: int) -> int:
    return int(stream(child.seed, "film", seed, "mineral").integers(2**62))


def _vendor(site: str) -> Vendor:
    try:
        return VENDORS[site]
    except KeyError:
        raise ValueError(f"site {site!r}: it is one of {', '.join(VENDORS)}") from None
