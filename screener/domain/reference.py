"""References: what children of an age and sex measure, and how far a child lies from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from screener.domain.errors import ConfigurationError, OutsideReference
from screener.domain.lms import LmsTable
from screener.domain.patient import Sex


@dataclass(frozen=True, slots=True, kw_only=True)
class BmdReference:
    """The table that turns areal bone mineral density into a Z-score.

    References differ by more than one Z between populations and devices, so a Z never travels
    without the name, device, region and version of its reference.

    Parameters
    ----------
    name, version, device, region, source
        Printed beside every Z. `region` is the vertebrae measured, such as ``"L1-L4"``.
    table
        aBMD in g/cm2.
    synthetic
        Whether it is a made-up curve that must never give a clinical Z.
    checksum
        SHA-256 of the file it came from, hexadecimal.
    """

    name: str
    version: str
    device: str
    region: str
    source: str
    table: LmsTable
    synthetic: bool
    checksum: str

    @property
    def label(self) -> str:
        """Name and version, as printed beside a Z."""
        return f"{self.name} {self.version}"

    def z_score(self, *, sex: Sex, age_years: float, abmd_g_cm2: float) -> float:
        """Return the Z-score of an aBMD for age and sex, or raise `OutsideReference`."""
        return self.table.z_score(sex, age_years, abmd_g_cm2)

    def abmd_g_cm2(self, *, sex: Sex, age_years: float, z_score: float) -> float:
        """Return the aBMD in g/cm2 that has a Z-score, or raise `OutsideReference`."""
        return self.table.value(sex, age_years, z_score)

    def age_range_years(self, sex: Sex) -> tuple[float, float]:
        """Return the ages for which the reference has values."""
        return self.table.age_range_years(sex)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthReference:
    """Height, weight and BMI for age.

    Notes
    -----
    Source: Kuczmarski RJ et al. 2000 CDC growth charts for the United States. Vital Health Stat
    11(246), 2002.
    """

    name: str
    height_cm: LmsTable
    weight_kg: LmsTable
    bmi_kg_m2: LmsTable

    def height_z(self, *, sex: Sex, age_years: float, height_m: float) -> float | None:
        """Return the height-for-age Z, or None at ages that the chart does not cover."""
        return _or_none(self.height_cm.z_score, sex, age_years, height_m * 100)

    def weight_z(self, *, sex: Sex, age_years: float, weight_kg: float) -> float | None:
        """Return the weight-for-age Z, or None at ages that the chart does not cover."""
        return _or_none(self.weight_kg.z_score, sex, age_years, weight_kg)

    def bmi_z(self, *, sex: Sex, age_years: float, bmi_kg_m2: float) -> float | None:
        """Return the BMI-for-age Z, or None at ages that the chart does not cover."""
        return _or_none(self.bmi_kg_m2.z_score, sex, age_years, bmi_kg_m2)

    def modified_height_z(self, *, sex: Sex, age_years: float, height_m: float) -> float | None:
        """Return the modified Z of a height, or None at ages that the chart does not cover."""
        return _or_none(self.height_cm.modified_z, sex, age_years, height_m * 100)

    def modified_weight_z(self, *, sex: Sex, age_years: float, weight_kg: float) -> float | None:
        """Return the modified Z of a weight, or None at ages that the chart does not cover."""
        return _or_none(self.weight_kg.modified_z, sex, age_years, weight_kg)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightBand:
    """Coefficients of one sex from `age_from` up to, and without, `age_to` years.

    In healthy children of that band, ``Z = b0 + b1 * height Z`` is what height explains.
    """

    sex: Sex
    age_from: float
    age_to: float
    b0: float
    b1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightAdjustment:
    """A site's coefficients for the height-adjusted Z of the lumbar spine.

    Parameters
    ----------
    name, version, source
        Printed beside every adjusted Z.
    checksum
        SHA-256 of the file it came from, hexadecimal.
    bands
        By sex and age; none overlaps another.
    synthetic
        Whether it is of computed children, which its label then says.

    Notes
    -----
    Source: Zemel BS et al. Height adjustment in assessing dual energy x-ray absorptiometry
    measurements of bone mass and density in children. J Clin Endocrinol Metab 2010;95:1265-1273.
    """

    name: str
    version: str
    source: str
    checksum: str
    bands: tuple[HeightBand, ...]
    synthetic: bool = False

    @property
    def label(self) -> str:
        """Name and version, as printed beside a Z."""
        return f"{self.name} {self.version}{', synthetic' if self.synthetic else ''}"

    def adjusted_z(self, sex: Sex, age_years: float, z: float, height_z: float) -> float | None:
        """Return the Z less what height explains, or None at ages without coefficients."""
        for band in self.bands:
            if band.sex is sex and band.age_from <= age_years < band.age_to:
                return z - (band.b0 + band.b1 * height_z)
        return None


def _or_none(
    z: Callable[[Sex, float, float], float], sex: Sex, age_years: float, value: float
) -> float | None:
    try:
        return z(sex, age_years, value)
    except OutsideReference:
        return None


def refuse_made_up_reference(reference: BmdReference, *, predictor_is_synthetic: bool) -> None:
    """Raise `ConfigurationError` where a made-up curve would give a child a Z."""
    if reference.synthetic and not predictor_is_synthetic:
        raise ConfigurationError(
            f"reference.bmd: {reference.name} is a made-up curve for synthetic films, and the "
            "predictor in force is for children; set it to the table of a reference for children"
        )
