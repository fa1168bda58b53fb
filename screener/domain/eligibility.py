"""May we score this film? The rules that a site may change, and the reasons for a No."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from screener.domain.patient import Sex


class IneligibilityReason(StrEnum):
    """Why a film is not scored, as its header has it."""

    #: The data set cannot be read beyond its identifiers.
    UNREADABLE_HEADER = "UNREADABLE_HEADER"
    #: One of our own objects came back.
    OWN_OBJECT = "OWN_OBJECT"
    #: Secondary capture, or an image type that says derived from another image.
    DERIVED_IMAGE = "DERIVED_IMAGE"
    #: Not a CR or DX instance.
    NOT_A_RADIOGRAPH = "NOT_A_RADIOGRAPH"
    #: The data set has no pixel data.
    NO_PIXEL_DATA = "NO_PIXEL_DATA"
    #: Raw detector data, not meant for presentation.
    FOR_PROCESSING = "FOR_PROCESSING"
    #: Colour, several frames, or bits that no radiograph has.
    UNUSUAL_PIXELS = "UNUSUAL_PIXELS"
    #: A film of the whole spine.
    WHOLE_SPINE = "WHOLE_SPINE"
    #: Chest and abdomen of a baby on one film.
    BABYGRAM = "BABYGRAM"
    #: Another part of the body.
    NOT_CHEST = "NOT_CHEST"
    #: The header does not say which part of the body it is.
    REGION_UNKNOWN = "REGION_UNKNOWN"
    #: A lateral view.
    LATERAL_VIEW = "LATERAL_VIEW"
    #: Oblique, axial or another view that is not frontal.
    OTHER_VIEW = "OTHER_VIEW"
    #: The header does not say which view it is, or contradicts itself.
    VIEW_UNKNOWN = "VIEW_UNKNOWN"
    #: Sex is neither M nor F.
    SEX_UNKNOWN = "SEX_UNKNOWN"
    #: No date of acquisition.
    ACQUISITION_DATE_MISSING = "ACQUISITION_DATE_MISSING"
    #: No birth date.
    BIRTH_DATE_MISSING = "BIRTH_DATE_MISSING"
    #: A birth date that is entered for "unknown".
    BIRTH_DATE_PLACEHOLDER = "BIRTH_DATE_PLACEHOLDER"
    #: Born after the film was taken, or age and birth date more than a year apart.
    AGE_CONFLICT = "AGE_CONFLICT"
    #: Younger than the reference or the predictor reaches.
    AGE_BELOW_RANGE = "AGE_BELOW_RANGE"
    #: Older than the reference or the predictor reaches.
    AGE_ABOVE_RANGE = "AGE_ABOVE_RANGE"
    #: Acquired longer ago than the site screens, or in the future.
    FILM_TOO_OLD = "FILM_TOO_OLD"
    #: The header gives no detector spacing.
    SPACING_UNKNOWN = "SPACING_UNKNOWN"
    #: A film of a real child, and a predictor that has only seen synthetic ones.
    PREDICTOR_IS_SYNTHETIC = "PREDICTOR_IS_SYNTHETIC"
    #: A film marked as a quality control image, and a predictor for real children.
    FILM_IS_SYNTHETIC = "FILM_IS_SYNTHETIC"


class View(StrEnum):
    """Frontal views of the chest, the best for scoring first."""

    #: Postero-anterior.
    PA = "PA"
    #: Antero-posterior.
    AP = "AP"
    #: Frontal, and the header does not say which way.
    FRONTAL = "FRONTAL"


class Answer(StrEnum):
    """What one rule says of one film."""

    #: Nothing against scoring.
    YES = "YES"
    #: Must not be scored.
    NO = "NO"
    #: The header does not tell, and so it is not scored.
    CANNOT_TELL = "CANNOT_TELL"


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityRules:
    """What a site may change about which films are scored.

    Patterns are regular expressions, searched without regard to case in Study Description, Series
    Description, Protocol Name, Acquisition Device Processing Description and Performed Procedure
    Step Description, and only where the header's own attribute is empty. Only
    `whole_spine_patterns` and `babygram_patterns` are always asked, for such films are routinely
    sent with body part CHEST.
    """

    modalities: tuple[str, ...] = ("CR", "DX")
    chest_body_parts: tuple[str, ...] = ("CHEST", "THORAX")
    #: code|scheme; SNOMED CT, and SNOMED-RT as older modalities send it (PS3.16 CID 4009)
    chest_region_codes: tuple[str, ...] = (
        "816094009|SCT",
        "51185008|SCT",
        "T-D3000|SRT",
        "T-D3000|SNM3",
    )
    chest_patterns: tuple[str, ...] = (r"\bchest\b", r"\bthorax\b", r"\bcxr\b", "흉부", "胸部")
    pa_patterns: tuple[str, ...] = (r"\bp\.?a\b", r"postero-?anterior")
    ap_patterns: tuple[str, ...] = (r"\ba\.?p\b", r"antero-?posterior")
    frontal_patterns: tuple[str, ...] = (r"\bfrontal\b",)
    lateral_patterns: tuple[str, ...] = (
        r"\blat\b",
        r"\blateral\b",
        r"\bseitlich\b",
        r"\bprofil\b",
        r"\bll\b",
        "측면",
        "側面",
    )
    whole_spine_patterns: tuple[str, ...] = (
        r"(whole|full|entire)[ _-]*spine",
        r"scolios[ei]s[ _-]*(series|film|study)",
    )
    babygram_patterns: tuple[str, ...] = (
        r"babygram",
        r"(chest|thorax)[ ,/&+_-]*((and|und|et)[ _-]*)?abd",
        r"abd(omen)?[ ,/&+_-]*((and|und|et)[ _-]*)?(chest|thorax)",
    )
    placeholder_birth_dates: tuple[str, ...] = (
        "1753-01-01",
        "1800-01-01",
        "1850-01-01",
        "1900-01-01",
        "1901-01-01",
        "1970-01-01",
        "9999-12-31",
    )
    min_age_years: float = 0.0
    max_age_years: float = 18.0
    max_age_days: int = 14

    def __post_init__(self) -> None:
        """Refuse patterns that are not regular expressions and ranges that hold nothing."""
        for name in self.__slots__:
            if name.endswith("_patterns"):
                for pattern in getattr(self, name):
                    try:
                        re.compile(pattern)
                    except re.error as error:
                        raise ValueError(f"{name}: {pattern!r}: {error}") from None
        if not self.min_age_years < self.max_age_years:
            raise ValueError("min_age_years must be below max_age_years")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringLimits:
    """What the predictor in force and the reference in force can take.

    Ages are from `min_age_years` up to, and without, `max_age_years`: the narrower of both.
    """

    min_age_years: float
    max_age_years: float
    predictor_is_synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """One rule, what it says of one film, and what it saw."""

    rule: str
    answer: Answer
    saw: str
    reason: IneligibilityReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """The film may be scored."""

    view: View
    sex: Sex
    age_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """The film must not be scored; the first reason is the plainest one."""

    reasons: tuple[IneligibilityReason, ...]
