"""From a table of predictions and a predictor's card to truth and estimate of every film."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from screener.domain.errors import ConfigurationError, OutsideReference
from screener.domain.estimate import round_z
from screener.domain.reference import BmdReference
from screener.domain.threshold import DEFINITION_Z, ThresholdSource, choose_threshold
from screener.predictor.card import PredictorCard
from screener.predictor.estimate import decision_of
from screener.predictor.facts import MISSING_PATTERNS
from screener.training.predictions import Flags, Floats, PredictionTable

#: The pattern under which nothing is withheld: what is known of a film is told.
ALL_KNOWN = "none"

#: A table's Z may differ from that of its aBMD by rounding.
_ROUNDING_Z = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimationRules:
    """What turns a network's raw Z into what a report would say.

    Parameters
    ----------
    predictor, synthetic
        Its label; and whether it, or the reference, is synthetic.
    own, by
        The predictor's own reference, and the one that Z is given by.
    slope, intercept
        ``Z = intercept + slope * raw``, by its own reference.
    level, half_width_z
        Of the interval, by pattern of missing variables.
    threshold_z, threshold_source, chosen_for, chosen_missing
        An estimate at or below it, rounded to one decimal, is flagged; whose it is, for what, and
        under which pattern it was chosen; no words where it is the definition.
    probability
        Slope and intercept of the logit of a low true Z on the estimated one; None without any, or
        where Z is given by another reference.
    definition_z
        At or below it a measured Z is low.
    """

    predictor: str
    synthetic: bool
    own: BmdReference
    by: BmdReference
    slope: float
    intercept: float
    level: float
    half_width_z: Mapping[str, float]
    threshold_z: float
    threshold_source: ThresholdSource
    chosen_for: str
    chosen_missing: str
    probability: tuple[float, float] | None
    definition_z: float = DEFINITION_Z

    @classmethod
    def of(cls, card: PredictorCard, by: BmdReference | None = None) -> EstimationRules:
        """Return the rules of a card, with Z by its own reference or by another.

        The card's threshold only counts under the reference that it was fitted with; else the
        definition of low stands in.
        """
        own = card.reference.reference()
        by = by or own
        threshold = choose_threshold(None, decision_of(card), by)
        held = threshold.holds and threshold.source is ThresholdSource.PREDICTOR
        platt = card.probability
        return cls(
            predictor=card.label,
            synthetic=card.synthetic or by.synthetic,
            own=own,
            by=by,
            slope=card.calibration.slope,
            intercept=card.calibration.intercept,
            level=card.interval.level,
            half_width_z=dict(card.interval.half_width_z),
            threshold_z=threshold.z if held else DEFINITION_Z,
            threshold_source=threshold.source if held else ThresholdSource.DEFINITION,
            chosen_for=threshold.chosen_for if held else "",
            chosen_missing=card.decision.missing if held and card.decision else "",
            probability=(platt.slope, platt.intercept) if platt and _same(own, by) else None,
        )

    @property
    def coverage_name(self) -> str:
        """The name of the interval's coverage among the figures: ``coverage_90``."""
        return f"coverage_{100 * self.level:.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Truth and estimate of each film, ``[n]`` each.

    Parameters
    ----------
    patients
        Films of one are drawn together. Films of one group, such as twins of the phantom, are too.
    z, z_estimate
        Reference SDs.
    z_shown
        The estimate as it is held against a threshold: rounded to one decimal.
    abmd_g_cm2, abmd_estimate
        g/cm2; an estimate that the reference does not reach is not a number.
    inside
        Whether the interval holds the truth.
    half_width_z
        Of the interval, in SDs of the predictor's own reference.
    probability
        That the true Z is low; None where the card cannot say.
    """

    patients: tuple[str, ...]
    z: Floats
    z_estimate: Floats
    z_shown: Floats
    abmd_g_cm2: Floats
    abmd_estimate: Floats
    inside: Flags
    half_width_z: Floats
    probability: Floats | None

    def __len__(self) -> int:
        """Return the number of films."""
        return len(self.patients)

    @property
    def low(self) -> Flags:
        """Whether the measured Z is low."""
        return np.asarray(self.z <= DEFINITION_Z)

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Estimates:
        """Return the estimates of some films, in the order given."""
        picked = np.asarray(rows, np.int64)
        changed = {
            field.name: getattr(self, field.name)[picked]
            for field in dataclasses.fields(self)
            if field.name not in {"patients", "probability"}
        }
        return Estimates(
            patients=tuple(self.patients[i] for i in picked),
            probability=None if self.probability is None else self.probability[picked],
            **changed,
        )


def estimate(table: PredictionTable, rules: EstimationRules, missing: str = ALL_KNOWN) -> Estimates:
    """Return what a predictor's report would say of each film of a table.

    Parameters
    ----------
    table
        With the raw Z of the predictor that the rules are of.
    missing
        Pattern of variables that are withheld, of `predictor.facts.MISSING_PATTERNS`; what is not
        known of a film is missing in any case.

    Raises
    ------
    ConfigurationError
        A child of the table is one that a reference does not cover.
    """
    own_z = rules.intercept + rules.slope * table.raw_z[missing]
    half_width = np.array([rules.half_width_z[name] for name in patterns_told(table, missing)])
    abmd = _abmd(rules.own, table, own_z)
    truth, estimated = table.z, own_z
    if not _same(rules.own, rules.by):
        truth, estimated = _z(rules.by, table, table.abmd_g_cm2), _z(rules.by, table, abmd)
    probability = None
    if rules.probability is not None:
        slope, intercept = rules.probability
        probability = np.asarray(expit(intercept + slope * estimated))
    return Estimates(
        patients=cluster_keys(table),
        z=truth,
        z_estimate=estimated,
        z_shown=np.array([round_z(float(z)) for z in estimated]),
        abmd_g_cm2=table.abmd_g_cm2,
        abmd_estimate=abmd,
        inside=np.asarray(np.abs(table.z - own_z) <= half_width),
        half_width_z=half_width,
        probability=probability,
    )


def check_truth(table: PredictionTable, rules: EstimationRules) -> None:
    """Refuse a table whose measured Z is not that of its aBMD by the predictor's reference.

    Raises
    ------
    ConfigurationError
        It was made with another reference, or a child is outside this one.
    """
    apart = np.abs(_z(rules.own, table, table.abmd_g_cm2) - table.z)
    if not np.all(apart <= _ROUNDING_Z):
        raise ConfigurationError(
            f"the table's measured Z is not that of its aBMD by {rules.own.label}, the predictor's "
            f"reference (up to {np.nanmax(apart):.2f} SD apart): it belongs to another predictor"
        )


def patterns_told(table: PredictionTable, missing: str) -> list[str]:
    """Return each film's pattern of missing variables, where `missing` is withheld besides."""
    withheld = next(names for names, name in MISSING_PATTERNS.items() if name == missing)
    height = table.height_known & ("height" not in withheld)
    weight = table.weight_known & ("weight" not in withheld)
    found = []
    for has_height, has_weight in zip(height, weight, strict=True):
        lacking = (() if has_height else ("height",)) + (() if has_weight else ("weight",))
        found.append(MISSING_PATTERNS[lacking])
    return found


