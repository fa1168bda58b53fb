"""What report, card, page and console say of a finding, in sentences of the report's language.

The texts themselves stand in `catalogue`; here is decided which of them are said.
"""

from __future__ import annotations

from typing import assert_never

from screener.domain.catalogue import Catalogue
from screener.domain.estimate import Estimate
from screener.domain.finding import Finding, FindingReason, Verdict, VerdictBasis
from screener.domain.phrases import (
    abmd_words,
    age_words,
    capital,
    clinical_words,
    reason_words,
    sex_words,
    z_words,
)
from screener.domain.reference import BmdReference
from screener.domain.report import NotScoredFilm, ReportContent, ScoredFilm
from screener.domain.threshold import DEFINITION_Z, ThresholdSource

#: At or below this height Z the estimate reads low by size alone.
SHORT_STATURE_Z = -2.0

_LIMITS = ("research", "not_dxa", "fractures", "rule_out", "urgency", "follow_up")


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
    words = verdict_words(content.say, content.finding)
    if is_correction(content) and not content.withdraws:
        return content.say("correction", words=words)
    return capital(words)


def statement(content: ReportContent) -> str:
    """Return what the report concludes: values with interval and reference, and their meaning."""
    parts = [content.say("research")]
    estimate = content.finding.estimate
    if estimate is not None:
        parts.append(_values_sentence(content, estimate))
    if probability := low_probability_words(content.say, content.finding):
        parts.append(probability)
    parts += verdict_sentences(content)
    if content.finding.verdict is Verdict.LOW:
        parts.append(content.say("consider"))
    return " ".join(parts)


def verdict_sentences(content: ReportContent) -> tuple[str, ...]:
    """Return what the verdict means, and whether the interval crosses the threshold."""
    finding, say = content.finding, content.say
    match finding.verdict:
        case Verdict.LOW:
            sentences = _low_sentences(say, finding)
        case Verdict.NOT_LOW:
            sentences = [*_not_low_sentences(say, finding), say("not_excluded")]
        case Verdict.INDETERMINATE:
            sentences = [say("no_statement", reason=reason_words(say, _reason(finding)))]
        case Verdict.NOT_ASSESSED:
            sentences = [say("no_estimate", reason=reason_words(say, _reason(finding)))]
        case Verdict.WITHDRAWN:
            sentences = _withdrawn_sentences(say, finding)
        case _:
            assert_never(finding.verdict)
    crossing = crossing_sentence(say, finding)
    return (*sentences, crossing) if crossing else tuple(sentences)


def crossing_sentence(say: Catalogue, finding: Finding) -> str | None:
    """Return that the interval reaches to both sides of the threshold, where it does."""
    if finding.verdict not in {Verdict.LOW, Verdict.NOT_LOW} or not finding.crosses_threshold:
        return None
    return say("crossing", threshold=finding.threshold_z)


def formation(content: ReportContent) -> str:
    """Return how the study's value was formed from its films."""
    say, estimate = content.say, content.finding.estimate
    if content.withdraws:
        return say("withdrawn.formation")
    scored = len(content.films)
    if estimate is None:
        return say("formation.none", scored=scored)
    used = len(estimate.films)
    view = say(f"view.{estimate.view.value}")
    text = say("formation.one" if used == 1 else "formation.mean", view=view, used=used)
    unused = scored - used
    return f"{text} {say('formation.unused', unused=unused)}" if unused else text


def threshold(content: ReportContent) -> str:
    """Return the decision threshold and whose it is, and beside it the definition of low."""
    short = threshold_in_short(content.say, content.finding)
    return content.say("threshold", short=short, definition=DEFINITION_Z)


def threshold_in_short(say: Catalogue, finding: Finding) -> str:
    """Return the decision threshold and whose it is: what every result object carries."""
    by_height = finding.verdict_basis is VerdictBasis.HEIGHT
    cut = say("threshold.height" if by_height else "threshold.age", z=finding.threshold_z)
    key = f"threshold.{finding.threshold_source.value}"
    may_be_chosen = {ThresholdSource.PREDICTOR, ThresholdSource.SITE}
    if finding.threshold_chosen_for and finding.threshold_source in may_be_chosen:
        key += ".chosen"
    return say(key, cut=cut, chosen=finding.threshold_chosen_for, reference=finding.reference)


def reference_statement(say: Catalogue, reference: BmdReference) -> str:
    """Return name, version, device and region of a BMD reference, as printed beside a Z."""
    key = "reference.synthetic" if reference.synthetic else "reference"
    return say(key, label=reference.label, device=reference.device, region=reference.region)


