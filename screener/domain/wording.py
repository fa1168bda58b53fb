"""What report, card, page and console say of a finding, in sentences.

Texts are plain ASCII, so that every character set of a hospital can hold them; `phrases.typeset`
gives pictures and pages their typographic signs. A test holds over all branches what must never be
said: T-scores, names of diseases, advice on treatment.

Source: ISCD 2019 Official Positions, Pediatric; AAP, Pediatrics 2016;138(4):e20162398.
"""

from __future__ import annotations

from typing import assert_never

from screener.domain import withdrawal
from screener.domain.estimate import Estimate
from screener.domain.finding import Finding, FindingReason, Verdict, VerdictBasis
from screener.domain.phrases import (
    abmd_words,
    age_words,
    capital,
    clinical_words,
    level_words,
    reason_words,
    sex_words,
    z_words,
)
from screener.domain.reference import BmdReference
from screener.domain.report import NotScoredFilm, ReportContent, ScoredFilm
from screener.domain.threshold import DEFINITION_Z, ThresholdSource

#: At or below this height Z the estimate reads low by size alone.
SHORT_STATURE_Z = -2.0

CAPTION = "AI estimate - not DXA - RESEARCH USE ONLY"
ATTENTION_LEGEND = "where the estimate came from; not a measurement, not a finding"
ATTENTION_WITHHELD = (
    "no attention map: the estimate came mostly from beside the spine, so that a map would mislead"
)
INPUT_FIELD_LABEL = "AI input field - not a measured area"
LOW_RANGE = "in the range that, on DXA, is termed low bone mineral density for age and sex"

_SYNTHETIC = (
    "SYNTHETIC: made with a synthetic predictor or a synthetic film. Says nothing about any child."
)
_DISCLAIMERS = (
    "Research use only; not a medical device.",
    "An AI estimate from a chest radiograph; not a DXA measurement.",
    "Does not look for fractures.",
    "Cannot rule out low bone mineral density or skeletal fragility.",
    "Not urgent.",
    "Not for follow-up: differences between estimates are not change in a child.",
)


def is_correction(content: ReportContent) -> bool:
    """Return whether a report takes an earlier one's place and is not LOW itself."""
    replaces = content.predecessor is not None and content.finding.verdict is not Verdict.LOW
    return replaces or content.withdraws


def in_low_range(z: float) -> bool:
    """Return whether a rounded Z lies in the range that is termed low on DXA."""
    return z <= DEFINITION_Z


def is_one_child(content: ReportContent) -> bool:
    """Return whether the films are of one child, as far as they tell: else they say nothing."""
    return content.finding.reason is not FindingReason.FILMS_DISAGREE


def headline(content: ReportContent) -> str:
    """Return the finding in a few words, as a card's title."""
    if is_correction(content) and not content.withdraws:
        return "Correction: " + _verdict_words(content.finding)
    return capital(_verdict_words(content.finding))


def statement(content: ReportContent) -> str:
    """Return what the report concludes: values with interval and reference, and their meaning."""
    parts = ["Research use only."]
    estimate = content.finding.estimate
    if estimate is not None:
        parts.append(_values_sentence(content, estimate))
    if probability := low_probability_words(content.finding):
        parts.append(probability)
    parts += verdict_sentences(content)
    if content.finding.verdict is Verdict.LOW:
        parts.append(
            "This is not a DXA measurement. Consider clinical assessment of bone health, and DXA "
            "if clinically indicated."
        )
    return " ".join(parts)


def verdict_sentences(content: ReportContent) -> tuple[str, ...]:
    """Return what the verdict means, and whether the interval crosses the threshold."""
    finding = content.finding
    match finding.verdict:
        case Verdict.LOW:
            sentences = [_low_sentence(finding)]
        case Verdict.NOT_LOW:
            sentences = [
                _not_low_sentence(finding),
                "This does not exclude low bone mineral density or skeletal fragility.",
            ]
        case Verdict.INDETERMINATE:
            sentences = [f"No statement is made: {reason_words(_reason(finding))}."]
        case Verdict.NOT_ASSESSED:
            sentences = [f"Estimate not given: {reason_words(_reason(finding))}."]
        case Verdict.WITHDRAWN:
            sentences = list(withdrawal.sentences(finding))
        case _:
            assert_never(finding.verdict)
    crossing = crossing_sentence(finding)
    return (*sentences, crossing) if crossing else tuple(sentences)


