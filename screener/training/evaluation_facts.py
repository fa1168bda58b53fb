"""What was evaluated, on whom, and who was left out: facts of an evaluation as rows of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from screener.domain.threshold import ThresholdSource
from screener.training.evaluation import Evaluation
from screener.training.evaluation_words import Rows, exclusion_words, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A box of the flow of films: how many, of what, and who leaves there for which reason."""

    count: str
    words: str
    leaving: tuple[tuple[str, str], ...] = ()


def facts(evaluation: Evaluation) -> Rows:
    """Return what was evaluated: the predictor, its training, the reference, the threshold."""
    e, card, by = evaluation, evaluation.card, evaluation.rules.by
    training = card.training
    rows: Rows = [
        ("predictor", f"{card.label}, made {card.created}"),
        ("intended use", card.intended_use),
        ("trained on", training.data),
        ("network", f"{card.architecture.trunk}, film as {card.size_px} x {card.size_px} pixels"),
        ("calibration", _calibration(evaluation)),
        (
            "BMD reference",
            f"{by.label}; {by.region}; {by.device}; {by.source}"
            + (" (synthetic: no clinical reference)" if by.synthetic else ""),
        ),
        ("low", f"a measured Z of {number(e.rules.definition_z, 1)} or below"),
        ("decision threshold", threshold_words(evaluation)),
        ("weights, SHA-256", card.weights_sha256),
    ]
    if e.manifest_sha256:
        rows.append(("manifest evaluated, SHA-256", e.manifest_sha256))
    rows.append(("manifest trained on, SHA-256", training.manifest_sha256))
    return rows


def threshold_words(evaluation: Evaluation) -> str:
    """Return the decision threshold, and whose it is."""
    rules = evaluation.rules
    cut = f"an estimated Z of {number(rules.threshold_z, 1)} or below, rounded to one decimal"
    if rules.threshold_source is ThresholdSource.DEFINITION:
        return f"{cut}: the definition of low, for the card has no threshold for this reference"
    lacking = "nothing" if rules.chosen_missing == "none" else rules.chosen_missing
    return f"{cut}; of the predictor's card, chosen for {rules.chosen_for} with {lacking} missing"


def cohort(evaluation: Evaluation) -> Rows:
    """Return who the children are."""
    e, table = evaluation, evaluation.table
    n = e.films
    age, z = table.age_years, e.estimates.z
    quarters = [number(float(q), 1) for q in np.quantile(age, (0.5, 0.25, 0.75))]
    boys = sum(sex == "M" for sex in table.sex)
    lows = e.overall.positives
    rows: Rows = [
        ("films, children", f"{n:,}, {e.patients:,}"),
        ("films of boys", f"{boys:,} ({100 * boys / n:.0f} %)"),
        ("age, years, median (quartiles)", f"{quarters[0]} ({quarters[1]} to {quarters[2]})"),
        (
            f"measured Z ({e.rules.by.label}), mean (SD)",
            f"{number(float(z.mean()))} ({number(float(z.std(ddof=1)) if n > 1 else 0.0)})",
        ),
        ("films of low children", f"{lows:,} ({100 * lows / n:.1f} %)"),
    ]
    for name, known in (("height", table.height_known), ("weight", table.weight_known)):
        rows.append((f"{name} known", f"{int(known.sum()):,} ({100 * known.mean():.0f} %)"))
    return rows


def flow(evaluation: Evaluation) -> list[Stop]:
    """Return the way of the films from the manifest to the evaluation."""
    e = evaluation
    left, turned = sum(e.exclusions.values()), sum(e.not_scored.values())
    kind = "synthetic films" if e.synthetic else "films"
    origin = "rows of the manifest" if e.manifest_sha256 else f"{kind} of the table"
    stops = [
        Stop(
            count=f"{e.films + turned + left:,}",
            words=origin,
            leaving=_leaving("left out", e.exclusions),
        )
    ]
    if turned:
        stops.append(
            Stop(
                count=f"{e.films + turned:,}",
                words=f"{kind} that could be estimated",
                leaving=_leaving("turned away by the predictor", e.not_scored),
            )
        )
    lows = e.overall.positives
    stops.append(Stop(count=f"{e.films:,}", words=f"{kind} of {e.patients:,} children evaluated"))
    stops.append(Stop(count=f"{lows:,}", words="of low children: measured Z −2.0 or below"))
    stops.append(Stop(count=f"{e.films - lows:,}", words="of children who are not low"))
    return stops


def _calibration(evaluation: Evaluation) -> str:
    facts = evaluation.card.calibration
    line = f"Z = {number(facts.intercept)} + {number(facts.slope)} x the network's Z"
    if not facts.films:
        return f"{line}; fitted on nothing"
    return f"{line}; fitted on {facts.patients:,} children" + (
        f" ({facts.origin})" if facts.origin else ""
    )


def _leaving(words: str, reasons: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    if not reasons:
        return ((f"none {words}", "0"),)
    total = ((words, f"{sum(reasons.values()):,}"),)
    listed = sorted(reasons.items(), key=lambda item: -item[1])
    return total + tuple((exclusion_words(reason), f"{count:,}") for reason, count in listed)