def changes(content: ReportContent) -> tuple[str, ...]:
    """Return what changed since the report that this one replaces; nothing for a first one."""
    if content.withdraws:
        return (content.say("withdrawn.change"),)
    if content.predecessor is None:
        return ()
    say, before, now = content.say, content.predecessor.finding, content.finding
    lines = []
    if before.verdict is Verdict.LOW and now.verdict is not Verdict.LOW:
        lines.append(say("change.withdrawn_low"))
    lines.append(say("change.replaces"))
    lines.append(say("change.summaries", before=summary(say, before), now=summary(say, now)))
    return (*lines, *changed_causes(content))


def changed_causes(content: ReportContent) -> tuple[str, ...]:
    """Return what may be behind a change: threshold, reference, predictor, inputs, films."""
    if content.predecessor is None or content.withdraws:
        return ()
    say, before, now = content.say, content.predecessor.finding, content.finding
    lines = []
    if before.threshold_z != now.threshold_z:
        lines.append(say("change.threshold", before=before.threshold_z, now=now.threshold_z))
    if before.verdict_basis is not now.verdict_basis:
        lines.append(say("change.basis"))
    if before.reference != now.reference:
        lines.append(say("change.reference", before=before.reference, now=now.reference))
    if before.predictor and now.predictor and before.predictor != now.predictor:
        labels = before.predictor.label, now.predictor.label
        lines.append(say("change.predictor", before=labels[0], now=labels[1]))
    if before.estimate and now.estimate:
        lines += _changed_inputs(say, before.estimate, now.estimate)
    return tuple(lines)


def summary(say: Catalogue, finding: Finding) -> str:
    """Return verdict and values of a finding in one phrase."""
    words = verdict_words(say, finding)
    e = finding.estimate
    if e is None:
        return words
    return say(
        "summary",
        words=words,
        z=z_words(say, e.z_low, e.z, e.z_high),
        abmd=abmd_words(say, e.abmd_low_g_cm2, e.abmd_g_cm2, e.abmd_high_g_cm2),
    )


def cautions(content: ReportContent) -> tuple[str, ...]:
    """Return what a reader must know of this child's estimate: height, and what was missing."""
    say, estimate = content.say, content.finding.estimate
    if estimate is None:
        return ()
    lines = [_height_caution(content, estimate)]
    if estimate.attention_withheld:
        lines.append(f"{capital(say('attention.withheld'))}.")
    if estimate.missing:
        lines.append(say("caution.missing", names=_names(say, estimate.missing)))
    return tuple(lines)


def rejection(content: ReportContent) -> str:
    """Return why objects of an earlier report are not to be used: withdrawn, or replaced."""
    if content.withdraws:
        return " ".join(verdict_sentences(content))
    return content.say("replaced.pictures", number=content.revision)


def disclaimers(say: Catalogue) -> tuple[str, ...]:
    """Return what every report says of itself."""
    return tuple(say(f"limit.{name}") for name in _LIMITS)


def synthetic_notice(content: ReportContent) -> tuple[str, ...]:
    """Return that the report is synthetic, where it is."""
    return (content.say("synthetic"),) if content.synthetic else ()


def caption(say: Catalogue, *, synthetic: bool) -> str:
    """Return what stands in every picture: what this is, and what it is not."""
    return say("caption.synthetic" if synthetic else "caption")


def variables(content: ReportContent) -> tuple[str, ...]:
    """Return the clinical variables used and missing, with their sources: once, or by film."""
    if not is_one_child(content):
        return ()
    say = content.say
    said = [clinical_words(say, f.clinical, f.header.acquired_on) for f in content.films]
    if len(set(said)) == 1:
        return (capital(said[0]),)
    return tuple(
        say("film.variables", film=capital(film_words(content, film)), variables=words)
        for film, words in zip(content.films, said, strict=True)
    )


def film_words(content: ReportContent, film: ScoredFilm | NotScoredFilm) -> str:
    """Return how a film of the study is called: its number in order of arrival, and its view."""
    films = sorted(content.named_films, key=lambda f: f.screening_id)
    number = [f.screening_id for f in films].index(film.screening_id) + 1
    view = film.header.view_position
    key = "film.view" if view else "film"
    return content.say(key, number=number, count=len(films), view=view)