def crossing_sentence(finding: Finding) -> str | None:
    """Return that the interval reaches to both sides of the threshold, where it does."""
    if finding.verdict not in {Verdict.LOW, Verdict.NOT_LOW} or not finding.crosses_threshold:
        return None
    return (
        f"The interval crosses the decision threshold (Z {finding.threshold_z:.1f}): the value may "
        "lie on either side of it."
    )


def formation(content: ReportContent) -> str:
    """Return how the study's value was formed from its films."""
    if content.withdraws:
        return withdrawal.formation()
    estimate = content.finding.estimate
    scored = len(content.films)
    if estimate is None:
        return f"No value for the study; films scored: {scored}."
    used = len(estimate.films)
    view = estimate.view.value if estimate.view.value != "FRONTAL" else "frontal"
    if used == 1:
        text = f"The study's value is that of its {view} film."
    else:
        text = (
            f"The study's value is the mean of its {used} {view} films, "
            "with the widest of their intervals."
        )
    unused = scored - used
    if unused:
        text += f" Scored films of another view, not used for it: {unused}."
    return text


def threshold(content: ReportContent) -> str:
    """Return the decision threshold and whose it is, and beside it the definition of low."""
    return (
        f"{threshold_in_short(content.finding)}. Compared after rounding to one decimal. On DXA, "
        f"low bone mineral density for age is defined as Z <= {DEFINITION_Z:.1f}."
    )


def threshold_in_short(finding: Finding) -> str:
    """Return the decision threshold and whose it is: what every result object carries."""
    basis = "height-adjusted Z" if finding.verdict_basis is VerdictBasis.HEIGHT else "Z"
    return f"{basis} <= {finding.threshold_z:.1f}{_threshold_origin(finding)}"


def _threshold_origin(finding: Finding) -> str:
    chosen = f", chosen for {finding.threshold_chosen_for}" if finding.threshold_chosen_for else ""
    match finding.threshold_source:
        case ThresholdSource.PREDICTOR:
            return f"; the predictor's{chosen}"
        case ThresholdSource.SITE:
            return f"; set by this site{chosen}" if chosen else ""
        case ThresholdSource.SITE_UNFITTED:
            return (
                f"; set by this site, and not fitted with the reference {finding.reference}: how "
                "many are found, and how many of those flagged are low, is not known"
            )
        case ThresholdSource.DEFINITION:
            return "; no threshold was chosen for this predictor"
        case _:
            assert_never(finding.threshold_source)


def reference_statement(reference: BmdReference) -> str:
    """Return name, version, device and region of a BMD reference, as printed beside a Z."""
    text = f"{reference.label} (device {reference.device}; region {reference.region})"
    return f"{text}; a synthetic curve, not a clinical reference" if reference.synthetic else text


def changes(content: ReportContent) -> tuple[str, ...]:
    """Return what changed since the report that this one replaces; nothing for a first one."""
    if content.withdraws:
        return (withdrawal.change(),)
    if content.predecessor is None:
        return ()
    before, now = content.predecessor.finding, content.finding
    lines = []
    if before.verdict is Verdict.LOW and now.verdict is not Verdict.LOW:
        lines.append("CORRECTION: the low estimate of the earlier report no longer holds.")
    lines.append("This report replaces the earlier report of this study.")
    lines.append(f"Earlier: {summary(before)}. Now: {summary(now)}.")
    return (*lines, *changed_causes(content))


