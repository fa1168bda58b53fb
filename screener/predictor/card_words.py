"""The model card for people: a predictor's facts in words, with unit and origin. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from screener.domain.catalogue import ENGLISH
from screener.domain.phrases import reason_words
from screener.domain.prediction import PredictorIdentity
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.card import PredictorCard
from screener.predictor.facts import Share

NOT_IN_CARD = "not in this card"

_SYNTHETIC = (
    "SYNTHETIC: trained on computed children alone. It has never seen a child, scores no real "
    "film, and its figures say nothing about any child."
)
_RESEARCH = "Research use only; not a medical device."

#: What the preparations do that cards of their version speak of.
_PREPARATIONS = {
    1: (
        "the exposed area inside the shutters, aspect kept, padded to a square; grey between its "
        "0.5 and 99.5 percentile; bone bright"
    ),
}

#: Word, decimals and unit of a range, by its name in the card.
_RANGES = {
    "age_years": ("age", 1, "years"),
    "height_m": ("height", 2, "m"),
    "weight_kg": ("weight", 1, "kg"),
    "mm_per_pixel": ("scale", 2, "mm of the detector per pixel of the network"),
}

_METRICS = {
    "r_z": "correlation of estimated and true Z, r",
    "r_abmd": "correlation of estimated and true aBMD, r",
    "mae_z": "mean absolute error",
    "auc": f"area under the ROC curve for a true Z at or below {DEFINITION_Z:.1f}",
    "sensitivity": f"sensitivity at an estimated Z of {DEFINITION_Z:.1f}",
    "specificity": f"specificity at an estimated Z of {DEFINITION_Z:.1f}",
    "coverage_90": "share of true Z inside the 90 % interval",
}
_OF_GATES = (
    "On children who taught no gate. Unproven on patients: it has seen no patient's film of the "
    "kind that it is to turn away."
)
_ARMS = {"no_height_no_weight": "without height and weight"}

_MISSING = "height, weight or both may be missing, and are told as missing; nothing is filled in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a model card: a heading, a text, and rows of name and value."""

    title: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()


def headline(card: PredictorCard) -> tuple[str, ...]:
    """Return what stands first, whatever else is shown of a predictor."""
    return (_SYNTHETIC, _RESEARCH) if card.synthetic else (_RESEARCH,)


def sections(card: PredictorCard, identity: PredictorIdentity) -> list[Section]:
    """Return a model card's sections; one that the card has nothing on says so."""
    films = " (synthetic films)" if card.synthetic else ""
    by = f"Z by {card.reference.label}"
    notes = f"What they were measured on, in the card's words: {card.decision_notes}"
    found = [
        Section(title="Intended use", text=card.intended_use),
        Section(title="Ages, and what training has seen", rows=tuple(_ranges(card))),
        Section(title="Input and preparation", rows=tuple(_input(card))),
        Section(title=f"Training{films}", rows=tuple(_training(card))),
        Section(title="BMD reference", rows=tuple(_reference(card))),
        Section(title=f"Calibration{films}", rows=tuple(_calibration(card))),
        Section(
            title=f"Prediction interval{films}",
            text=card.interval.statement,
            rows=tuple(_interval(card)),
        ),
        Section(title=f"Probability of a low Z{films}", rows=tuple(_probability(card))),
        Section(title=f"Decision threshold{films}", rows=tuple(_decision(card))),
        Section(
            title=f"Films that its gates turn away{films}",
            text=_OF_GATES if card.gates else "",
            rows=tuple(_gates(card)),
        ),
        Section(title=f"Attention maps{films}", rows=tuple(_attention(card))),
        Section(title="Child that contributions are counted from", rows=tuple(_baseline(card))),
        Section(
            title=f"Figures{films}, {by}",
            text=notes if card.metrics else "",
            rows=tuple(_metrics(card)),
        ),
        Section(title="Identity", rows=tuple(_identity(card, identity))),
    ]
    if not card.metrics and card.decision_notes:
        found.insert(-1, Section(title="Notes", text=card.decision_notes))
    return [
        one if one.text or one.rows else Section(title=_bare(one.title), text=NOT_IN_CARD)
        for one in found
    ]


