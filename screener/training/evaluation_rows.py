"""The tables of an evaluation, as rows of text: for its report, its model card and the console."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from screener.training.comparisons import ArmResult
from screener.training.evaluation import Evaluation
from screener.training.evaluation_words import (
    Rows,
    arm_words,
    group_words,
    level_words,
    number,
    range_of,
    value_of,
    wording,
    written,
)
from screener.training.measures import FEWEST_OF_A_KIND, Measured, OperatingPoint
from screener.training.resampling import Metric

AGREEMENT = (
    "r_z", "r2_z", "mae_z", "rmse_z", "bias_z", "limit_low_z", "limit_high_z",
    "difference_slope_z", "ccc", "icc", "r_abmd", "mae_abmd", "rmse_abmd", "bias_abmd",
    "limit_low_abmd", "limit_high_abmd", "difference_slope_abmd", "ccc_abmd", "icc_abmd",
)  # fmt: skip
RANKING = ("auc", "auc_delong", "average_precision")
CALIBRATION = (
    "calibration_slope", "calibration_intercept", "citl", "logistic_slope", "logistic_intercept",
    "logistic_citl", "brier", "ece", "ece_if_calibrated",
)  # fmt: skip

_IN_SHORT = ("r_z", "mae_z", "auc", "sensitivity", "specificity", "coverage_90")
_SHARES = ("sensitivity", "specificity", "ppv", "npv")
NONE = "–"


def tiles(evaluation: Evaluation) -> Rows:
    """Return the headline: name, value, bounds and what it is of, of six figures."""
    e, found = evaluation, evaluation.overall.metrics
    cut = f"estimated Z {number(e.rules.threshold_z, 1)} or below"
    names = {
        "r_z": ("correlation, r", f"of estimated and measured Z ({e.rules.by.label})"),
        "mae_z": ("mean absolute error", f"Z ({e.rules.by.label})"),
        "auc": ("AUC", "for a measured Z of \N{MINUS SIGN}2.0 or below"),
        "sensitivity": ("sensitivity", f"flagged: {cut}"),
        "specificity": ("specificity", f"flagged: {cut}"),
        e.rules.coverage_name: ("coverage", f"of the {100 * e.rules.level:.0f} % interval"),
    }
    rows: Rows = []
    for name, (title, of) in names.items():
        metric = found.get(name)
        value = NONE if metric is None else value_of(metric, name)
        bounds = (
            e.overall.not_computed.get(name, "not given")
            if metric is None
            else f"95 % {range_of(metric, name)}"
        )
        rows.append((title, value, bounds, of))
    return rows


def figures(measured: Measured, names: Sequence[str]) -> Rows:
    """Return figures with value, bounds, number and ideal; the reason where one is not there."""
    rows: Rows = []
    for name in names:
        words = wording(name)
        metric = measured.metrics.get(name)
        if metric is None:
            reason = measured.not_computed.get(name)
            if reason is not None:
                rows.append((words.name, NONE, f"not given: {reason}", "", words.ideal))
            continue
        unit = f"\N{NO-BREAK SPACE}{words.unit}" if words.unit not in {"", "%"} else ""
        rows.append(
            (
                words.name,
                value_of(metric, name) + unit,
                range_of(metric, name),
                f"{metric.n:,}",
                words.ideal,
            )
        )
    return rows


def operating(evaluation: Evaluation) -> Rows:
    """Return what each threshold does: a column for each, the first names the rows."""
    points = points_of(evaluation)
    rows: Rows = [
        ("flagged and low", *(f"{p.true_positives:,}" for p in points)),
        ("flagged, not low", *(f"{p.false_positives:,}" for p in points)),
        ("low, not flagged", *(f"{p.false_negatives:,}" for p in points)),
        ("neither", *(f"{p.true_negatives:,}" for p in points)),
    ]
    for name in _SHARES:
        rows.append((f"{wording(name).name}, Wilson", *(_share(p, name) for p in points)))
    for name in _SHARES:
        cells = (_cell(p.clustered.get(name), name) for p in points)
        rows.append((f"{wording(name).name}, over children", *cells))
    return rows


def points_of(evaluation: Evaluation) -> list[OperatingPoint]:
    """Return the operating points, once where the decision threshold is the definition."""
    first, *others = evaluation.points
    return [first, *(p for p in others if p.threshold_z != first.threshold_z)]


def point_heading(point: OperatingPoint) -> str:
    """Return what a threshold is called at the head of a column."""
    what = "decision threshold" if point.name == "decision" else "definition of low"
    return f"{what}, Z ≤ {number(point.threshold_z, 1)}"


def prevalences(evaluation: Evaluation) -> Rows:
    """Return predictive values and flags per 1,000 films at each prevalence and threshold."""
    rows: Rows = []
    for point in points_of(evaluation):
        for prevalence, found in point.at_prevalence.items():
            cells = (_cell(found.get(name), name) for name in ("ppv", "npv", "flags_per_1000"))
            cut = f"≤ {number(point.threshold_z, 1)}"
            rows.append((f"{100 * prevalence:g} %", cut, *cells))
    return rows


def subgroups(evaluation: Evaluation) -> Rows:
    """Return the subgroups: name, level, films, low ones, and the figures at the threshold."""
    names = ("r_z", "auc", "sensitivity", "specificity", "mae_z", evaluation.rules.coverage_name)
    rows: Rows = []
    for group, levels in evaluation.subgroups.items():
        for place, (level, measured) in enumerate(levels.items()):
            cells = (_cell(measured.metrics.get(name), name) for name in names)
            rows.append(
                (
                    group_words(group) if place == 0 else "",
                    level_words(group, level),
                    f"{measured.films:,}",
                    f"{measured.positives:,}",
                    *cells,
                )
            )
    return rows


def gaps(evaluation: Evaluation) -> Rows:
    """Return the gap in sensitivity of each subgroup, and between whom."""
    return [
        (
            group_words(group),
            f"{level_words(group, gap.most)} less {level_words(group, gap.least)}",
            written(gap.sensitivity, "sensitivity"),
        )
        for group, gap in evaluation.gaps.items()
    ]


def arms(evaluation: Evaluation) -> Rows:
    """Return r, AUC and error of the predictor and of every arm, and the paired differences."""
    rows: Rows = [
        (
            "the predictor, told all that is known",
            f"{evaluation.films:,}",
            *(
                _cell(evaluation.overall.metrics.get(name), name)
                for name in ("r_z", "auc", "mae_z")
            ),
            "",
            "",
        )
    ]
    return rows + [_arm(name, arm) for name, arm in evaluation.arms.items()]


def controls(evaluation: Evaluation) -> Rows:
    """Return the tests for shortcuts that these films allow."""
    e = evaluation
    rows: Rows = []
    if (r := e.r_given_height) is not None:
        words = "r of Z with the height Z held fixed: what is more than finding short children"
        rows.append((words, written(r, "r_z"), f"{r.n:,}"))
    if (seen := e.attention) is not None:
        n = f"{seen.films:,}"
        rows.append(("share of positive attention on the spine", _per_cent(seen.on_spine), n))
        rows.append(("the spine's share of the input field", _per_cent(seen.spine_area), n))
        rows.append(("ratio of the two; 1 is chance", written(seen.ratio, "ratio"), n))
    if (twins := e.twins) is not None:
        n = f"{twins.pairs:,} pairs"
        words = "twins that differ in mineral alone: in the right order"
        rows.append((words, _per_cent(twins.ordered), n))
        words = "twins: difference of the estimates for each SD of the true one; ideally 1"
        rows.append((words, written(twins.slope, "slope"), n))
    if (trap := e.trap) is not None:
        n = f"{trap.pairs:,} pairs"
        words = "trap, ports go with a low Z: AUC"
        rows.append((words, written(trap.auc["as_drawn"], "auc"), n))
        rows.append(("trap, ports removed: AUC", written(trap.auc["port_removed"], "auc"), n))
        rows.append(("trap: difference of the AUC", written(trap.difference, "auc"), n))
        words = "trap: the estimate as the port goes, mean change"
        rows.append((words, written(trap.moved_z, "bias_z"), n))
    return rows


def children(evaluation: Evaluation) -> Rows:
    """Return what one to five films of a child find."""
    rows: Rows = []
    for part in evaluation.films_per_child:
        cells = [
            _cell(found.get(name), name)
            for found in (part.first_film, part.mean, part.any_flagged)
            for name in ("sensitivity", "specificity")
        ]
        rows.append((f"{part.films}", f"{part.children:,}", f"{part.positives:,}", *cells))
    return rows


def seeds(evaluation: Evaluation) -> Rows:
    """Return mean, SD and range of r and AUC over seeds."""
    if evaluation.seeds is None:
        return []
    rows: Rows = []
    for name, values in evaluation.seeds.values.items():
        sd = number(float(np.std(values, ddof=1)), 3) if len(values) > 1 else NONE
        ends = f"{number(min(values), 3)} to {number(max(values), 3)}"
        mean = number(float(np.mean(values)), 3)
        rows.append((wording(name).name, f"{len(values)}", mean, sd, ends))
    return rows


def worst(evaluation: Evaluation) -> Rows:
    """Return the largest errors, with nothing that says whose they are."""
    return [
        (
            number(film.z, 1),
            number(film.z_estimate, 1),
            " to ".join(number(film.z_estimate + side * film.half_width_z, 1) for side in (-1, 1)),
            {"M": "boy", "F": "girl"}.get(film.sex, film.sex),
            f"{film.age_years}",
            film.view or NONE,
            film.vendor or NONE,
            NONE if film.height_z is None else number(film.height_z, 1),
            "nothing" if film.missing == "none" else film.missing,
        )
        for film in evaluation.worst
    ]


def not_computed(evaluation: Evaluation) -> Rows:
    """Return the figures of all films that are not given, and why."""
    return [
        (wording(name).name, reason) for name, reason in evaluation.overall.not_computed.items()
    ]


def in_short(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the console: name, value, bounds and number."""
    names = tuple(
        evaluation.rules.coverage_name if name == "coverage_90" else name for name in _IN_SHORT
    )
    yield from figures(
        evaluation.overall,
        (*names, "ppv", "npv", "sensitivity_at_definition", "specificity_at_definition",
         "calibration_slope", "citl", "brier", "ece", "bias_z", "icc"),
    )  # fmt: skip


def suppressed_words() -> str:
    """Return when a figure of a subgroup is not given."""
    return (
        f"{NONE}: not given, for fewer than {FEWEST_OF_A_KIND} films are of low children "
        "(sensitivity, AUC) or of others (specificity, AUC)"
    )


def _arm(name: str, arm: ArmResult) -> tuple[str, ...]:
    found = arm.measured.metrics
    return (
        arm_words(name),
        f"{arm.measured.films:,}",
        *(_cell(found.get(key), key) for key in ("r_z", "auc", "mae_z")),
        *(_cell(arm.difference.get(key), key) for key in ("r_z", "auc")),
    )


def _share(point: OperatingPoint, name: str) -> str:
    metric = point.shares.get(name)
    return NONE if metric is None else f"{_cell(metric, name)}, n {metric.n:,}"


def _cell(metric: Metric | None, name: str) -> str:
    return NONE if metric is None else f"{value_of(metric, name)} ({range_of(metric, name)})"


def _per_cent(metric: Metric) -> str:
    return _cell(metric, "sensitivity")