def changed_causes(content: ReportContent) -> tuple[str, ...]:
    """Return what may be behind a change: threshold, reference, predictor, inputs, films."""
    if content.predecessor is None or content.withdraws:
        return ()
    before, now = content.predecessor.finding, content.finding
    lines = []
    if before.threshold_z != now.threshold_z:
        lines.append(
            f"The decision threshold changed from Z {before.threshold_z:.1f} to "
            f"{now.threshold_z:.1f}."
        )
    if before.verdict_basis is not now.verdict_basis:
        lines.append("Which Z the verdict rests on has changed.")
    if before.reference != now.reference:
        lines.append(f"The reference changed from {before.reference} to {now.reference}.")
    if before.predictor and now.predictor and before.predictor != now.predictor:
        lines.append(
            f"The predictor changed from {before.predictor.label} to {now.predictor.label}."
        )
    if before.estimate and now.estimate:
        lines += _changed_inputs(before.estimate, now.estimate)
    return tuple(lines)


def summary(finding: Finding) -> str:
    """Return verdict and values of a finding in one phrase."""
    words = _verdict_words(finding)
    e = finding.estimate
    if e is None:
        return words
    return (
        f"{words}, Z {z_words(e.z_low, e.z, e.z_high)}, "
        f"aBMD {abmd_words(e.abmd_low_g_cm2, e.abmd_g_cm2, e.abmd_high_g_cm2)}"
    )


def cautions(content: ReportContent) -> tuple[str, ...]:
    """Return what a reader must know of this child's estimate: height, and what was missing."""
    estimate = content.finding.estimate
    if estimate is None:
        return ()
    lines = [_height_caution(content, estimate)]
    if estimate.attention_withheld:
        lines.append(f"{capital(ATTENTION_WITHHELD)}.")
    if estimate.missing:
        lines.append(
            f"Missing: {' and '.join(estimate.missing)}. The predictor was told so; nothing was "
            "put in its place."
        )
    return tuple(lines)


def disclaimers() -> tuple[str, ...]:
    """Return what every report says of itself."""
    return _DISCLAIMERS


def synthetic_notice(content: ReportContent) -> tuple[str, ...]:
    """Return that the report is synthetic, where it is."""
    return (_SYNTHETIC,) if content.synthetic else ()


def variables(content: ReportContent) -> tuple[str, ...]:
    """Return the clinical variables used and missing, with their sources: once, or by film."""
    if not is_one_child(content):
        return ()
    distinct = list(
        dict.fromkeys(
            clinical_words(film.clinical, film.header.acquired_on) for film in content.films
        )
    )
    if len(distinct) == 1:
        return (capital(distinct[0]),)
    return tuple(
        f"{capital(film_words(content, film))}: "
        f"{clinical_words(film.clinical, film.header.acquired_on)}"
        for film in content.films
    )


def film_words(content: ReportContent, film: ScoredFilm | NotScoredFilm) -> str:
    """Return how a film of the study is called: its number in order of arrival, and its view."""
    films = sorted(content.named_films, key=lambda f: f.screening_id)
    number = [f.screening_id for f in films].index(film.screening_id) + 1
    view = film.header.view_position
    return f"film {number} of {len(films)}" + (f" ({view})" if view else "")


def film_lines(content: ReportContent) -> tuple[str, ...]:
    """Return each scored film's values; withheld where they may be of different children."""
    lines = []
    for film in content.films:
        p = film.prediction
        abmd = abmd_words(p.abmd_low_g_cm2, p.abmd_g_cm2, p.abmd_high_g_cm2)
        values = f"Z {z_words(film.z_low, film.z, film.z_high)}, aBMD {abmd}"
        if not is_one_child(content):
            values = "estimate withheld"
        lines.append(f"{capital(film_words(content, film))}: {values}.")
    return tuple(lines)


def not_scored(content: ReportContent, film: NotScoredFilm) -> str:
    """Return which film was not scored, and why."""
    return f"{capital(film_words(content, film))}: {reason_words(film.reason)} ({film.reason})."