def _bare(title: str) -> str:
    """Return a heading without whose films its section is about: it has nothing to say of any."""
    return title.partition(" (")[0].partition(",")[0]


def as_markdown(card: PredictorCard, identity: PredictorIdentity) -> str:
    """Return a model card as a Markdown document."""
    lines = [f"# Model card: {_escaped(card.label)}", ""]
    for sentence in headline(card):
        lines += [f"**{sentence}**", ""]
    for section in sections(card, identity):
        lines += [f"## {section.title}", ""]
        if section.text:
            lines += [_escaped(section.text), ""]
        if section.rows:
            lines += ["| | |", "|---|---|"]
            lines += [f"| {_escaped(name)} | {_escaped(value)} |" for name, value in section.rows]
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _ranges(card: PredictorCard) -> Iterator[tuple[str, str]]:
    low, high = card.age_years
    yield "estimates children of", f"{low:g} to under {high:g} years"
    for name, (low, high) in card.trained_ranges.items():
        if name == "z":
            yield "trained on Z", f"{low:.1f} to {high:.1f} ({card.reference.label})"
            continue
        words, decimals, unit = _RANGES.get(name, (name, 2, ""))
        shown = f"{low:.{decimals}f} to {high:.{decimals}f} {unit}".rstrip()
        yield f"trained on {words}", shown


def _input(card: PredictorCard) -> Iterator[tuple[str, str]]:
    prepared = _PREPARATIONS.get(card.preparation_version, "of another version of this software")
    network = f"{card.architecture.trunk}, width {card.architecture.widen_factor:g}"
    yield "film", f"a frontal chest film, as {card.size_px} x {card.size_px} pixels"
    yield "preparation", f"version {card.preparation_version}: {prepared}"
    yield "of the child", f"age, sex, height and weight; {_MISSING}"
    yield "network", f"{network}; one output is the Z"


