"""Several films of a child: what a second one is worth, and how far two of one child lie apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from screener.domain.estimate import round_z
from screener.training.estimates import Estimates, EstimationRules
from screener.training.measures import FEWEST_OF_A_KIND, shares_of
from screener.training.predictions import Flags, Floats, PredictionTable
from screener.training.resampling import Metric, draw, groups_of

_MOST_FILMS = 5
_FEWEST_CHILDREN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmsPerChild:
    """Children with at least so many films, each counted once.

    Parameters
    ----------
    films
        Of each child: the first ones of the table.
    children, positives
        Numbers; positives are children whose measured Z, the mean over those films, is low.
    mean, any_flagged, first_film
        Sensitivity and specificity at the decision threshold, of the mean of the estimates, of
        "flagged on any film", and of the first film alone of the very same children.
    """

    films: int
    children: int
    positives: int
    mean: Mapping[str, Metric]
    any_flagged: Mapping[str, Metric]
    first_film: Mapping[str, Metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """How films of one child differ: SD within a child, and the difference of two 95 % stay in."""

    children: int
    within_child_sd_z: Metric
    repeatability_z: Metric


def films_per_child(
    table: PredictionTable, estimates: Estimates, rules: EstimationRules
) -> tuple[FilmsPerChild, ...]:
    """Return what one to five films of a child find; empty where no child has more than one.

    Films of a group, such as twins, are no repeats, and left out.
    """
    rows_of = _repeats(table)
    found: list[FilmsPerChild] = []
    for films in range(1, _MOST_FILMS + 1):
        taken = [rows[:films] for rows in rows_of if len(rows) >= films]
        if len(taken) < _FEWEST_CHILDREN:
            break
        rows = np.array(taken)
        low = np.asarray(estimates.z[rows].mean(axis=1) <= rules.definition_z)
        mean = np.array([round_z(float(z)) for z in estimates.z_estimate[rows].mean(axis=1)])
        shown = estimates.z_shown[rows]
        found.append(
            FilmsPerChild(
                films=films,
                children=len(rows),
                positives=int(low.sum()),
                mean=_shares(low, np.asarray(mean <= rules.threshold_z)),
                any_flagged=_shares(low, np.asarray((shown <= rules.threshold_z).any(axis=1))),
                first_film=_shares(low, np.asarray(shown[:, 0] <= rules.threshold_z)),
            )
        )
    return tuple(found) if len(found) > 1 else ()


def repeatability(table: PredictionTable, estimates: Estimates) -> Repeatability | None:
    """Return how estimates of one child's films differ; None where too few have several.

    Notes
    -----
    Source: Bland JM, Altman DG. Measurement error. BMJ 1996;313:744.
    """
    several = [rows for rows in _repeats(table) if len(rows) > 1]
    if len(several) < _FEWEST_CHILDREN:
        return None
    picked = estimates.take([row for rows in several for row in rows])
    group = groups_of(picked.patients)
    means = np.bincount(group, picked.z_estimate) / np.bincount(group)
    squares = (picked.z_estimate - means[group]) ** 2
    counts = np.bincount(group)[group]
    # each film carries its share of its child's one lost degree of freedom
    freedom = (counts - 1) / counts

    def figures(weights: Floats) -> dict[str, Floats]:
        sd = np.sqrt((weights @ squares) / (weights @ freedom))
        return {"sd": sd, "apart": 1.96 * np.sqrt(2) * sd}

    drawn = draw(figures, picked.patients, picked.low)
    sd, apart = drawn.metric("sd", len(picked)), drawn.metric("apart", len(picked))
    if sd is None or apart is None:
        return None
    return Repeatability(children=len(several), within_child_sd_z=sd, repeatability_z=apart)


def _repeats(table: PredictionTable) -> list[list[int]]:
    rows_of: dict[str, list[int]] = {}
    for row, (patient, group) in enumerate(zip(table.patient, table.group, strict=True)):
        if not group:
            rows_of.setdefault(patient, []).append(row)
    return list(rows_of.values())


def _shares(low: Flags, flagged: Flags) -> dict[str, Metric]:
    found = shares_of(low, flagged)
    return {
        name: metric
        for name in ("sensitivity", "specificity")
        if (metric := found[name]) is not None and metric.n >= FEWEST_OF_A_KIND
    }