def predictor_words(content: ReportContent) -> str:
    """Return which predictor spoke, or that none did."""
    predictor = content.finding.predictor
    if predictor is None:
        return "none"
    return f"{predictor.label}, synthetic" if predictor.synthetic else predictor.label


def report_text(content: ReportContent) -> str:
    """Return the whole report as plain text with headings, for page and console."""
    revised = f" - REVISED {content.revision}" if content.revision > 1 else ""
    sections: list[tuple[str, tuple[str, ...]]] = [
        ("Conclusion", (statement(content),)),
        ("What changed", changes(content)),
        ("Cautions", cautions(content)),
        (
            "How the value was formed",
            (formation(content),)
            if content.withdraws
            else (formation(content), f"Decision threshold: {threshold(content)}"),
        ),
        ("Films", film_lines(content)),
        ("Films not scored", tuple(not_scored(content, f) for f in content.told_not_scored)),
        ("Clinical variables", variables(content)),
        ("Method", _method(content)),
        ("Limits of this report", disclaimers()),
    ]
    lines = [f"{headline(content)}{revised}", CAPTION, *synthetic_notice(content)]
    for title, texts in sections:
        if texts:
            lines += ["", title, *(f"- {text}" for text in texts)]
    return "\n".join([*lines, "", f"Concluded {concluded(content)}"]) + "\n"


def concluded(content: ReportContent) -> str:
    """Return when the finding was concluded, with its time zone."""
    return content.concluded_at.strftime("%Y-%m-%d %H:%M %Z").strip()


def _method(content: ReportContent) -> tuple[str, ...]:
    if not content.films:
        return ()
    return (
        f"Predictor: {predictor_words(content)}.",
        f"Reference: {content.reference_statement}.",
        f"Interval: {content.interval_statement}",
    )


def _values_sentence(content: ReportContent, estimate: Estimate) -> str:
    abmd = (estimate.abmd_low_g_cm2, estimate.abmd_g_cm2, estimate.abmd_high_g_cm2)
    height = "height Z unknown"
    if estimate.height_z is not None:
        height = f"height Z {estimate.height_z:.1f} ({content.growth_name})"
    return (
        f"Estimated lumbar spine (L1-L4) aBMD {abmd[1]:.2f} g/cm2 "
        f"({level_words(estimate.interval_level)} prediction interval {abmd[0]:.2f} to "
        f"{abmd[2]:.2f}); "
        f"estimated Z {z_words(estimate.z_low, estimate.z, estimate.z_high)}, reference "
        f"{content.finding.reference}, {_adjusted_words(content.finding)}; {height}."
    )


def _adjusted_words(finding: Finding) -> str:
    """Return the height-adjusted Z with its coefficients, or that there is none."""
    e = finding.estimate
    if e is None or e.height_adjusted_z is None:
        return "not height-adjusted"
    return f"height-adjusted Z {e.height_adjusted_z:.1f} ({finding.height_adjustment})"


def low_probability_words(finding: Finding) -> str | None:
    """Return the probability of a low Z, with what it is worth something for; None without one.

    Only that of a predictor calibrated on the site's own children is printed.
    """
    p = finding.estimate.low_probability if finding.estimate else None
    if p is None or not p.local:
        return None
    return (
        f"Probability of a Z at or below {DEFINITION_Z:.1f} on DXA: {100 * p.value:.0f} %, "
        f"calibrated on {p.children} children of this site, {100 * p.prevalence:.0f} % of whom "
        "were low."
    )


def _low_sentence(finding: Finding) -> str:
    if finding.estimate is None or finding.judged_z is None or in_low_range(finding.estimate.z):
        return f"The estimate is {LOW_RANGE}.{_on_both_sides(finding)}"
    if finding.verdict_basis is VerdictBasis.HEIGHT:
        return _on_both_sides(finding).strip()
    chosen = f", chosen for {finding.threshold_chosen_for}" if finding.threshold_chosen_for else ""
    return (
        f"The estimate lies above Z {DEFINITION_Z:.1f}; at or below this site's referral threshold "
        f"(Z {finding.threshold_z:.1f}){chosen}."
    )