def _training(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.training
    yield "data", facts.data
    yield "films", f"{facts.films:,}"
    yield "patients", f"{facts.patients:,}"
    yield "epochs", f"{facts.epochs}"
    yield "seed", f"{facts.seed}"
    yield "machine", facts.machine
    yield "manifest, SHA-256", facts.manifest_sha256
    yield "split, SHA-256", facts.split_sha256


def _reference(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.reference
    yield "name", facts.label + (" (synthetic: no clinical reference)" if facts.synthetic else "")
    yield "region, device", f"{facts.region}, {facts.device}"
    yield "source", facts.source
    yield "SHA-256 of its file", facts.checksum


def _calibration(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.calibration
    yield "Z", f"{facts.intercept:.3f} + {facts.slope:.3f} x the network's Z"
    fitted = f"{facts.films:,} films of {facts.patients:,} children that it had not learnt from"
    yield "fitted on", fitted if facts.films else "nothing: the network's Z is taken as it is"
    yield "whose", facts.origin or NOT_IN_CARD


def _interval(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.interval
    yield "coverage", f"{100 * facts.level:g} %"
    for pattern, width in facts.half_width_z.items():
        yield f"half width, {_missing(pattern)}", f"{width:.2f} Z ({card.reference.label})"
    levels = len(facts.quantile_levels)
    yield "predictive distribution", f"{levels} quantiles" if levels else NOT_IN_CARD


def _probability(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.probability
    if facts is None:
        return
    platt = f"1 / (1 + exp(-({facts.intercept:.3f} + {facts.slope:.3f} Z)))"
    yield "P", f"{platt}, Z by {card.reference.label}"
    yield "holds for a prevalence of", f"{100 * facts.prevalence:.1f} % low children"
    yield "fitted on", f"{facts.films:,} films of {facts.patients:,} children"
    own = "of the site itself" if facts.local else "not of the site itself: reports print no P"
    yield "whose children", own


def _decision(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.decision
    if facts is None:
        return
    yield "flagged", f"an estimated Z at or below {facts.threshold_z:.1f} ({facts.reference})"
    yield "definition of low", f"a true Z at or below {facts.definition_z:.1f} ({facts.reference})"
    yield "chosen for", f"{facts.chosen_for}, {_missing(facts.missing)}"
    yield "sensitivity", _share(facts.sensitivity)
    yield "specificity", _share(facts.specificity)
    yield (
        "chosen on",
        f"{facts.films:,} films of {facts.patients:,} children, {facts.low_patients:,} of them low",
    )
    yield "prevalence of the site", f"{100 * facts.prevalence:.1f} %"
    for prevalence, ppv in facts.expected_ppv.items():
        flags = facts.expected_flags_per_1000.get(prevalence)
        flagged = "" if flags is None else f"; {flags:.0f} of 1,000 flagged"
        yield (
            f"expected at a prevalence of {_per_cent(prevalence)}",
            f"{100 * ppv:.0f} % of the flagged are low{flagged}",
        )


def _gates(card: PredictorCard) -> Iterator[tuple[str, str]]:
    for gate in card.gates:
        of_share: dict[str, list[str]] = {}
        for kind, share in sorted(gate.detected.items(), key=lambda one: -one[1].value):
            of_share.setdefault(_short(share), []).append(kind.replace("_", " "))
        found = "; ".join(f"{', '.join(kinds)} {share}" for share, kinds in of_share.items())
        facts = [
            f"finds {found or NOT_IN_CARD}",
            f"by mistake {_short(gate.false_rejection)} of films in range",
        ]
        if not gate.proven_on_patients:
            facts.append("unproven on patients")
        yield reason_words(ENGLISH, gate.reason), "; ".join(facts)


def _attention(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.attention
    if facts is None:
        return
    least = f"at least {facts.least_ratio:.2f} times as much as chance would"
    yield "shown where", f"the share of attention on the spine is {least}"
    yield "median on films of no other use", f"{facts.median_ratio:.2f} times"
    yield "films with a map", f"{100 * facts.shown:.0f} % of {facts.films:,}"


def _baseline(card: PredictorCard) -> Iterator[tuple[str, str]]:
    facts = card.baseline
    boy = f"{100 * facts.male_share:.0f} % boy"
    yield "age and sex", f"{facts.age_years:.1f} years, {boy}: means of the training part"
    yield "film, height and weight", "none"
    yield "its Z", f"{facts.z:.2f} ({card.reference.label})"


def _metrics(card: PredictorCard) -> Iterator[tuple[str, str]]:
    for key, value in card.metrics.items():
        arm, _, name = key.rpartition(".")
        words = _METRICS.get(name, name)
        if arm:
            words += f", {_ARMS.get(arm, arm)}"
        unit = f" Z ({card.reference.label})" if name.endswith("_z") and name != "r_z" else ""
        yield words, f"{value:.3f}{unit}"


def _identity(card: PredictorCard, identity: PredictorIdentity) -> Iterator[tuple[str, str]]:
    yield "name, version", f"{card.name}, {card.version}"
    yield "made", card.created
    yield "checksum (SHA-256 of the card)", identity.checksum
    yield "weights, SHA-256", card.weights_sha256
    yield "gates, SHA-256", card.gates_sha256 or NOT_IN_CARD
    yield "schema of the card", str(card.schema)


def _missing(pattern: str) -> str:
    return "nothing missing" if pattern == "none" else f"without {pattern}"


def _share(share: Share) -> str:
    return (
        f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f} %, of "
        f"{share.n:,})"
    )


def _short(share: Share) -> str:
    return f"{100 * share.value:.1f} % (of {share.n:,})"


def _per_cent(share: str) -> str:
    try:
        return f"{100 * float(share):g} %"
    except ValueError:
        return share


def as_figures(card: PredictorCard) -> Mapping[str, object]:
    """Return the few facts by which predictors are told apart in a list."""
    return {
        "name": card.name,
        "version": card.version,
        "synthetic": card.synthetic,
        "size_px": card.size_px,
        "reference": card.reference.label,
        "r_z": card.metrics.get("r_z"),
    }
