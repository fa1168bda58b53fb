"""From the detector's signal to the values that a vendor stores for presentation.

This step destroys the absolute grey level, as it does in life: what is left of the mineral is
local contrast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from screener.phantom.beam import FloatArray
from screener.phantom.vendors import Vendor, Voi

#: Stored values of films whose header carries the curve reach this far beyond both percentiles.
_MARGIN = 0.25
#: Entries of a VOI LUT, and the bits of each.
_LUT_ENTRIES = 4096
LUT_BITS = 16
#: Log exposure above which something lies in the beam.
_OPEN_BEAM = 0.12
#: Pixel at which noise stops: finer levels of the pyramid are not amplified.
_DETAIL_FROM_MM = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyScale:
    """How stored values become grey, 0 black to 1 white, before MONOCHROME1 turns it round.

    Parameters
    ----------
    voi
        Which of the ways.
    center, width
        In stored values; for `Voi.LUT` the range that it maps.
    lut
        ``[4096]`` uint16 for `Voi.LUT`, else None; the first entry is for `first`.
    first
        The stored value of the LUT's first entry.
    """

    voi: Voi
    center: float
    width: float
    lut: NDArray[np.uint16] | None = None
    first: int = 0


def varied(vendor: Vendor, rng: np.random.Generator) -> Vendor:
    """Return a vendor's processing as one film got it: curves differ with menu and operator."""
    g = rng.standard_normal(6)
    return replace(
        vendor,
        slope=vendor.slope * math.exp(0.08 * g[0]),
        middle=vendor.middle + 0.025 * g[1],
        detail_power=min(vendor.detail_power * math.exp(0.04 * g[2]), 1.0),
        latitude=vendor.latitude * math.exp(0.04 * g[3]),
        unsharp=vendor.unsharp * math.exp(0.15 * g[4]),
        dose_ugy=vendor.dose_ugy * math.exp(0.30 * g[5]),
    )


def processed(
    signal: FloatArray, field: NDArray[np.bool_], vendor: Vendor, pixel_mm: float
) -> FloatArray:
    """Return log exposure after a vendor's processing, 0 at one percentile and 1 at the other.

    Parameters
    ----------
    signal
        The open beam is about 1; noise may take it below 0.
    field
        What the collimator let through; percentiles are taken there, outside the open beam.
    vendor
        The parameters.
    pixel_mm
        Size of a pixel.
    """
    log = -np.log10(np.clip(signal, 2e-4, None))
    stride = max(round(1.2 / pixel_mm), 1)
    sample = log[::stride, ::stride][field[::stride, ::stride]]
    behind = sample > _OPEN_BEAM
    body = sample[behind] if np.count_nonzero(behind) > 200 else sample
    low, high = (float(v) for v in np.percentile(body, vendor.percentiles))
    scaled = np.clip((log - low) / max(high - low, 0.2), -0.6, 1.6).astype(np.float32)
    x = _equalised(scaled, vendor, pixel_mm)
    sigma = vendor.unsharp_mm / 2 / pixel_mm
    shrink = max(int(sigma / 3), 1)
    small = cv2.resize(x, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    soft = cv2.resize(soft, x.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(x + np.float32(vendor.unsharp) * (x - soft), dtype=np.float32)


def _equalised(x: FloatArray, vendor: Vendor, pixel_mm: float) -> FloatArray:
    """Return the image with its small contrasts raised and its coarse ones lowered."""
    levels: list[FloatArray] = []
    image = x
    while min(image.shape) > 24 and len(levels) < 9:
        coarse = np.asarray(cv2.pyrDown(image), dtype=np.float32)
        finer = cv2.pyrUp(coarse, dstsize=image.shape[::-1])
        levels.append(np.asarray(image - finer, dtype=np.float32))
        image = coarse
    middle = float(image.mean())
    image = middle + (image - middle) * np.float32(vendor.latitude)
    for i, detail in reversed(list(enumerate(levels))):
        size_mm = pixel_mm * 2**i
        image = np.asarray(cv2.pyrUp(image, dstsize=detail.shape[::-1]), dtype=np.float32)
        if size_mm < _DETAIL_FROM_MM:
            image += detail
        elif size_mm > 20:
            image += detail * np.float32(vendor.latitude)
        else:
            # |c|^p, held finite towards 0, and 1 for a contrast of a quarter of the scale
            size = np.abs(detail)
            size += 0.015
            size *= 4
            image += detail * cv2.pow(size, vendor.detail_power - 1)
    return np.asarray(image, dtype=np.float32)


def stored(
    x: FloatArray, field: NDArray[np.bool_], vendor: Vendor
) -> tuple[NDArray[np.uint16], GreyScale]:
    """Return the values to store for MONOCHROME2, and how they become grey."""
    top = 2**vendor.bits_stored - 1
    if vendor.voi is Voi.WINDOW:
        y = _sigmoid(x, vendor)
        values = (0.04 + 0.92 * y) * top
        # PS3.3 C.11.2.1.2: a linear window is centred half a value above, and is one wider
        scale = GreyScale(voi=vendor.voi, center=0.5 * top + 0.5, width=0.92 * top + 1)
    else:
        values = (x + _MARGIN) * (top / (1 + 2 * _MARGIN))
        scale = _curve(vendor, top)
    values = np.clip(np.rint(values), 0, top).astype(np.uint16)
    if vendor.black_border:
        values[~field] = 0
    return values, scale


def _curve(vendor: Vendor, top: int) -> GreyScale:
    if vendor.voi is Voi.SIGMOID:
        # PS3.3 C.11.2.1.3.1: 1 / (1 + exp(-4 (v - c) / w))
        unit = top / (1 + 2 * _MARGIN)
        center = (vendor.middle + _MARGIN) * unit
        return GreyScale(
            voi=Voi.SIGMOID, center=round(center, 1), width=round(4 / vendor.slope * unit, 1)
        )
    entries = min(_LUT_ENTRIES, top + 1)
    at = np.linspace(-_MARGIN, 1 + _MARGIN, entries, dtype=np.float32)
    lut = np.rint(_sigmoid(at, vendor) * (2**LUT_BITS - 1)).astype(np.uint16)
    return GreyScale(voi=Voi.LUT, center=(top + 1) / 2, width=top + 1, lut=lut)


def _sigmoid(x: FloatArray, vendor: Vendor) -> FloatArray:
    ends = [1 / (1 + math.exp(-vendor.slope * (v - vendor.middle))) for v in (-0.15, 1.15)]
    y = 1 / (1 + np.exp(-vendor.slope * (x - vendor.middle)))
    return np.asarray(np.clip((y - ends[0]) / (ends[1] - ends[0]), 0, 1), dtype=np.float32)


def turned_round(
    pixels: NDArray[np.uint16], scale: GreyScale, bits_stored: int
) -> tuple[NDArray[np.uint16], GreyScale]:
    """Return a film as MONOCHROME1: other stored values, the same picture."""
    top = 2**bits_stored - 1
    lut = None if scale.lut is None else (2**LUT_BITS - 1 - scale.lut)[::-1].copy()
    # the half value of a linear window stays on its side
    center = top - scale.center + (1.0 if scale.voi is Voi.WINDOW else 0.0)
    return (top - pixels).astype(np.uint16), replace(scale, center=center, lut=lut)
