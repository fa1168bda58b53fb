"""X-ray beams: tube spectra, filters, the detector's response, and the signal behind a body.

Everything that the beam passes is written as two mass thicknesses, soft tissue and
hydroxyapatite. A table of the detected signal over both then holds beam hardening exactly, and an
image of a million pixels costs one look-up.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
DoubleArray: TypeAlias = NDArray[np.float64]

_TABLE = Path(__file__).parent.parent / "data" / "mass_attenuation_cm2_per_g.csv"

#: Densities in g/cm3.
_DENSITY = {"Al": 2.699, "Cu": 8.96}
#: CsI of 0.5 mm at 75 % packing: 0.05 cm x 4.51 g/cm3 x 0.75.
_CSI_G_CM2 = 0.169
#: K lines of tungsten: keV and share of the emission at tube voltages well above 69.5 kV.
_K_LINES = ((58.0, 0.029), (59.0, 0.05), (67.0, 0.022))
_K_EDGE_KEV = 69.5
#: Mass energy absorption of air in cm2/g by keV, which turns photons into air kerma (NIST XAAMDI).
_AIR_KEV = (10, 15, 20, 30, 40, 50, 60, 80, 100, 150)
_AIR_ABSORBS = (4.742, 1.334, 0.5389, 0.1537, 0.0683, 0.0410, 0.0304, 0.0241, 0.0233, 0.0250)
#: Soft tissue, 1.06 g/cm3, and hydroxyapatite, 3.16 g/cm3, which displaces it.
SOFT_G_CM3 = 1.06
LUNG_G_CM3 = 0.30
HYDROXYAPATITE_G_CM3 = 3.16

_SOFT_STEP = 0.25
_SOFT_NODES = 220
_MINERAL_STEP = 0.05
_MINERAL_NODES = 161


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """What makes a tube's spectrum: tube voltage and filters in mm beyond the tube's own 2.5 Al."""

    kvp: float
    added_al_mm: float = 0.0
    added_cu_mm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse voltages outside the attenuation table."""
        if not 40 <= self.kvp <= 150:
            raise ValueError("a tube voltage must lie between 40 and 150 kV")


@lru_cache(maxsize=1)
def attenuation() -> Mapping[str, DoubleArray]:
    """Return the mass attenuation coefficients in cm2/g by material, and ``energy_keV``.

    Notes
    -----
    Source: domain.md 5.1, after NIST XCOM; 10 to 150 keV in steps of 1 keV.
    """
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def spectrum(beam: Beam) -> DoubleArray:
    """Return the photons per keV that leave the tube, on the table's energies, of sum 1.

    Notes
    -----
    Kramers' law for a thick tungsten target, self-filtration as a fall towards low energies, K
    lines above the edge, then the filters.

    Source: Kramers HA, Phil Mag 1923;46:836; domain.md 5.2.
    """
    mu = attenuation()
    energy = mu["energy_keV"]
    photons = np.clip(beam.kvp / energy - 1, 0, None)
    # the target's own filter: electrons of more energy stop deeper in it
    photons = photons * np.exp(-0.5 * (beam.kvp / 90) ** 2 * (energy / 30) ** -2.8)
    if beam.kvp > _K_EDGE_KEV:
        excess = (beam.kvp / _K_EDGE_KEV - 1) ** 1.6
        total = photons.sum()
        for line, share in _K_LINES:
            photons[np.searchsorted(energy, line)] += total * share * excess
    photons = photons * np.exp(
        -mu["Al"] * _DENSITY["Al"] * (2.5 + beam.added_al_mm) / 10
        - mu["Cu"] * _DENSITY["Cu"] * beam.added_cu_mm / 10
    )
    return np.asarray(photons / photons.sum())


def half_value_layer_mm_al(beam: Beam) -> float:
    """Return the aluminium in mm that halves the air kerma."""
    mu = attenuation()
    energy = mu["energy_keV"]
    absorbed = np.exp(np.interp(np.log(energy), np.log(_AIR_KEV), np.log(_AIR_ABSORBS)))
    kerma = spectrum(beam) * energy * absorbed
    thickness_mm = np.linspace(0.5, 15, 1451)
    passed = np.exp(-np.outer(thickness_mm / 10 * _DENSITY["Al"], mu["Al"])) @ kerma
    return float(np.interp(0.5, (passed / kerma.sum())[::-1], thickness_mm[::-1]))


@lru_cache(maxsize=64)
def signal_table(beam: Beam) -> FloatArray:
    """Return ln of the detected energy behind soft tissue (rows) and mineral (columns), 0 in air.

    Notes
    -----
    Rows are 0 to 54.75 g/cm2 of soft tissue in steps of 0.25, columns 0 to 8 g/cm2 of
    hydroxyapatite in steps of 0.05. A caesium iodide screen that integrates energy.
    """
    mu = attenuation()
    energy = mu["energy_keV"]
    detected = spectrum(beam) * energy * (1 - np.exp(-mu["CsI"] * _CSI_G_CM2))
    soft = np.exp(-np.outer(np.arange(_SOFT_NODES) * _SOFT_STEP, mu["soft_tissue_icru44"]))
    mineral = np.exp(-np.outer(mu["hydroxyapatite"], np.arange(_MINERAL_NODES) * _MINERAL_STEP))
    passed = (soft * detected) @ mineral / detected.sum()
    return np.asarray(np.log(passed), dtype=np.float32)


def primary(beam: Beam, soft_g_cm2: FloatArray, mineral_g_cm2: FloatArray) -> FloatArray:
    """Return the primary signal behind a body, 1 in the open beam.

    Parameters
    ----------
    beam
        The tube's beam.
    soft_g_cm2, mineral_g_cm2
        Mass thicknesses along each ray, equal shapes, float32; held to the table's range.
    """
    table = signal_table(beam)
    row = np.clip(soft_g_cm2 * (1 / _SOFT_STEP), 0, _SOFT_NODES - 1.001).astype(np.float32)
    column = np.clip(mineral_g_cm2 * (1 / _MINERAL_STEP), 0, _MINERAL_NODES - 1.001)
    column = column.astype(np.float32)
    i, j = row.astype(np.int32), column.astype(np.int32)
    row -= i
    column -= j
    flat = table.ravel()
    at = i * _MINERAL_NODES + j
    upper = flat[at] * (1 - column) + flat[at + 1] * column
    at += _MINERAL_NODES
    lower = flat[at] * (1 - column) + flat[at + 1] * column
    return np.asarray(np.exp(upper * (1 - row) + lower * row))