def film_lines(content: ReportContent) -> tuple[str, ...]:
    """Return each scored film's values; withheld where they may be of different children."""
    say = content.say
    lines = []
    for film in content.films:
        p, name = film.prediction, capital(film_words(content, film))
        if not is_one_child(content):
            lines.append(say("film.withheld", film=name))
            continue
        abmd = abmd_words(say, p.abmd_low_g_cm2, p.abmd_g_cm2, p.abmd_high_g_cm2)
        z = z_words(say, film.z_low, film.z, film.z_high)
        lines.append(say("film.values", film=name, z=z, abmd=abmd))
    return tuple(lines)


def not_scored(content: ReportContent, film: NotScoredFilm) -> str:
    """Return which film was not scored, and why."""
    say = content.say
    name = capital(film_words(content, film))
    reason = reason_words(say, film.reason)
    return say("film.not_scored", film=name, reason=reason, code=film.reason)


def region_words(content: ReportContent, film: ScoredFilm) -> str:
    """Return which film's input field a region shows, and that it is no measured area."""
    name = capital(film_words(content, film))
    return content.say("film.region", film=name, label=content.say("field.label"))


def predictor_words(content: ReportContent) -> str:
    """Return which predictor spoke, or that none did."""
    predictor = content.finding.predictor
    if predictor is None:
        return content.say("predictor.none")
    key = "predictor.synthetic" if predictor.synthetic else "predictor"
    return content.say(key, label=predictor.label)


def report_text(content: ReportContent) -> str:
    """Return the whole report as plain text with headings, for page and console."""
    say = content.say
    revised = f" - {say('card.revised', number=content.revision)}" if content.revision > 1 else ""
    cut = say("report.threshold", threshold=threshold(content))
    formed = (formation(content),) if content.withdraws else (formation(content), cut)
    sections: list[tuple[str, tuple[str, ...]]] = [
        ("conclusion", (statement(content),)),
        ("changes", changes(content)),
        ("cautions", cautions(content)),
        ("formation", formed),
        ("films", film_lines(content)),
        ("not_scored", tuple(not_scored(content, film) for film in content.told_not_scored)),
        ("variables", variables(content)),
        ("method", _method(content)),
        ("limits", disclaimers(say)),
    ]
    lines = [f"{headline(content)}{revised}", say("caption"), *synthetic_notice(content)]
    for name, texts in sections:
        if texts:
            lines += ["", say(f"section.{name}"), *(f"- {text}" for text in texts)]
    return "\n".join([*lines, "", say("report.concluded", at=concluded(content))]) + "\n"


def concluded(content: ReportContent) -> str:
    """Return when the finding was concluded, with its time zone."""
    at = content.concluded_at
    return content.say("concluded", at=at, zone=at.strftime("%Z")).strip()


def _method(content: ReportContent) -> tuple[str, ...]:
    if not content.films:
        return ()
    say = content.say
    return (
        say("report.predictor", predictor=predictor_words(content)),
        say("report.reference", reference=content.reference_statement),
        say("report.interval", interval=content.interval_statement),
    )


def _values_sentence(content: ReportContent, estimate: Estimate) -> str:
    say = content.say
    height = say("values.height_unknown")
    if estimate.height_z is not None:
        height = say("values.height", z=estimate.height_z, growth=content.growth_name)
    return say(
        "values",
        abmd=estimate.abmd_g_cm2,
        abmd_low=estimate.abmd_low_g_cm2,
        abmd_high=estimate.abmd_high_g_cm2,
        level=100 * estimate.interval_level,
        z=estimate.z,
        z_low=estimate.z_low,
        z_high=estimate.z_high,
        reference=content.finding.reference,
        adjusted=_adjusted_words(say, content.finding),
        height=height,
    )


def _adjusted_words(say: Catalogue, finding: Finding) -> str:
    """Return the height-adjusted Z with its coefficients, or that there is none."""
    e = finding.estimate
    if e is None or e.height_adjusted_z is None:
        return say("values.not_adjusted")
    return say("values.adjusted", z=e.height_adjusted_z, coefficients=finding.height_adjustment)


def low_probability_words(say: Catalogue, finding: Finding) -> str | None:
    """Return the probability of a low Z, with what it is worth something for; None without one.

    Only that of a predictor calibrated on the site's own children is printed.
    """
    p = finding.estimate.low_probability if finding.estimate else None
    if p is None or not p.local:
        return None
    return say(
        "probability",
        definition=DEFINITION_Z,
        value=100 * p.value,
        children=p.children,
        prevalence=100 * p.prevalence,
    )


