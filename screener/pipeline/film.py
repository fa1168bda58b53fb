"""What stages and offline scoring do alike with one film: judge its header, load its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from screener.dicom.pixels import decode
from screener.domain.clinical import clinical_variables
from screener.domain.eligibility import EligibilityRules, Eligible, Ineligible
from screener.domain.errors import UnsupportedPixels
from screener.domain.instance import InstanceHeader
from screener.domain.judgement import judge
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.screening import NotScoredReason
from screener.imaging.preprocess import ModelInput, prepare
from screener.imaging.quality import assess
from screener.pipeline.ports import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An eligible film, and what the predictor is told of the child."""

    eligible: Eligible
    clinical: ClinicalVariables


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A film ready for the network."""

    network_input: ModelInput
    pixel_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLoaded:
    """A film whose pixels do not allow a score."""

    reason: NotScoredReason
    pixel_digest: str | None


def judge_header(
    services: Services, header: InstanceHeader, *, rules: EligibilityRules, today: date
) -> Judged | Ineligible:
    """Ask the rules about a header, and read the clinical variables of an eligible film."""
    verdict = judge(header, rules=rules, limits=services.limits, today=today)
    if isinstance(verdict, Ineligible):
        return verdict
    clinical = clinical_of(services, header, age_years=verdict.age_years, sex=verdict.sex)
    return Judged(eligible=verdict, clinical=clinical)


def clinical_of(
    services: Services, header: InstanceHeader, *, age_years: float, sex: Sex
) -> ClinicalVariables:
    """Return the clinical variables of a child of this age and sex, as a header gives them."""
    return clinical_variables(
        age_years=age_years,
        sex=sex,
        patient_size=header.patient_size,
        patient_weight=header.patient_weight,
        growth=services.growth,
    )


def load_film(services: Services, path: Path) -> Loaded | NotLoaded:
    """Decode and prepare a film, or say why its pixels do not allow a score."""
    try:
        film = decode(path)
        radiograph = film.radiograph()
    except UnsupportedPixels as error:
        reason = (
            NotScoredReason.TRUNCATED_PIXELS
            if error.truncated
            else NotScoredReason.UNREADABLE_PIXELS
        )
        return NotLoaded(reason=reason, pixel_digest=None)
    quality = assess(radiograph)
    if quality.reason is not None:
        return NotLoaded(reason=quality.reason, pixel_digest=film.digest)
    return Loaded(
        network_input=prepare(radiograph, services.predictor.input_size_px),
        pixel_digest=film.digest,
    )
