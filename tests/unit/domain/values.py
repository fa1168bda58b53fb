"""Values that the tests of the domain are made from: a boy of ten and a half, and his film."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from screener.domain.eligibility import ScoringLimits, View
from screener.domain.estimate import FilmInStudy
from screener.domain.identifiers import (
    ScreeningId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
)
from screener.domain.instance import Identity, InstanceHeader, PixelFacts
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import ClinicalVariables, Measurement, Sex, Source
from screener.domain.prediction import Prediction, PredictorIdentity
from screener.domain.reference import BmdReference, GrowthReference

TODAY = date(2026, 9, 20)
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CR = "1.2.840.10008.5.1.4.1.1.1"
LIMITS = ScoringLimits(min_age_years=3.0, max_age_years=18.0, predictor_is_synthetic=True)

IDENTITY = Identity(
    patient_id="ZZ-SYNTHETIC-1",
    issuer="ZZ",
    birth_date=date(2016, 3, 1),
    sex="M",
    accession_number="ZZ0001",
)
PIXELS = PixelFacts(
    rows=2500,
    columns=2000,
    frames=1,
    samples_per_pixel=1,
    bits_stored=12,
    photometric_interpretation="MONOCHROME2",
    spacing_mm=(0.15, 0.15),
    lossy=False,
    present=True,
)
HEADER = InstanceHeader(
    sop_class_uid=DX,
    sop_instance_uid=SopInstanceUid("1.2.3"),
    study_instance_uid=StudyInstanceUid("1.2.4"),
    series_instance_uid=SeriesInstanceUid("1.2.5"),
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    identity=IDENTITY,
    patient_age="010Y",
    patient_size=1.4,
    patient_weight=33.5,
    modality="DX",
    image_type=("DERIVED", "PRIMARY"),
    presentation_intent="FOR PRESENTATION",
    body_part="CHEST",
    anatomic_region_codes=("816094009|SCT",),
    view_position="PA",
    view_codes=("272479007|SCT",),
    descriptions=("Chest", "PA"),
    acquired_on=date(2026, 9, 14),
    acquired_on_source="AcquisitionDate",
    quality_control_image=True,
    manufacturer="Synthetic",
    device_model="Phantom",
    made_by_screener=False,
    pixels=PIXELS,
)
#: A header that leaves everything empty that says what the film shows.
SILENT: dict[str, Any] = {
    "body_part": None,
    "anatomic_region_codes": (),
    "view_position": None,
    "view_codes": (),
    "descriptions": (),
}

PREDICTOR = PredictorIdentity(name="phantom", version="1", checksum="ab" * 32, synthetic=True)


def header(
    *, identity: dict[str, Any] | None = None, pixels: dict[str, Any] | None = None, **changes: Any
) -> InstanceHeader:
    """Return the film's header with changes, also inside its identity and pixel facts."""
    return replace(
        HEADER,
        identity=replace(IDENTITY, **(identity or {})),
        pixels=replace(PIXELS, **(pixels or {})),
        **changes,
    )


def flat_table(m: float, s: float, *, low: float = 0.0, high: float = 25.0) -> LmsTable:
    """Return a table with L = 1 and the same M and S at all ages: Z is (x - M) / (M S)."""
    curve = LmsCurve(ages_years=(low, high), l=(1.0, 1.0), m=(m, m), s=(s, s))
    return LmsTable(curves={Sex.MALE: curve, Sex.FEMALE: curve})


#: Of 0.8 g/cm2 with an SD of 0.1 g/cm2: an aBMD of 0.6 is a Z of -2.
BMD = BmdReference(
    name="flat",
    version="1",
    device="none",
    region="L1-L4",
    source="made for tests",
    table=flat_table(0.8, 0.125),
    synthetic=True,
    checksum="00",
)
#: Of 140 cm with an SD of 7 cm, 35 kg with an SD of 7 kg.
GROWTH = GrowthReference(
    name="flat",
    height_cm=flat_table(140, 0.05),
    weight_kg=flat_table(35, 0.2),
    bmi_kg_m2=flat_table(17, 0.15),
)


def clinical(**changes: Any) -> ClinicalVariables:
    """Return what is known of the boy."""
    known = ClinicalVariables(
        age_years=10.5,
        sex=Sex.MALE,
        height_m=Measurement(value=1.4, source=Source.HEADER),
        weight_kg=Measurement(value=33.5, source=Source.HEADER),
    )
    return replace(known, **changes)


def prediction(z: float, *, width_z: float = 2.0, **changes: Any) -> Prediction:
    """Return a prediction with a Z by the flat reference and an interval around it."""
    abmd = 0.8 + 0.1 * z
    made = Prediction(
        abmd_g_cm2=abmd,
        abmd_low_g_cm2=abmd - 0.05 * width_z,
        abmd_high_g_cm2=abmd + 0.05 * width_z,
        interval_level=0.9,
        predictor=PREDICTOR,
        contributions=(),
        attention=None,
        input_field=None,
        input_digest="00",
    )
    return replace(made, **changes)


def film(number: int = 1, z: float = -1.0, *, width_z: float = 2.0, **changes: Any) -> FilmInStudy:
    """Return a scored film of the boy."""
    scored = FilmInStudy(
        screening_id=ScreeningId(number),
        identity=IDENTITY,
        prediction=prediction(z, width_z=width_z),
        view=View.PA,
        clinical=clinical(),
    )
    return replace(scored, **changes)


def unscored(number: int, reason: str | None = "LATERAL_VIEW", **changes: Any) -> FilmInStudy:
    """Return a film without a prediction."""
    without = FilmInStudy(
        screening_id=ScreeningId(number), identity=IDENTITY, prediction=None, reason=reason
    )
    return replace(without, **changes)