def cluster_keys(table: PredictionTable) -> tuple[str, ...]:
    """Return what belongs together when patients are drawn: the group where there is one."""
    return tuple(
        f"group {group}" if group else f"patient {patient}"
        for group, patient in zip(table.group, table.patient, strict=True)
    )


def _same(one: BmdReference, other: BmdReference) -> bool:
    return (one.label, one.checksum) == (other.label, other.checksum)


def _abmd(reference: BmdReference, table: PredictionTable, z: Floats) -> Floats:
    """Return the aBMD of each Z, g/cm2; not a number where the reference's curve ends before."""
    found = []
    for sex, age, score in zip(table.sexes, table.age_years.tolist(), z.tolist(), strict=True):
        try:
            found.append(reference.abmd_g_cm2(sex=sex, age_years=age, z_score=score))
        except OutsideReference:
            found.append(math.nan)
    return np.array(found)


def _z(reference: BmdReference, table: PredictionTable, abmd_g_cm2: Floats) -> Floats:
    if not np.all(abmd_g_cm2 > 0):
        raise ConfigurationError(
            "an aBMD of the table is no number above 0, or an estimate lies where the predictor's "
            f"own reference ends: it has no Z by {reference.label}"
        )
    try:
        return np.array(
            [
                reference.z_score(sex=sex, age_years=age, abmd_g_cm2=value)
                for sex, age, value in zip(
                    table.sexes, table.age_years.tolist(), abmd_g_cm2.tolist(), strict=True
                )
            ]
        )
    except OutsideReference as error:
        raise ConfigurationError(f"reference {reference.label}: {error}") from error
