"""The figures of any set of films: value, bounds and number, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from screener.training.estimates import Estimates, EstimationRules
from screener.training.predictions import Flags, Floats
from screener.training.resampling import Drawn, Figures, Metric, draw
from screener.training.statistics import (
    agreement,
    calibration_error,
    calibration_error_if_calibrated,
    confusion,
    delong,
    equal_count_bins,
    logistic_recalibration,
    ranking,
    share,
)
from screener.training.threshold import PREVALENCES

#: Bins of the calibration error.
BINS = 10

#: Of fewer low children, or of fewer others, nothing is said.
FEWEST_OF_A_KIND = 10

_FEWEST_FILMS = 10

_Z_NAMES = {
    "r": "r_z",
    "r2": "r2_z",
    "mae": "mae_z",
    "rmse": "rmse_z",
    "bias": "bias_z",
    "limit_low": "limit_low_z",
    "limit_high": "limit_high_z",
    "difference_slope": "difference_slope_z",
    "ccc": "ccc",
    "icc": "icc",
    "slope": "calibration_slope",
    "intercept": "calibration_intercept",
    "citl": "citl",
}
_ABMD_NAMES = {
    "r": "r_abmd",
    "mae": "mae_abmd",
    "rmse": "rmse_abmd",
    "bias": "bias_abmd",
    "limit_low": "limit_low_abmd",
    "limit_high": "limit_high_abmd",
    "difference_slope": "difference_slope_abmd",
    "ccc": "ccc_abmd",
    "icc": "icc_abmd",
}
_RANKED = ("auc", "average_precision")
_LOGISTIC = ("logistic_slope", "logistic_intercept", "logistic_citl")
_PROBABLE = ("brier", "ece", "ece_if_calibrated")
_SHARES = ("sensitivity", "specificity", "ppv", "npv")

#: What the name of a share at the definition of low ends in; at the decision threshold, in nothing.
AT_DEFINITION = "_at_definition"

_NO_PROBABILITY = "the predictor's card gives no probability for this reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The figures of a set of films.

    Parameters
    ----------
    films, patients, positives
        Numbers; positives are films of children whose measured Z is low.
    metrics
        By name.
    not_computed
        Why others are not there, by name.
    """

    films: int
    patients: int
    positives: int
    metrics: Mapping[str, Metric]
    not_computed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a cut of the estimate does.

    Parameters
    ----------
    name, threshold_z
        ``decision`` or ``definition``; an estimate at or below it, rounded, is flagged.
    true_positives, false_positives, false_negatives, true_negatives
        Films.
    shares
        Sensitivity, specificity, PPV and NPV with Wilson's bounds.
    clustered
        The same with bounds over patients.
    at_prevalence
        PPV, NPV and flags per 1,000 films with bounds over patients, by share of low children.
    """

    name: str
    threshold_z: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    shares: Mapping[str, Metric]
    clustered: Mapping[str, Metric]
    at_prevalence: Mapping[float, Mapping[str, Metric]]


def measure(estimates: Estimates, rules: EstimationRules, *, whole: bool = True) -> Measured:
    """Return every figure that a set of films can show.

    Parameters
    ----------
    estimates, rules
        Of the films, and of the predictor.
    whole
        Without it the logistic fits are left out, which take most of the time.

    Notes
    -----
    Areas under curves, sensitivity and the like are not given where fewer than ten films are of low
    children, specificity and the like where fewer than ten are of others: they would say nothing.
    """
    low, n = estimates.low, len(estimates)
    lows, others = int(low.sum()), int((~low).sum())
    metrics: dict[str, Metric] = {}
    missing: dict[str, str] = {}
    if n < _FEWEST_FILMS:
        names = (*_Z_NAMES.values(), *_ABMD_NAMES.values(), *_RANKED, *_SHARES)
        missing = dict.fromkeys(names, f"{n} films")
    else:
        drawn = draw(_figures(estimates, whole=whole), estimates.patients, low)
        reasons = _reasons(estimates, lows, others)
        known = int(np.isfinite(estimates.abmd_estimate).sum())
        for name in drawn.values:
            count = known if name in _ABMD_NAMES.values() else n
            metric = None if name in reasons else drawn.metric(name, count)
            if metric is None:
                missing[name] = reasons.get(name, "these films cannot show it")
            else:
                metrics[name] = metric
        _add_single(metrics, missing, estimates, rules, reasons)
    return Measured(
        films=n,
        patients=len(set(estimates.patients)),
        positives=lows,
        metrics=metrics,
        not_computed=missing,
    )


def operating_points(estimates: Estimates, rules: EstimationRules) -> tuple[OperatingPoint, ...]:
    """Return what the decision threshold does, and the definition of low taken as one."""
    cuts = {"decision": rules.threshold_z, "definition": rules.definition_z}
    return tuple(_operating_point(estimates, name, cut) for name, cut in cuts.items())


def shares_of(positive: Flags, flagged: Flags) -> dict[str, Metric | None]:
    """Return sensitivity, specificity, PPV and NPV with Wilson's bounds; None of nothing.

    Sensitivity, specificity and the counts that they are of are told apart by `Metric.n`.
    """
    hits = {
        "sensitivity": (positive & flagged, positive),
        "specificity": (~positive & ~flagged, ~positive),
        "ppv": (positive & flagged, flagged),
        "npv": (~positive & ~flagged, ~flagged),
    }
    return {name: share(int(hit.sum()), int(of.sum())) for name, (hit, of) in hits.items()}


def _figures(estimates: Estimates, *, whole: bool) -> Figures:
    """Return the figures that are functions of how often each film counts."""
    low, score = estimates.low, -estimates.z_estimate
    reached = np.isfinite(estimates.abmd_estimate)
    probability = estimates.probability
    bins = None if probability is None else equal_count_bins(probability, min(BINS, len(low)))

    def figures(weights: Floats) -> dict[str, Floats]:
        by_z = agreement(weights, estimates.z, estimates.z_estimate)
        found = {name: by_z[key] for key, name in _Z_NAMES.items()}
        by_abmd = agreement(
            weights[:, reached], estimates.abmd_g_cm2[reached], estimates.abmd_estimate[reached]
        )
        found |= {name: by_abmd[key] for key, name in _ABMD_NAMES.items()}
        found |= ranking(weights, score, low)
        if probability is None or bins is None:
            return found
        found["brier"] = weights @ (probability - low) ** 2 / weights.sum(axis=1)
        found["ece"] = calibration_error(weights, probability, low.astype(np.float64), bins)
        if whole:
            intercept, slope = logistic_recalibration(weights, probability, low)
            found |= {"logistic_intercept": intercept, "logistic_slope": slope}
            found["logistic_citl"] = logistic_recalibration(weights, probability, low, fixed=True)[
                0
            ]
        return found

    return figures


def _reasons(estimates: Estimates, lows: int, others: int) -> dict[str, str]:
    """Return why some figures must not be given, by name."""
    reasons: dict[str, str] = {}
    few_lows = f"fewer than {FEWEST_OF_A_KIND} films of low children ({lows})"
    few_others = f"fewer than {FEWEST_OF_A_KIND} films of children who are not low ({others})"
    for few, why, names in (
        (lows < FEWEST_OF_A_KIND, few_lows, ("sensitivity", "ppv")),
        (others < FEWEST_OF_A_KIND, few_others, ("specificity", "npv")),
    ):
        if few:
            reasons |= dict.fromkeys((*_RANKED, "auc_delong", *_LOGISTIC), why)
            reasons |= {name + end: why for name in names for end in ("", AT_DEFINITION)}
    if estimates.probability is None:
        reasons |= dict.fromkeys((*_PROBABLE, *_LOGISTIC), _NO_PROBABILITY)
    return reasons


def _add_single(
    metrics: dict[str, Metric],
    missing: dict[str, str],
    estimates: Estimates,
    rules: EstimationRules,
    reasons: Mapping[str, str],
) -> None:
    """Add the figures whose bounds come from a formula."""
    low = estimates.low
    found: dict[str, Metric | None] = {
        "auc_delong": delong(-estimates.z_estimate, low, estimates.patients),
        rules.coverage_name: share(int(estimates.inside.sum()), len(low)),
    }
    for end, cut in (("", rules.threshold_z), (AT_DEFINITION, rules.definition_z)):
        shares = shares_of(low, estimates.z_shown <= cut)
        found |= {name + end: metric for name, metric in shares.items()}
    if estimates.probability is not None:
        bins = equal_count_bins(estimates.probability, min(BINS, len(low)))
        found["ece_if_calibrated"] = calibration_error_if_calibrated(estimates.probability, bins)
    for name, metric in found.items():
        if name in reasons or metric is None:
            missing[name] = reasons.get(name, "nobody is flagged, or everybody")
        else:
            metrics[name] = metric
    if estimates.probability is None:
        missing |= dict.fromkeys((*_PROBABLE, *_LOGISTIC), _NO_PROBABILITY)


def _operating_point(estimates: Estimates, name: str, cut: float) -> OperatingPoint:
    low, flagged = estimates.low, np.asarray(estimates.z_shown <= cut)
    n = len(estimates)

    def figures(weights: Floats) -> dict[str, Floats]:
        tp, fp, fn, tn = confusion(weights, low, flagged)
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        found = {
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": tp / (tp + fp),
            "npv": tn / (tn + fn),
        }
        for prevalence in PREVALENCES:
            found |= {
                f"{key} {prevalence}": value
                for key, value in at_prevalence(sensitivity, specificity, prevalence).items()
            }
        return found

    drawn = draw(figures, estimates.patients, low)
    tp, fp, fn, tn = (int(c[0]) for c in confusion(np.ones((1, n)), low, flagged))
    shares = shares_of(low, flagged)
    sizes = {key: metric.n for key, metric in shares.items() if metric is not None}
    return OperatingPoint(
        name=name,
        threshold_z=cut,
        true_positives=tp,
        false_positives=fp,
        false_negatives=fn,
        true_negatives=tn,
        shares={key: metric for key, metric in shares.items() if metric is not None},
        clustered=_kept(drawn, {key: key for key in sizes}, sizes),
        at_prevalence={
            prevalence: _kept(
                drawn,
                {key: f"{key} {prevalence}" for key in ("ppv", "npv", "flags_per_1000")},
                dict.fromkeys(("ppv", "npv", "flags_per_1000"), n),
            )
            for prevalence in PREVALENCES
        },
    )


def at_prevalence(sensitivity: Floats, specificity: Floats, prevalence: float) -> dict[str, Floats]:
    """Return predictive values and flags per 1,000 films at another share of low children.

    Notes
    -----
    It takes sensitivity and specificity to stay what they are where fewer are low, which a milder
    spectrum of children may not let them. Source: Altman DG, Bland JM. BMJ 1994;309:102.
    """
    true_flags = sensitivity * prevalence
    flags = true_flags + (1 - specificity) * (1 - prevalence)
    true_passes = specificity * (1 - prevalence)
    return {
        "ppv": true_flags / flags,
        "npv": true_passes / (1 - flags),
        "flags_per_1000": 1000 * flags,
    }


def _kept(drawn: Drawn, names: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, Metric]:
    found = {key: drawn.metric(name, sizes[key]) for key, name in names.items()}
    return {key: metric for key, metric in found.items() if metric is not None}
