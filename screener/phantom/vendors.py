"""Five made-up vendors, one at each site: their detectors and how they process a film."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.phantom.detector import Detector


class Voi(StrEnum):
    """How a film's header says that stored values become grey."""

    #: Stored values are final; Window Center and Width span them.
    WINDOW = "WINDOW"
    #: Window Center and Width with VOI LUT Function SIGMOID.
    SIGMOID = "SIGMOID"
    #: A VOI LUT Sequence.
    LUT = "LUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's detector and processing.

    Parameters
    ----------
    site
        ``A`` to ``E``.
    manufacturer, model
        Invented, and said to be synthetic.
    modality
        ``DX`` or ``CR``.
    spacing_mm, bits_stored, detector, dose_ugy
        Of the detector, and the air kerma that it is exposed to.
    voi
        How its headers carry the grey scale.
    rescale_slope
        Of a CR reader that sends a Modality LUT; None otherwise.
    percentiles
        Of log exposure within the field, which become the ends of the grey scale.
    slope, middle
        Of the sigmoid curve.
    detail_power
        Exponent for the coefficients of the Laplacian pyramid, 1 leaves them as they are.
    latitude
        Gain of the coarsest structures, below 1 flattens lung against abdomen.
    unsharp_mm, unsharp
        Radius and amount of unsharp masking.
    black_border
        Whether what the collimator hides is blackened.
    """

    site: str
    manufacturer: str
    model: str
    modality: str
    spacing_mm: float
    bits_stored: int
    detector: Detector
    dose_ugy: float
    voi: Voi
    rescale_slope: float | None
    percentiles: tuple[float, float]
    slope: float
    middle: float
    detail_power: float
    latitude: float
    unsharp_mm: float
    unsharp: float
    black_border: bool


_FLAT_PANEL = Detector(mtf50_per_mm=1.26, dqe=0.60, electronic_quanta=3.0)
_NEEDLE_PLATE = Detector(mtf50_per_mm=1.20, dqe=0.50, electronic_quanta=4.0)
_POWDER_PLATE = Detector(mtf50_per_mm=1.20, dqe=0.27, electronic_quanta=5.0)

#: By site.
VENDORS: dict[str, Vendor] = {
    vendor.site: vendor
    for vendor in (
        Vendor(
            site="A", manufacturer="Aldine Imaging (synthetic)", model="Panora DR 43",
            modality="DX", spacing_mm=0.148, bits_stored=12, detector=_FLAT_PANEL, dose_ugy=2.5,
            voi=Voi.LUT, rescale_slope=None, percentiles=(1.0, 99.0), slope=4.2, middle=0.54,
            detail_power=0.74, latitude=0.80, unsharp_mm=6.0, unsharp=0.5, black_border=True,
        ),
        Vendor(
            site="B", manufacturer="Borealis X-Ray (synthetic)", model="Lumen 3543C",
            modality="DX", spacing_mm=0.139, bits_stored=14, detector=_FLAT_PANEL, dose_ugy=2.2,
            voi=Voi.WINDOW, rescale_slope=None, percentiles=(0.5, 99.5), slope=4.6, middle=0.58,
            detail_power=0.84, latitude=0.90, unsharp_mm=10.0, unsharp=0.4, black_border=True,
        ),
        Vendor(
            site="C", manufacturer="Cirrus Medical (synthetic)", model="CR-Velo",
            modality="CR", spacing_mm=0.200, bits_stored=10, detector=_POWDER_PLATE, dose_ugy=3.6,
            voi=Voi.WINDOW, rescale_slope=None, percentiles=(1.5, 99.5), slope=4.8, middle=0.60,
            detail_power=0.88, latitude=0.9, unsharp_mm=12.0, unsharp=0.5, black_border=False,
        ),
        Vendor(
            site="D", manufacturer="Dorado Diagnostics (synthetic)", model="FreeDR 100",
            modality="DX", spacing_mm=0.160, bits_stored=12, detector=_FLAT_PANEL, dose_ugy=1.6,
            voi=Voi.SIGMOID, rescale_slope=None, percentiles=(1.0, 99.5), slope=4.2, middle=0.52,
            detail_power=0.68, latitude=0.72, unsharp_mm=4.0, unsharp=0.6, black_border=True,
        ),
        Vendor(
            site="E", manufacturer="Estuary Health (synthetic)", model="NeedlePlate NX",
            modality="CR", spacing_mm=0.175, bits_stored=12, detector=_NEEDLE_PLATE, dose_ugy=2.8,
            voi=Voi.WINDOW, rescale_slope=0.25, percentiles=(0.5, 99.0), slope=4.6, middle=0.58,
            detail_power=0.78, latitude=0.85, unsharp_mm=8.0, unsharp=0.3, black_border=False,
        ),
    )
}  # fmt: skip
