"""The questions asked of every film's header before it may be scored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from screener.domain.eligibility import (
    Answer,
    EligibilityRules,
    Eligible,
    IneligibilityReason,
    Ineligible,
    RuleOutcome,
    ScoringLimits,
    View,
)
from screener.domain.instance import InstanceHeader
from screener.domain.patient import Sex, age_years

_CR = "1.2.840.10008.5.1.4.1.1.1"
_DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
_DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
_RADIOGRAPH_CLASSES = frozenset({_CR, _DX_FOR_PRESENTATION, _DX_FOR_PROCESSING})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

#: Stored bits of a radiograph: 8 on scanned film, 16 at most (PS3.3 C.8.11.3).
_BITS_STORED = range(8, 17)

#: PS3.16 CID 4010, in SNOMED CT and in the SNOMED-RT codes of older modalities.
_VIEW_CODES: dict[str, View | IneligibilityReason] = {
    "272479007|SCT": View.PA,
    "R-10214|SRT": View.PA,
    "R-10214|SNM3": View.PA,
    "399348003|SCT": View.AP,
    "R-10206|SRT": View.AP,
    "R-10206|SNM3": View.AP,
    "399033003|SCT": View.FRONTAL,
    "399067008|SCT": IneligibilityReason.LATERAL_VIEW,
    "399173006|SCT": IneligibilityReason.LATERAL_VIEW,
    "R-10236|SRT": IneligibilityReason.LATERAL_VIEW,
    "399198007|SCT": IneligibilityReason.LATERAL_VIEW,
    "R-10232|SRT": IneligibilityReason.LATERAL_VIEW,
}

#: Coding schemes whose codes mean a view even where we do not know which (PS3.16 section 8).
_STANDARD_SCHEMES = frozenset({"SCT", "SRT", "SNM3", "DCM"})

_FRONTAL_VIEWS = frozenset(View)

#: PS3.3 C.8.1.1 and C.8.11.5 (View Position), and what modalities write beside it.
_VIEW_POSITIONS: dict[str, View | IneligibilityReason] = {
    "PA": View.PA,
    "AP": View.AP,
    "FRONTAL": View.FRONTAL,
    "LL": IneligibilityReason.LATERAL_VIEW,
    "RL": IneligibilityReason.LATERAL_VIEW,
    "LAT": IneligibilityReason.LATERAL_VIEW,
    "LATERAL": IneligibilityReason.LATERAL_VIEW,
    "LLAT": IneligibilityReason.LATERAL_VIEW,
    "RLAT": IneligibilityReason.LATERAL_VIEW,
}

Question = Callable[[InstanceHeader, EligibilityRules, ScoringLimits, date], RuleOutcome]


def judge(
    header: InstanceHeader, *, rules: EligibilityRules, limits: ScoringLimits, today: date
) -> Eligible | Ineligible:
    """Decide whether a film may be scored.

    Parameters
    ----------
    header
        Of the film.
    rules, limits
        The site's rules in force, and what predictor and reference can take.
    today
        The date that `max_age_days` counts back from.
    """
    outcomes = explain(header, rules=rules, limits=limits, today=today)
    reasons = tuple(outcome.reason for outcome in outcomes if outcome.reason is not None)
    view, sex, age = frontal_view(header, rules), sex_on_film(header), age_on_film(header)
    if reasons:
        return Ineligible(reasons=reasons)
    if not isinstance(view, View) or sex is None or age is None:  # pragma: no cover - our bug
        raise AssertionError("a film without a reason against it has a view, a sex and an age")
    return Eligible(view=view, sex=sex, age_years=age)


def explain(
    header: InstanceHeader, *, rules: EligibilityRules, limits: ScoringLimits, today: date
) -> tuple[RuleOutcome, ...]:
    """Return what every rule says of a film, in the order in which reasons are given."""
    return tuple(ask(header, rules, limits, today) for ask in QUESTIONS)


def frontal_view(header: InstanceHeader, rules: EligibilityRules) -> View | IneligibilityReason:
    """Return the frontal view of a film, or the reason why it is none.

    View codes and View Position speak, and only where both are empty the patterns. Where they
    contradict each other, and where a description names a frontal view and a lateral one, the
    view is unknown.
    """
    said = _views_said(header)
    if said and said <= _FRONTAL_VIEWS:
        # PA beside AP, or beside "frontal": a frontal film all the same
        return said.pop() if len(said) == 1 else _one_frontal(said)
    if said:
        return said.pop() if len(said) == 1 else IneligibilityReason.VIEW_UNKNOWN
    pa, ap, frontal, lateral = (
        _matches(patterns, header.descriptions)
        for patterns in (
            rules.pa_patterns,
            rules.ap_patterns,
            rules.frontal_patterns,
            rules.lateral_patterns,
        )
    )
    is_frontal = pa or ap or frontal
    if lateral and not is_frontal:
        return IneligibilityReason.LATERAL_VIEW
    if lateral or not is_frontal:
        return IneligibilityReason.VIEW_UNKNOWN
    if pa == ap:
        return View.FRONTAL
    return View.PA if pa else View.AP


def _views_said(header: InstanceHeader) -> set[View | IneligibilityReason]:
    """Return what view codes and View Position say; a local code that nobody knows says nothing."""
    other = IneligibilityReason.OTHER_VIEW
    said = {
        _VIEW_CODES.get(code, other)
        for code in header.view_codes
        if code in _VIEW_CODES or code.partition("|")[2] in _STANDARD_SCHEMES
    }
    if header.view_position is not None:
        # "PA ERECT" and "AP_SUPINE" say how the child stood, too
        first = re.split(r"[^A-Z]+", header.view_position.upper())[0]
        said.add(_VIEW_POSITIONS.get(first, other))
    return said


def _one_frontal(said: set[View | IneligibilityReason]) -> View:
    if said == {View.PA, View.FRONTAL}:
        return View.PA
    return View.AP if said == {View.AP, View.FRONTAL} else View.FRONTAL


def age_on_film(header: InstanceHeader) -> float | None:
    """Return the age in years on the day of acquisition, or None where a date is missing."""
    born_on, on = header.identity.birth_date, header.acquired_on
    if born_on is None or on is None or on < born_on:
        return None
    return age_years(born_on, on)


def sex_on_film(header: InstanceHeader) -> Sex | None:
    """Return the sex that the header gives, or None where that is neither M nor F."""
    try:
        return Sex(header.identity.sex or "")
    except ValueError:
        return None


def stated_age_years(patient_age: str | None) -> tuple[float, float] | None:
    """Return the span of ages that Patient Age stands for, or None where it cannot be read.

    ``013Y`` is the whole of the fourteenth year: 13.0 up to 14.0.

    Notes
    -----
    Source: PS3.5 section 6.2 (VR AS).
    """
    found = re.fullmatch(r"(\d{1,3})([DWMY])", patient_age or "")
    if found is None:
        return None
    unit = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}[found[2]]
    return int(found[1]) * unit, (int(found[1]) + 1) * unit


def _not_ours(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    if header.made_by_screener:
        return _no("not ours", IneligibilityReason.OWN_OBJECT, "one of this product's own objects")
    return _yes("not ours", "not one of this product's objects")


def _not_derived(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    # DERIVED\PRIMARY is what most DX For Presentation says of itself, and is a film
    image_type = "\\".join(header.image_type) or "empty"
    captured = header.sop_class_uid.startswith(_SECONDARY_CAPTURE)
    if captured or "SECONDARY" in header.image_type[1:2]:
        saw = "a secondary capture" if captured else f"Image Type {image_type}"
        return _no("not derived", IneligibilityReason.DERIVED_IMAGE, saw)
    return _yes("not derived", f"Image Type {image_type}")


def _radiograph(
    header: InstanceHeader, rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    saw = f"Modality {header.modality or 'empty'}"
    if header.sop_class_uid not in _RADIOGRAPH_CLASSES:
        return _no("radiograph", IneligibilityReason.NOT_A_RADIOGRAPH, f"{saw}, not CR or DX")
    if header.modality not in rules.modalities:
        return _no("radiograph", IneligibilityReason.NOT_A_RADIOGRAPH, saw)
    return _yes("radiograph", saw)


def _pixels_present(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    if not header.pixels.present:
        return _no("pixel data", IneligibilityReason.NO_PIXEL_DATA, "no Pixel Data element")
    return _yes("pixel data", f"{header.pixels.columns} x {header.pixels.rows} pixels")


def _for_presentation(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    intent = header.presentation_intent or "empty"
    if header.sop_class_uid == _DX_FOR_PROCESSING or intent.upper() == "FOR PROCESSING":
        return _no("for presentation", IneligibilityReason.FOR_PROCESSING, "For Processing")
    return _yes("for presentation", f"Presentation Intent Type {intent}")


def _one_grey_frame(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    facts = header.pixels
    saw = (
        f"{facts.photometric_interpretation or 'no photometric interpretation'}, "
        f"{facts.samples_per_pixel} sample(s), {facts.frames} frame(s), {facts.bits_stored} bits"
    )
    grey = facts.photometric_interpretation in {"MONOCHROME1", "MONOCHROME2"}
    one = facts.samples_per_pixel == 1 and facts.frames == 1 and facts.bits_stored in _BITS_STORED
    if facts.present and not (grey and one and facts.rows and facts.columns):
        return _no("one grey frame", IneligibilityReason.UNUSUAL_PIXELS, saw)
    return _yes("one grey frame", saw)


def _chest(
    header: InstanceHeader, rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    texts = (*header.descriptions, *([header.body_part] if header.body_part else []))
    if _matches(rules.whole_spine_patterns, texts):
        return _no("chest", IneligibilityReason.WHOLE_SPINE, "a whole-spine film, by its texts")
    if _matches(rules.babygram_patterns, texts):
        return _no("chest", IneligibilityReason.BABYGRAM, "chest and abdomen, by its texts")
    said = [
        *(
            (f"Anatomic Region {c}", c in rules.chest_region_codes)
            for c in header.anatomic_region_codes
        ),
        *(
            (f"Body Part Examined {part}", part.upper() in rules.chest_body_parts)
            for part in ([header.body_part] if header.body_part else [])
        ),
    ]
    if said:
        saw = ", ".join(name for name, _ in said)
        if all(chest for _, chest in said):
            return _yes("chest", saw)
        if any(chest for _, chest in said):
            return _cannot_tell("chest", IneligibilityReason.REGION_UNKNOWN, saw)
        return _no("chest", IneligibilityReason.NOT_CHEST, saw)
    if _matches(rules.chest_patterns, header.descriptions):
        return _yes("chest", "body part empty; a chest, by its descriptions")
    saw = "body part empty, and no description says chest"
    return _cannot_tell("chest", IneligibilityReason.REGION_UNKNOWN, saw)


def _frontal(
    header: InstanceHeader, rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    saw = f"View Position {header.view_position or 'empty'}"
    if header.view_codes:
        saw += f", View Code {', '.join(header.view_codes)}"
    view = frontal_view(header, rules)
    if isinstance(view, View):
        return _yes("frontal", f"{saw}: {view.value}")
    if view is IneligibilityReason.VIEW_UNKNOWN:
        return _cannot_tell("frontal", view, f"{saw}; the descriptions do not tell")
    return _no("frontal", view, saw)


def _sex_known(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    sex = sex_on_film(header)
    if sex is None:
        said = "empty" if header.identity.sex is None else "neither M nor F"
        return _cannot_tell("sex", IneligibilityReason.SEX_UNKNOWN, f"Patient's Sex is {said}")
    return _yes("sex", f"Patient's Sex {sex.value}")


def _acquisition_date(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    if header.acquired_on is None:
        reason = IneligibilityReason.ACQUISITION_DATE_MISSING
        return _cannot_tell("acquisition date", reason, "no date of acquisition or study")
    return _yes("acquisition date", f"from {header.acquired_on_source}")


def _birth_date(
    header: InstanceHeader, rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    born_on = header.identity.birth_date
    if born_on is None:
        reason = IneligibilityReason.BIRTH_DATE_MISSING
        return _cannot_tell("birth date", reason, "no birth date that can be read")
    if born_on.isoformat() in rules.placeholder_birth_dates:
        reason = IneligibilityReason.BIRTH_DATE_PLACEHOLDER
        return _cannot_tell("birth date", reason, "a date that is entered for 'unknown'")
    return _yes("birth date", "given")


def _ages_agree(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    born_on, on = header.identity.birth_date, header.acquired_on
    if born_on is None or on is None:
        return _yes("ages agree", "nothing to compare")
    if on < born_on:
        return _cannot_tell("ages agree", IneligibilityReason.AGE_CONFLICT, "born after the film")
    age, span = age_years(born_on, on), stated_age_years(header.patient_age)
    if span is None:
        return _yes("ages agree", "Patient's Age is not given")
    if age < span[0] - 1 or age > span[1] + 1:
        saw = "Patient's Age and birth date lie more than a year apart"
        return _cannot_tell("ages agree", IneligibilityReason.AGE_CONFLICT, saw)
    return _yes("ages agree", "Patient's Age and birth date agree to a year")


def _age_in_range(
    header: InstanceHeader, rules: EligibilityRules, limits: ScoringLimits, _today: date
) -> RuleOutcome:
    low = max(rules.min_age_years, limits.min_age_years)
    high = min(rules.max_age_years, limits.max_age_years)
    span = f"scored from {low:g} up to {high:g} years"
    age = age_on_film(header)
    if age is None or header.identity.birth_date is None:
        return _yes("age", f"not known; {span}")
    if header.identity.birth_date.isoformat() in rules.placeholder_birth_dates:
        return _yes("age", f"not known; {span}")
    if age < low:
        return _no("age", IneligibilityReason.AGE_BELOW_RANGE, f"{age:.2f} years; {span}")
    if age >= high:
        return _no("age", IneligibilityReason.AGE_ABOVE_RANGE, f"{age:.2f} years; {span}")
    return _yes("age", f"{age:.2f} years; {span}")


def _recent(
    header: InstanceHeader, rules: EligibilityRules, _limits: ScoringLimits, today: date
) -> RuleOutcome:
    if header.acquired_on is None:
        return _yes("recent", "nothing to compare")
    if header.quality_control_image:
        return _yes("recent", "a quality control image may be of any date")
    days = (today - header.acquired_on).days
    saw = f"acquired {days} day(s) ago; at most {rules.max_age_days}"
    # a film of tomorrow is a time zone apart, one of next week is a wrong clock
    if days < -1 or days > rules.max_age_days:
        return _no("recent", IneligibilityReason.FILM_TOO_OLD, saw)
    return _yes("recent", saw)


def _spacing(
    header: InstanceHeader, _rules: EligibilityRules, _limits: ScoringLimits, _today: date
) -> RuleOutcome:
    spacing = header.pixels.spacing_mm
    if header.pixels.present and spacing is None:
        saw = "neither Imager Pixel Spacing nor Pixel Spacing"
        return _cannot_tell("spacing", IneligibilityReason.SPACING_UNKNOWN, saw)
    return _yes("spacing", f"{spacing[0]:g} x {spacing[1]:g} mm" if spacing else "no pixels")


def _predictor_fits(
    header: InstanceHeader, _rules: EligibilityRules, limits: ScoringLimits, _today: date
) -> RuleOutcome:
    film = "YES" if header.quality_control_image else "not YES"
    predictor = "synthetic children" if limits.predictor_is_synthetic else "real children"
    saw = f"Quality Control Image is {film}; the predictor was trained on {predictor}"
    if limits.predictor_is_synthetic and not header.quality_control_image:
        return _no("predictor", IneligibilityReason.PREDICTOR_IS_SYNTHETIC, saw)
    if header.quality_control_image and not limits.predictor_is_synthetic:
        return _no("predictor", IneligibilityReason.FILM_IS_SYNTHETIC, saw)
    return _yes("predictor", saw)


#: In the order in which reasons are given: what the object is, what it shows, whose it is.
QUESTIONS: tuple[Question, ...] = (
    _not_ours,
    _not_derived,
    _radiograph,
    _pixels_present,
    _for_presentation,
    _one_grey_frame,
    _chest,
    _frontal,
    _acquisition_date,
    _birth_date,
    _ages_agree,
    _age_in_range,
    _sex_known,
    _recent,
    _spacing,
    _predictor_fits,
)


def _matches(patterns: tuple[str, ...], texts: tuple[str, ...]) -> bool:
    return any(re.search(p, text, re.IGNORECASE) for p in patterns for text in texts)


def _yes(rule: str, saw: str) -> RuleOutcome:
    return RuleOutcome(rule=rule, answer=Answer.YES, saw=saw)


def _no(rule: str, reason: IneligibilityReason, saw: str) -> RuleOutcome:
    return RuleOutcome(rule=rule, answer=Answer.NO, saw=saw, reason=reason)


def _cannot_tell(rule: str, reason: IneligibilityReason, saw: str) -> RuleOutcome:
    return RuleOutcome(rule=rule, answer=Answer.CANNOT_TELL, saw=saw, reason=reason)
