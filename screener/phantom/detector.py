"""Scatter, the detector's blur, and its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from screener.phantom.beam import FloatArray

#: Photons per mm2 and uGy behind 12 cm at 70 kVp (domain.md 5.2).
_PHOTONS_PER_MM2_UGY = 2.8e4
#: Gauss-Laguerre nodes and weights. 1/(1 + x^2) is a mixture of exp(-t x^2) over t, and each of
#: those is the transform of a Gaussian.
_MTF_NODES = ((0.32255, 0.60315), (1.74576, 0.35742), (4.53662, 0.03889), (9.39507, 0.00054))
#: The same for 1/(1 + x^2)^0.7, by which noise is blurred: generalised nodes with alpha = -0.3.
_NOISE_NODES = ((0.21293, 0.68031), (1.50127, 0.29215), (4.17205, 0.02720), (8.91374, 0.00034))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector.

    Parameters
    ----------
    mtf50_per_mm
        Spatial frequency at which contrast falls to a half.
    dqe
        Share of the quanta that count.
    electronic_quanta
        Its electronic noise, in quanta a pixel of 0.15 mm.
    """

    mtf50_per_mm: float = 1.26
    dqe: float = 0.6
    electronic_quanta: float = 3.0


def scatter(
    primary: FloatArray, water_cm: FloatArray, field: FloatArray, *, pixel_cm: float, grid: bool
) -> FloatArray:
    """Return the scattered radiation that reaches each pixel, in the primary's units.

    Parameters
    ----------
    primary
        The open beam is 1; 0 outside the field.
    water_cm
        Soft tissue along each ray, in cm of soft tissue.
    field
        1 where the collimator lets the beam through.
    pixel_cm
        Of all three images.
    grid
        Whether an antiscatter grid stood before the detector.

    Notes
    -----
    What a column of tissue scatters spreads over 3 cm; the more tissue, the more of it there is,
    and the less primary is left beside it. Ratios of scatter to primary of 1 to 2 in the lungs and
    3 to 7 behind the spine come out without a grid (domain.md 5.3).
    """
    shrink = max(round(0.4 / pixel_cm), 1)
    size = (max(primary.shape[1] // shrink, 8), max(primary.shape[0] // shrink, 8))
    small = [cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (primary, water_cm, field)]
    cell_cm = pixel_cm * primary.shape[1] / size[0]
    ratio = np.clip(1.6 * (1 + 0.15 * (small[1] - 10)), 0.05, 4.0) * small[2]
    source = small[0] * ratio
    sigma = 3.0 / cell_cm
    # beyond the field's edge nothing scatters back
    spread = cv2.GaussianBlur(source, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    if grid:
        spread = spread * 0.30
    return np.asarray(
        cv2.resize(spread, primary.shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32
    )


def blurred(image: FloatArray, detector: Detector, pixel_mm: float) -> FloatArray:
    """Return an image through the detector's MTF, ``1 / (1 + (f / f50)^2)``."""
    return _mixture(image, _MTF_NODES, detector, pixel_mm)


def exposed(
    signal: FloatArray,
    detector: Detector,
    *,
    dose_ugy: float,
    reference: float,
    pixel_mm: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the signal as the detector reads it, with blur and noise.

    Parameters
    ----------
    signal
        Primary and scatter, any scale.
    detector
        Its MTF, DQE and electronic noise.
    dose_ugy
        Air kerma at the detector where the signal equals `reference`.
    reference
        A signal.
    pixel_mm
        Size of a pixel; its area collects the quanta.
    rng
        Of the noise.

    Notes
    -----
    Quanta are many enough for a Gaussian of their square root; the screen blurs the noise, by
    MTF^0.7.
    """
    blurry = blurred(signal, detector, pixel_mm)
    per_unit = quanta_per_signal(detector, dose_ugy, reference, pixel_mm)
    # electronic noise is the amplifier's: one share for each native pixel that is binned
    electronic = detector.electronic_quanta * max(pixel_mm / 0.15, 1.0)
    sd = np.sqrt(np.clip(blurry, 0, None) * per_unit + electronic**2)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    noise = _mixture(noise, _NOISE_NODES, detector, pixel_mm)
    return np.asarray(blurry + noise * sd * np.float32(1 / per_unit), dtype=np.float32)


def quanta_per_signal(
    detector: Detector, dose_ugy: float, reference: float, pixel_mm: float
) -> float:
    """Return how many quanta that count one unit of signal stands for in a pixel."""
    return detector.dqe * _PHOTONS_PER_MM2_UGY * dose_ugy * pixel_mm**2 / reference


def _mixture(
    image: FloatArray,
    nodes: tuple[tuple[float, float], ...],
    detector: Detector,
    pixel_mm: float,
) -> FloatArray:
    total = math.fsum(weight for _, weight in nodes)
    out = np.zeros_like(image)
    for node, weight in nodes:
        # exp(-t (f / f50)^2) belongs to a Gaussian of this width
        sigma = math.sqrt(node / 2) / (math.pi * detector.mtf50_per_mm * pixel_mm)
        part = image if sigma < 0.2 else cv2.GaussianBlur(image, (0, 0), sigma)
        out += np.float32(weight / total) * part
    return out
