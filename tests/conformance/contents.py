"""Synthetic films, and report contents that together reach every branch of the result objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from screener.domain.catalogue import CATALOGUES, Language
from screener.domain.eligibility import View
from screener.domain.estimate import Estimate
from screener.domain.finding import Finding, FindingReason, Verdict
from screener.domain.identifiers import (
    ScreeningId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
)
from screener.domain.instance import Identity, InstanceHeader, PixelFacts
from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.domain.prediction import (
    AttentionMap,
    Contribution,
    InputField,
    LowProbability,
    Prediction,
    PredictorIdentity,
)
from screener.domain.report import (
    EarlierResult,
    NotScoredFilm,
    Predecessor,
    ReportContent,
    ScoredFilm,
)
from screener.domain.withdrawal import withdrawing_finding
from screener.domain.wording import reference_statement
from screener.storage.references import load_bmd_reference

#: What no text of ours may say of a child: ISCD 2019 and AAP 2016, and no advice on therapy.
FORBIDDEN = re.compile(
    r"osteopor|osteopen|\bt-?score|fracture risk|\bnormal\b|diagnos|monitor|treat|therap", re.I
)
DX = "1.2.840.10008.5.1.4.1.1.1.1"
STUDY_UID = "1.2.826.0.1.3680043.8.498.1"
ROWS, COLUMNS = 600, 500
REFERENCE = load_bmd_reference("synthetic-demo")
PREDICTOR = PredictorIdentity(
    name="phantom-resnet50", version="1", checksum="9f" * 32, synthetic=True
)
CONCLUDED_AT = datetime(2026, 11, 24, 3, 40, 12, 345678, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A content with the films that it names."""

    content: ReportContent
    sources: Mapping[ScreeningId, bytes]


def film_uid(number: int) -> str:
    return f"{STUDY_UID}.1.{number}"


def make_source(number: int = 1, **changes: Any) -> bytes:
    """Return a DX film; an attribute is changed by its keyword, and left out by None."""
    film = Dataset()
    film.SpecificCharacterSet = "ISO_IR 100"
    film.ImageType = ["ORIGINAL", "PRIMARY", ""]
    film.SOPClassUID = DX
    film.SOPInstanceUID = film_uid(number)
    film.StudyInstanceUID = STUDY_UID
    film.SeriesInstanceUID = f"{STUDY_UID}.1"
    film.StudyDate, film.StudyTime = "20261123", "081500"
    film.AcquisitionDate, film.AcquisitionTime = "20261123", "081730"
    film.AccessionNumber, film.StudyID = "A-1001", "S1"
    film.Modality, film.Manufacturer = "DX", "Synthetic Modality"
    film.ReferringPhysicianName = "Doe^Jane"
    film.StudyDescription = "Chest PA"
    film.ManufacturerModelName = "Phantom 1"
    film.PatientName, film.PatientID = "ZZ-SYNTHETIC^Eleven", "SYN-11"
    film.IssuerOfPatientID = "HOSPITAL"
    film.PatientBirthDate, film.PatientSex = "20140602", "M"
    film.PatientAge, film.PatientSize, film.PatientWeight = "012Y", "1.42", "34.5"
    film.BodyPartExamined, film.ViewPosition = "CHEST", "PA"
    film.ImagerPixelSpacing = [0.3, 0.3]
    film.SeriesNumber, film.InstanceNumber = 1, number
    film.PatientOrientation = ["L", "F"]
    film.QualityControlImage = "YES"
    film.BurnedInAnnotation = "NO"
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.Rows, film.Columns = ROWS, COLUMNS
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    film.PixelData = np.zeros((ROWS, COLUMNS), np.uint16).tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(film, keyword)
        else:
            setattr(film, keyword, value)
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    encoded = BytesIO()
    film.save_as(encoded, enforce_file_format=True)
    return encoded.getvalue()


