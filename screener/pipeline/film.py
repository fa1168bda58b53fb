"""What stages and offline scoring do alike with one film: judge its header, load its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from screener.dicom.pixels import decode
from screener.domain.clinical import clinical_variables
from screener.domain.correction import Elsewhere
from screener.domain.eligibility import EligibilityRules, Eligible, Ineligible
from screener.domain.errors import UnsupportedPixels
from screener.domain.instance import InstanceHeader
from screener.domain.judgement import judge
from screener.domain.patient import ClinicalVariables, Sex, Source
from screener.domain.reference import GrowthReference
from screener.domain.screening import NotScoredReason
from screener.imaging.preprocess import ModelInput, prepare
from screener.imaging.quality import assess
from screener.pipeline.ports import Services

#: A film of which its header is all that is known.
NOTHING_ELSE = Elsewhere()


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
    services: Services,
    header: InstanceHeader,
    *,
    rules: EligibilityRules,
    today: date,
    elsewhere: Elsewhere = NOTHING_ELSE,
) -> Judged | Ineligible:
    """Ask the rules about a header, and choose the clinical variables of an eligible film.

    Parameters
    ----------
    elsewhere
        What is known of the child beside the header; a corrected sex or birth date also decides
        on eligibility.
    """
    corrected = elsewhere.corrected.header(header)
    verdict = judge(corrected, rules=rules, limits=services.limits, today=today)
    if isinstance(verdict, Ineligible):
        return verdict
    clinical = clinical_of(
        services.growth,
        header,
        age_years=verdict.age_years,
        sex=verdict.sex,
        elsewhere=elsewhere,
    )
    return Judged(eligible=verdict, clinical=clinical)


def clinical_of(
    growth: GrowthReference,
    header: InstanceHeader,
    *,
    age_years: float,
    sex: Sex,
    elsewhere: Elsewhere = NOTHING_ELSE,
) -> ClinicalVariables:
    """Return the clinical variables of a child of this age and sex, by header and elsewhere."""
    corrected = elsewhere.corrected
    chosen = clinical_variables(
        age_years=age_years,
        sex=sex,
        patient_size=header.patient_size,
        patient_weight=header.patient_weight,
        growth=growth,
        acquired_on=header.acquired_on,
        imported=elsewhere.imported,
        corrected=corrected.measured,
    )
    return replace(
        chosen,
        sex_source=chosen.sex_source if corrected.sex is None else Source.OPERATOR,
        age_source=chosen.age_source if corrected.birth_date is None else Source.OPERATOR,
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
