"""The whole evaluation of a predictor from one table of predictions: no network, no film."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from screener.domain.errors import ConfigurationError
from screener.domain.reference import BmdReference
from screener.predictor.card import PredictorCard
from screener.training.calibration_curves import (
    Coverage,
    DecisionCurve,
    Reliability,
    coverage_of,
    decision_curve,
    reliability_of,
)
from screener.training.comparisons import (
    CLINICAL_ONLY,
    ArmResult,
    Seeds,
    cross_fitted_probability,
    matched,
    measure_seeds,
    other_arm,
    withheld_arms,
)
from screener.training.controls import Trap, Twins, measure_trap, measure_twins
from screener.training.estimates import (
    Estimates,
    EstimationRules,
    check_truth,
    estimate,
    patterns_told,
)
from screener.training.manifest import CHEST, ExclusionReason
from screener.training.measures import (
    AT_DEFINITION,
    Measured,
    OperatingPoint,
    measure,
    operating_points,
)
from screener.training.predictions import Floats, PredictionTable
from screener.training.repeats import (
    FilmsPerChild,
    Repeatability,
    films_per_child,
    repeatability,
)
from screener.training.resampling import Metric
from screener.training.scrutiny import (
    Attention,
    WorstFilm,
    attention_on_spine,
    correlation_given_height,
    worst_films,
)
from screener.training.subgroups import Gap, gaps_of, measure_subgroups

#: What goes into a card. Sensitivity and specificity there are those at -2.0, as cards say it.
_IN_CARD = {
    "r_z": "r_z",
    "r_abmd": "r_abmd",
    "mae_z": "mae_z",
    "auc": "auc",
    f"sensitivity{AT_DEFINITION}": "sensitivity",
    f"specificity{AT_DEFINITION}": "specificity",
    "coverage_90": "coverage_90",
}
_ARM_IN_CARD = "no_height_no_weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a predictor does on films that it has not seen.

    Parameters
    ----------
    synthetic
        Whether the figures are a property of computed children.
    card, rules, table, estimates
        What they were computed from; `estimates` as each film is known.
    exclusions, not_scored
        Rows of the manifest that were not used, and films that the predictor turned away: numbers
        by reason.
    manifest_sha256
        Of the manifest; empty where there was none.
    remarks
        What a reader must know before any figure.
    overall, arms, subgroups, gaps
        Figures; arms by name, subgroups by name and level.
    """

    synthetic: bool
    card: PredictorCard
    rules: EstimationRules
    table: PredictionTable
    estimates: Estimates
    exclusions: Mapping[str, int]
    not_scored: Mapping[str, int]
    manifest_sha256: str
    remarks: tuple[str, ...]
    overall: Measured
    points: tuple[OperatingPoint, ...]
    arms: Mapping[str, ArmResult]
    subgroups: Mapping[str, Mapping[str, Measured]]
    gaps: Mapping[str, Gap]
    reliability: Reliability | None
    curve: DecisionCurve | None
    coverage: Coverage
    films_per_child: tuple[FilmsPerChild, ...]
    repeatability: Repeatability | None
    seeds: Seeds | None
    twins: Twins | None
    trap: Trap | None
    attention: Attention | None
    r_given_height: Metric | None
    worst: tuple[WorstFilm, ...]

    @property
    def predictor(self) -> str:
        """The predictor's label."""
        return self.rules.predictor

    @property
    def films(self) -> int:
        """Number of films evaluated."""
        return len(self.estimates)

    @property
    def patients(self) -> int:
        """Number of children."""
        return self.overall.patients

    def values(self) -> dict[str, float]:
        """Return the figures alone, for a card."""
        blocks = {"": self.overall}
        if _ARM_IN_CARD in self.arms:
            blocks[f"{_ARM_IN_CARD}."] = self.arms[_ARM_IN_CARD].measured
        return {
            prefix + shown: round(block.metrics[name].value, 4)
            for prefix, block in blocks.items()
            for name, shown in _IN_CARD.items()
            if name in block.metrics
        }

    def summary(self) -> str:
        """Return a line for the console."""
        label = "synthetic: " if self.synthetic else ""
        shown = ", ".join(
            f"{name} {m.value:.3f} ({m.low:.3f} to {m.high:.3f})"
            for name in _IN_CARD
            if (m := self.overall.metrics.get(name)) is not None
        )
        return (
            f"{label}{self.films} films of {self.patients} children, "
            f"Z by {self.rules.by.label}: {shown or 'too few films for any figure'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of an evaluation beside its table.

    Parameters
    ----------
    synthetic
        Whether any film is computed.
    exclusions, not_scored
        See `Evaluation`.
    manifest_sha256
        Of the manifest; empty where there was none.
    arms
        Tables of other arms, by name.
    seeds
        Tables of the same recipe, trained with other seeds.
    """

    synthetic: bool = False
    exclusions: Mapping[str, int] = field(default_factory=dict)
    not_scored: Mapping[str, int] = field(default_factory=dict)
    manifest_sha256: str = ""
    arms: Mapping[str, PredictionTable] = field(default_factory=dict)
    seeds: Sequence[PredictionTable] = ()


def evaluate_table(
    table: PredictionTable,
    card: PredictorCard,
    circumstances: Circumstances | None = None,
    by: BmdReference | None = None,
) -> Evaluation:
    """Compute every figure that a table of predictions can show.

    Parameters
    ----------
    table
        What the predictor says of films that it has not learnt from, and their truth.
    card
        Of the predictor.
    circumstances
        What is known beside the table.
    by
        BMD reference that Z is given by; None is the predictor's own.

    Raises
    ------
    ConfigurationError
        The table was made for another predictor, or has no film that may be estimated.
    """
    known = circumstances or Circumstances()
    rules = EstimationRules.of(card, by)
    exclusions = dict(known.exclusions)
    chests = [i for i, kind in enumerate(table.kind) if kind in {"", CHEST}]
    if len(chests) < len(table):
        reason = ExclusionReason.MUST_NOT_BE_ESTIMATED.value
        exclusions[reason] = exclusions.get(reason, 0) + len(table) - len(chests)
        table = table.take(chests)
    if not len(table):
        raise ConfigurationError("there is no film to evaluate that may be estimated")
    check_truth(table, rules)
    fused = estimate(table, rules)
    subgroups = measure_subgroups(table, fused, rules)
    others = {name: other_arm(table, fused, other) for name, other in known.arms.items()}
    synthetic = known.synthetic or rules.synthetic
    return Evaluation(
        synthetic=synthetic,
        card=card,
        rules=dataclasses.replace(rules, synthetic=synthetic),
        table=table,
        estimates=fused,
        exclusions=exclusions,
        not_scored=dict(known.not_scored),
        manifest_sha256=known.manifest_sha256,
        remarks=_remarks(table, card, rules, known),
        overall=measure(fused, rules),
        points=operating_points(fused, rules),
        arms=withheld_arms(table, fused, rules) | others,
        subgroups=subgroups,
        gaps=gaps_of(table, fused, rules, subgroups),
        reliability=reliability_of(fused),
        curve=decision_curve(fused, _clinical_only(table, fused, known.arms)),
        coverage=coverage_of(table, fused, rules),
        films_per_child=films_per_child(table, fused, rules),
        repeatability=repeatability(table, fused),
        seeds=measure_seeds(table, fused, known.seeds) if known.seeds else None,
        twins=measure_twins(table, fused),
        trap=measure_trap(table, fused),
        attention=attention_on_spine(table, fused),
        r_given_height=correlation_given_height(table, fused),
        worst=worst_films(table, fused),
    )


def _remarks(
    table: PredictionTable, card: PredictorCard, rules: EstimationRules, known: Circumstances
) -> tuple[str, ...]:
    found = []
    if known.manifest_sha256 and known.manifest_sha256 == card.training.manifest_sha256:
        found.append(
            "This is the very manifest that the predictor was trained on: unless these rows are "
            "its test part alone, the figures are too good."
        )
    if rules.chosen_missing:
        told = patterns_told(table, "none")
        same = sum(pattern == rules.chosen_missing for pattern in told)
        if same < len(told):
            lacking = "nothing" if rules.chosen_missing == "none" else rules.chosen_missing
            found.append(
                f"The decision threshold was chosen for films with {lacking} missing; that holds "
                f"for {same:,} of the {len(told):,} films here. Of the others it may find more or "
                "fewer than it was chosen for: see the arms."
            )
    if known.not_scored:
        found.append("Films that the predictor turned away are in no figure.")
    return tuple(found)


def _clinical_only(
    table: PredictionTable, fused: Estimates, arms: Mapping[str, PredictionTable]
) -> Floats | None:
    """Return the probability by the arm without film, where it has every film."""
    if CLINICAL_ONLY not in arms:
        return None
    rows, raw = matched(table, arms[CLINICAL_ONLY])
    if len(rows) < len(table):
        return None
    return cross_fitted_probability(raw, fused.low, fused.patients)