def make_header(number: int = 1, **changes: Any) -> InstanceHeader:
    header = InstanceHeader(
        sop_class_uid=DX,
        sop_instance_uid=SopInstanceUid(film_uid(number)),
        study_instance_uid=StudyInstanceUid(STUDY_UID),
        series_instance_uid=SeriesInstanceUid(f"{STUDY_UID}.1"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        identity=Identity(
            patient_id="SYN-11",
            issuer="HOSPITAL",
            birth_date=date(2014, 6, 2),
            sex="M",
            accession_number="A-1001",
        ),
        patient_age="012Y",
        patient_size=1.42,
        patient_weight=34.5,
        modality="DX",
        image_type=("ORIGINAL", "PRIMARY"),
        presentation_intent="FOR PRESENTATION",
        body_part="CHEST",
        anatomic_region_codes=(),
        view_position="PA",
        view_codes=(),
        descriptions=("Chest PA",),
        acquired_on=date(2026, 11, 23),
        acquired_on_source="AcquisitionDate",
        quality_control_image=True,
        manufacturer="Synthetic Modality",
        device_model="Phantom 1",
        made_by_screener=False,
        pixels=PixelFacts(
            rows=ROWS,
            columns=COLUMNS,
            frames=1,
            samples_per_pixel=1,
            bits_stored=12,
            photometric_interpretation="MONOCHROME2",
            spacing_mm=(0.3, 0.3),
            lossy=False,
            present=True,
        ),
    )
    return replace(header, **changes)


def measured(value: float) -> Measurement:
    return Measurement(value=value, source=Source.HEADER)


MISSING = Measurement(value=None, absence=Absence.NOT_GIVEN)
CLINICAL = ClinicalVariables(
    age_years=12.47, sex=Sex.MALE, height_m=measured(1.42), weight_kg=measured(34.5)
)


def make_prediction(z: float = -2.34, *, half_width_z: float = 1.1) -> Prediction:
    low, abmd, high = (
        REFERENCE.abmd_g_cm2(sex=Sex.MALE, age_years=12.47, z_score=z + d)
        for d in (-half_width_z, 0.0, half_width_z)
    )
    rows, columns = np.mgrid[0:16, 0:16]
    attention = np.exp(-(((columns - 7.6) / 1.8) ** 2) - ((rows - 11.2) / 3.6) ** 2)
    attention += 0.35 * np.exp(-(((columns - 4) / 3) ** 2) - ((rows - 5) / 3) ** 2)
    return Prediction(
        abmd_g_cm2=abmd,
        abmd_low_g_cm2=low,
        abmd_high_g_cm2=high,
        interval_level=0.9,
        predictor=PREDICTOR,
        contributions=(
            Contribution(name="image", sd=z + 0.82),
            Contribution(name="age", sd=0.11),
            Contribution(name="sex", sd=-0.05),
            Contribution(name="height", sd=-0.48),
            Contribution(name="weight", sd=-0.30),
        ),
        attention=AttentionMap(
            rows=16, columns=16, values=tuple(float(v) for v in attention.clip(0, 1).ravel())
        ),
        input_field=InputField(
            corners=((-50.0, 0.0), (550.0, 0.0), (550.0, 600.0), (-50.0, 600.0))
        ),
        input_digest="ab" * 32,
    )


def make_film(
    number: int = 1, *, z: float = -2.3, clinical: ClinicalVariables = CLINICAL, **header: Any
) -> ScoredFilm:
    return ScoredFilm(
        screening_id=ScreeningId(number),
        header=make_header(number, **header),
        clinical=clinical,
        prediction=make_prediction(z),
        z=z,
        z_low=round(z - 1.1, 1),
        z_high=round(z + 1.1, 1),
    )


def make_finding(
    films: tuple[ScoredFilm, ...],
    *,
    verdict: Verdict = Verdict.LOW,
    reason: FindingReason | None = None,
    not_scored: tuple[NotScoredFilm, ...] = (),
    threshold_z: float = -2.0,
    height_z: float | None = -1.36,
) -> Finding:
    estimate = None
    if films and reason in {None, FindingReason.INTERVAL_TOO_WIDE}:
        used = [f for f in films if f.header.view_position == films[0].header.view_position]
        z = round(sum(f.z for f in used) / len(used), 1)
        prediction = make_prediction(z)
        missing = tuple(sorted({name for f in used for name in f.clinical.missing}))
        estimate = Estimate(
            abmd_g_cm2=prediction.abmd_g_cm2,
            abmd_low_g_cm2=prediction.abmd_low_g_cm2,
            abmd_high_g_cm2=prediction.abmd_high_g_cm2,
            interval_level=0.9,
            z=z,
            z_low=round(z - 1.1, 1),
            z_high=round(z + 1.1, 1),
            view=View(used[0].header.view_position or "FRONTAL"),
            films=tuple(f.screening_id for f in used),
            age_years=used[0].clinical.age_years,
            sex=used[0].clinical.sex,
            height_z=None if "height" in missing else height_z,
            missing=missing,
        )
    return Finding(
        verdict=verdict,
        reason=reason,
        estimate=estimate,
        threshold_z=threshold_z,
        predictor=PREDICTOR if films else None,
        reference=REFERENCE.label,
        not_scored=tuple((f.screening_id, f.reason) for f in not_scored),
    )


def make_content(
    films: tuple[ScoredFilm, ...],
    *,
    not_scored: tuple[NotScoredFilm, ...] = (),
    predecessor: Finding | None = None,
    synthetic: bool = True,
    language: Language = Language.ENGLISH,
    earlier: tuple[EarlierResult, ...] = (),
    **finding: Any,
) -> ReportContent:
    return ReportContent(
        finding=make_finding(films, not_scored=not_scored, **finding),
        concluded_at=CONCLUDED_AT,
        revision=1 if predecessor is None else 2,
        films=films,
        not_scored=not_scored,
        predecessor=None
        if predecessor is None
        else Predecessor(
            sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
            sop_instance_uid=SopInstanceUid("2.25.123"),
            series_instance_uid=SeriesInstanceUid("2.25.124"),
            finding=predecessor,
        ),
        synthetic=synthetic,
        interval_statement=(
            "90 % split-conformal interval, calibrated on 2000 synthetic children."
        ),
        reference_statement=reference_statement(CATALOGUES[language], REFERENCE),
        growth_name="CDC 2000",
        language=language,
        earlier=earlier,
    )


EARLIER = (
    EarlierResult(age_years=9.8, abmd_g_cm2=0.46, abmd_low_g_cm2=0.39, abmd_high_g_cm2=0.53),
    EarlierResult(age_years=11.2, abmd_g_cm2=0.50, abmd_low_g_cm2=0.42, abmd_high_g_cm2=0.58),
)


def locally_calibrated(content: ReportContent) -> ReportContent:
    """Return a content whose predictor was calibrated on children of the site."""
    estimate = content.finding.estimate
    assert estimate is not None
    likely = LowProbability(
        value=0.62, reference=REFERENCE.label, prevalence=0.22, children=240, local=True
    )
    return replace(
        content,
        finding=replace(content.finding, estimate=replace(estimate, low_probability=likely)),
    )


def lateral(number: int) -> NotScoredFilm:
    return NotScoredFilm(
        screening_id=ScreeningId(number),
        header=make_header(number, view_position="LL"),
        reason="LATERAL_VIEW",
    )


def withdrawn(because: str = "a synthetic predictor was in force") -> ReportContent:
    """Return what a withdrawing report is made from: films without their estimates."""
    low = make_finding((make_film(1),))
    not_scored = NotScoredFilm(
        screening_id=ScreeningId(1), header=make_header(1), reason=Verdict.WITHDRAWN.value
    )
    content = make_content((), not_scored=(not_scored,), predecessor=low)
    return replace(content, finding=withdrawing_finding(low, because))


def case(content: ReportContent, **source: Any) -> Case:
    numbers = [film.screening_id for film in content.named_films]
    return Case(content=content, sources={n: make_source(int(n), **source) for n in numbers})


def _cases() -> dict[str, Case]:
    one, two = (make_film(1),), (make_film(1), make_film(2, z=-2.7))
    three = (*two, make_film(3, z=-1.8, view_position="AP"))
    low = make_finding(one)
    no_height = replace(CLINICAL, height_m=MISSING, weight_kg=MISSING)
    not_low = (make_film(1, z=-1.2),)
    return {
        "low-one-film": case(make_content(one)),
        "low-real-film": case(make_content(one, synthetic=False), QualityControlImage=None),
        "low-three-films": case(make_content(three, not_scored=(lateral(4),))),
        "low-without-height": case(
            make_content((make_film(1, clinical=no_height),)), PatientSize=None, PatientWeight=None
        ),
        "low-short-stature": case(make_content(one, height_z=-2.6)),
        "low-above-definition": case(
            make_content((make_film(1, z=-1.7),), threshold_z=-1.5),
        ),
        "revised": case(make_content((make_film(1, z=-3.4),), predecessor=low)),
        "correction": case(
            make_content(not_low, verdict=Verdict.NOT_LOW, predecessor=low),
        ),
        "correction-films-apart": case(
            make_content(
                (make_film(1), make_film(2, z=-0.4)),
                verdict=Verdict.INDETERMINATE,
                reason=FindingReason.FILMS_APART,
                predecessor=low,
            )
        ),
        "correction-films-disagree": case(
            make_content(
                two,
                verdict=Verdict.INDETERMINATE,
                reason=FindingReason.FILMS_DISAGREE,
                predecessor=low,
            )
        ),
        "correction-interval-too-wide": case(
            make_content(
                one,
                verdict=Verdict.INDETERMINATE,
                reason=FindingReason.INTERVAL_TOO_WIDE,
                predecessor=low,
            )
        ),
        "correction-no-scored-film": case(
            make_content(
                (),
                not_scored=(lateral(1),),
                verdict=Verdict.NOT_ASSESSED,
                reason=FindingReason.NO_SCORED_FILM,
                predecessor=low,
            )
        ),
        "korean": case(make_content(three, not_scored=(lateral(4),), language=Language.KOREAN)),
        "korean-film-and-report": case(
            make_content(one, language=Language.KOREAN),
            SpecificCharacterSet=["", "ISO 2022 IR 149"],
            PatientName="Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
        ),
        "earlier-results": case(make_content(one, earlier=EARLIER)),
        "probability": case(locally_calibrated(make_content(one))),
        "correction-withdrawn": case(withdrawn()),
        "not-low": case(make_content(not_low, verdict=Verdict.NOT_LOW)),
        "korean-name": case(
            make_content(one),
            SpecificCharacterSet=["", "ISO 2022 IR 149"],
            PatientName="Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
        ),
        "sparse-header": case(
            make_content(one),
            **dict.fromkeys(
                (
                    "SpecificCharacterSet",
                    "AccessionNumber",
                    "StudyID",
                    "StudyTime",
                    "ReferringPhysicianName",
                    "Manufacturer",
                    "PatientOrientation",
                    "ImagerPixelSpacing",
                    "IssuerOfPatientID",
                    "PatientAge",
                    "BodyPartExamined",
                )
            ),
        ),
    }


CASES: Mapping[str, Case] = _cases()