def _on_both_sides(finding: Finding) -> str:
    """Return that Z for age and height-adjusted Z lie on different sides of the cut, if so."""
    e = finding.estimate
    if e is None or e.height_adjusted_z is None:
        return ""
    for_age, for_height = e.z <= finding.threshold_z, e.height_adjusted_z <= finding.threshold_z
    if for_age == for_height:
        return ""
    words = "low for age, not low for height" if for_age else "low for height, not low for age"
    rests = "height-adjusted Z" if finding.verdict_basis is VerdictBasis.HEIGHT else "Z for age"
    return (
        f" By the decision threshold it is {words} (Z {e.z:.1f}; height-adjusted Z "
        f"{e.height_adjusted_z:.1f}); the verdict rests on the {rests}."
    )


def _not_low_sentence(finding: Finding) -> str:
    above = f"above the decision threshold (Z {finding.threshold_z:.1f})"
    sides = _on_both_sides(finding)
    if finding.verdict_basis is VerdictBasis.HEIGHT:
        return f"The height-adjusted estimate lies {above}.{sides}"
    if finding.estimate is not None and in_low_range(finding.estimate.z):
        return f"The estimate is {LOW_RANGE}, and lies {above}.{sides}"
    return f"The estimate lies {above}.{sides}"


def _height_caution(content: ReportContent, estimate: Estimate) -> str:
    if estimate.height_z is not None and estimate.height_adjusted_z is not None:
        adjusted = (
            f"Height-adjusted Z {estimate.height_adjusted_z:.1f} "
            f"(height Z {estimate.height_z:.1f}; coefficients {content.finding.height_adjustment})."
        )
        if round(estimate.height_z, 1) <= SHORT_STATURE_Z:
            return (
                "Short stature: areal density reads low in small children by size alone. "
                + adjusted
            )
        return adjusted
    if "height" in estimate.missing:
        return (
            "Height unknown: short stature, which lowers areal density by size alone, cannot be "
            "recognised. Not height-adjusted."
        )
    if estimate.height_z is None:
        return f"{content.growth_name} has no height Z at this age. Not height-adjusted."
    height = f"height Z {estimate.height_z:.1f}"
    if round(estimate.height_z, 1) <= SHORT_STATURE_Z:
        return (
            f"Short stature ({height}): areal density reads low in small children by size alone. "
            "Not height-adjusted."
        )
    return f"Not height-adjusted ({height})."


def _changed_inputs(before: Estimate, now: Estimate) -> list[str]:
    lines = []
    if gained := [name for name in before.missing if name not in now.missing]:
        lines.append(f"Now known: {' and '.join(gained)}.")
    if lost := [name for name in now.missing if name not in before.missing]:
        lines.append(f"No longer known: {' and '.join(lost)}.")
    if before.sex is not now.sex:
        lines.append(f"Sex changed from {sex_words(before.sex)} to {sex_words(now.sex)}.")
    ages = age_words(before.age_years), age_words(now.age_years)
    if ages[0] != ages[1]:
        lines.append(f"Age changed from {ages[0]} to {ages[1]}.")
    if len(before.films) != len(now.films):
        lines.append(f"Films in the value: {len(before.films)} before, {len(now.films)} now.")
    return lines


def _verdict_words(finding: Finding) -> str:
    match finding.verdict:
        case Verdict.LOW:
            if finding.estimate is None or in_low_range(finding.estimate.z):
                return "estimate in the low range for age and sex"
            return "estimate at or below this site's referral threshold"
        case Verdict.NOT_LOW:
            return "estimate above the decision threshold"
        case Verdict.INDETERMINATE:
            return "no statement from the estimates"
        case Verdict.NOT_ASSESSED:
            return "no estimate"
        case Verdict.WITHDRAWN:
            return "earlier report withdrawn"
        case _:
            assert_never(finding.verdict)


def _reason(finding: Finding) -> str:
    return (finding.reason or FindingReason.NO_SCORED_FILM).value