def _low_sentences(say: Catalogue, finding: Finding) -> list[str]:
    both = _on_both_sides(say, finding)
    if finding.estimate is None or finding.judged_z is None or in_low_range(finding.estimate.z):
        return [say("low_range"), *both]
    if finding.verdict_basis is VerdictBasis.HEIGHT:
        return both
    key = "site_range.chosen" if finding.threshold_chosen_for else "site_range"
    chosen = finding.threshold_chosen_for
    cut = finding.threshold_z
    return [say(key, definition=DEFINITION_Z, threshold=cut, chosen=chosen)]


def _withdrawn_sentences(say: Catalogue, finding: Finding) -> list[str]:
    """Return what a withdrawing report concludes: that, why, and what it does not say."""
    return [
        say("withdrawn"),
        say("withdrawn.reason", reason=finding.withdrawn_because.rstrip(".")),
        say("withdrawn.not_used"),
        say("withdrawn.child"),
    ]


def _on_both_sides(say: Catalogue, finding: Finding) -> list[str]:
    """Return that Z for age and height-adjusted Z lie on different sides of the cut, if so."""
    e = finding.estimate
    if e is None or e.height_adjusted_z is None:
        return []
    for_age, for_height = e.z <= finding.threshold_z, e.height_adjusted_z <= finding.threshold_z
    if for_age == for_height:
        return []
    low_for = "age" if for_age else "height"
    basis = "height" if finding.verdict_basis is VerdictBasis.HEIGHT else "age"
    return [say(f"both_sides.{low_for}.basis_{basis}", z=e.z, adjusted=e.height_adjusted_z)]


def _not_low_sentences(say: Catalogue, finding: Finding) -> list[str]:
    key = "above"
    if finding.verdict_basis is VerdictBasis.HEIGHT:
        key = "above.height"
    elif finding.estimate is not None and in_low_range(finding.estimate.z):
        key = "low_range.above"
    return [say(key, threshold=finding.threshold_z), *_on_both_sides(say, finding)]


def _height_caution(content: ReportContent, estimate: Estimate) -> str:
    say, height = content.say, estimate.height_z
    short = height is not None and round(height, 1) <= SHORT_STATURE_Z
    if height is not None and estimate.height_adjusted_z is not None:
        return say(
            "caution.short_adjusted" if short else "caution.adjusted",
            adjusted=estimate.height_adjusted_z,
            height=height,
            coefficients=content.finding.height_adjustment,
        )
    if "height" in estimate.missing:
        return say("caution.height_unknown")
    if height is None:
        return say("caution.no_height_z", growth=content.growth_name)
    return say("caution.short" if short else "caution.not_adjusted", height=height)


def _names(say: Catalogue, names: tuple[str, ...] | list[str]) -> str:
    return say.both(say(f"input.{name}") for name in names)


def _changed_inputs(say: Catalogue, before: Estimate, now: Estimate) -> list[str]:
    lines = []
    if gained := [name for name in before.missing if name not in now.missing]:
        lines.append(say("change.known", names=_names(say, gained)))
    if lost := [name for name in now.missing if name not in before.missing]:
        lines.append(say("change.unknown", names=_names(say, lost)))
    if before.sex is not now.sex:
        sexes = sex_words(say, before.sex), sex_words(say, now.sex)
        lines.append(say("change.sex", before=sexes[0], now=sexes[1]))
    ages = age_words(say, before.age_years), age_words(say, now.age_years)
    if ages[0] != ages[1]:
        lines.append(say("change.age", before=ages[0], now=ages[1]))
    if len(before.films) != len(now.films):
        lines.append(say("change.films", before=len(before.films), now=len(now.films)))
    return lines


def verdict_words(say: Catalogue, finding: Finding) -> str:
    """Return a verdict in a few words."""
    match finding.verdict:
        case Verdict.LOW:
            if finding.estimate is None or in_low_range(finding.estimate.z):
                return say("verdict.low")
            return say("verdict.low_site")
        case Verdict.NOT_LOW:
            return say("verdict.not_low")
        case Verdict.INDETERMINATE:
            return say("verdict.indeterminate")
        case Verdict.NOT_ASSESSED:
            return say("verdict.not_assessed")
        case Verdict.WITHDRAWN:
            return say("verdict.withdrawn")
        case _:
            assert_never(finding.verdict)


def _reason(finding: Finding) -> str:
    return (finding.reason or FindingReason.NO_SCORED_FILM).value
