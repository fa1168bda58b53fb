"""Other estimates of the same films: arms of the study, and the same recipe with other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from screener.domain.errors import ConfigurationError
from screener.training.estimates import ALL_KNOWN, Estimates, EstimationRules, estimate
from screener.training.measures import FEWEST_OF_A_KIND, Measured, measure
from screener.training.predictions import Flags, Floats, PredictionTable, read_table
from screener.training.resampling import Drawn, Metric, draw
from screener.training.statistics import agreement, delong, ranking

#: The arms in which the predictor itself is told less, by the pattern that is withheld.
WITHHELD = {
    "no_height": "height",
    "no_weight": "weight",
    "no_height_no_weight": "height and weight",
}

#: The arm without any film; what a film adds is told by it.
CLINICAL_ONLY = "clinical_only"

_FOLDS = 5
_COMPARED = ("r_z", "r2_z", "auc")
_OWN_SCALE = (
    "the arm has a calibration of its own, which its table does not hold; r and AUC need none"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """An arm's figures, and how they differ from those of the predictor on the same films.

    Parameters
    ----------
    measured
        Of the arm.
    difference
        Arm minus predictor; films are drawn together, so that it is paired.
    origin
        Where the estimates come from, in words.
    """

    measured: Measured
    difference: Mapping[str, Metric]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """How much the seed of a training moves the figures.

    Parameters
    ----------
    runs
        Number; `films` of each, those of the evaluation.
    values
        One per run, by figure: ``r_z``, ``auc``; one that the films cannot show is left out.
    """

    runs: int
    films: int
    values: Mapping[str, tuple[float, ...]]


def withheld_arms(
    table: PredictionTable, fused: Estimates, rules: EstimationRules
) -> dict[str, ArmResult]:
    """Return what the predictor does where height, weight or both are withheld from it."""
    arms = {}
    for name, pattern in WITHHELD.items():
        estimates = estimate(table, rules, pattern)
        measured = measure(estimates, rules)
        arms[name] = ArmResult(
            measured=measured,
            difference=_difference(fused, estimates.z_estimate, fused.z_estimate),
            origin=f"the predictor, told nothing of {pattern}",
        )
    return arms


def other_arm(table: PredictionTable, fused: Estimates, other: PredictionTable) -> ArmResult:
    """Return what another network, or none, does on those films that both tables have.

    The truth is that of `table`. Z is taken raw: a line moves neither r nor an area under a curve.
    """
    rows, raw = matched(table, other)
    own = fused.take(rows)
    drawn = _draw_z(own, raw)
    enough = _enough(own)
    metrics = {
        name: metric
        for name in drawn.values
        if (enough or name.endswith("_z")) and (metric := drawn.metric(name, len(own)))
    }
    if enough and (by_delong := delong(-raw, own.low, own.patients)):
        metrics["auc_delong"] = by_delong
    return ArmResult(
        measured=Measured(
            films=len(own),
            patients=len(set(own.patients)),
            positives=int(own.low.sum()),
            metrics=metrics,
            not_computed={"mae_z": _OWN_SCALE, "sensitivity": _OWN_SCALE},
        ),
        difference=_difference(own, raw, own.z_estimate),
        origin="a table of its own",
    )


def measure_seeds(
    table: PredictionTable, fused: Estimates, runs: Sequence[PredictionTable]
) -> Seeds:
    """Return r and AUC of the same recipe trained with other seeds, on the films of all tables.

    Raises
    ------
    ConfigurationError
        A table lacks some of the films, so that the runs cannot be held against each other.
    """
    values: dict[str, list[float]] = {"r_z": [], "auc": []}
    for run in runs:
        rows, raw = matched(table, run)
        if len(rows) < len(table):
            raise ConfigurationError(
                f"a seed's table has {len(rows)} of the {len(table)} films evaluated: every run "
                "must have been asked about all of them"
            )
        weights = np.ones((1, len(rows)))
        values["r_z"].append(float(agreement(weights, fused.z, raw)["r"][0]))
        if _enough(fused):
            values["auc"].append(float(ranking(weights, -raw, fused.low)["auc"][0]))
    return Seeds(
        runs=len(runs),
        films=len(table),
        values={name: tuple(found) for name, found in values.items() if found},
    )


def read_arms(named: Sequence[str]) -> dict[str, PredictionTable]:
    """Read tables given as ``NAME=FILE``.

    Raises
    ------
    ConfigurationError
        One is written otherwise, twice there, or no table.
    """
    arms: dict[str, PredictionTable] = {}
    for text in named:
        name, sign, file = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name or not file:
            raise ConfigurationError(f"--arm {text!r}: write NAME=FILE, as clinical_only=arm.csv")
        if name in arms or name in WITHHELD:
            raise ConfigurationError(f"--arm {text!r}: there is an arm {name} already")
        arms[name] = read_table(Path(file))
    return arms


def check_same_films(films: Sequence[tuple[str, str]], other: PredictionTable) -> None:
    """Refuse a table that has none of the films, each by its patient and path.

    Raises
    ------
    ConfigurationError
        It has none.
    """
    if set(films).isdisjoint(zip(other.patient, other.path, strict=True)):
        raise ConfigurationError(
            "a table given with --arm or --seed-run has none of the films evaluated: path and "
            "patient must be the same"
        )


def matched(table: PredictionTable, other: PredictionTable) -> tuple[list[int], Floats]:
    """Return the rows of `table` whose film `other` has too, and the raw Z that it has for them.

    Raises
    ------
    ConfigurationError
        A film is twice in `other`, or none of the films is in it.
    """
    # paths are relative to their own manifests: the patient tells equal names apart
    films = list(zip(other.patient, other.path, strict=True))
    places = {film: i for i, film in enumerate(films)}
    if len(places) < len(films):
        raise ConfigurationError("a table of predictions has the same film of a patient twice")
    rows = [
        i for i, film in enumerate(zip(table.patient, table.path, strict=True)) if film in places
    ]
    check_same_films(list(zip(table.patient, table.path, strict=True)), other)
    taken = [places[table.patient[i], table.path[i]] for i in rows]
    return rows, np.asarray(other.raw_z[ALL_KNOWN][taken])


def cross_fitted_probability(raw: Floats, low: Flags, patients: Sequence[str]) -> Floats | None:
    """Return the probability of a low Z from a raw Z, each film's from the other folds' patients.

    An arm has no calibration of its own here. Fitted on the very children that it is judged by,
    though never on the child itself, it is favoured rather than wronged.

    Returns
    -------
    numpy.ndarray or None
        ``[n]``; None where a fold would have no low child to learn from.

    Notes
    -----
    Source: scikit-learn, `GroupKFold`, `LogisticRegression`; Platt J. Probabilistic outputs for
    support vector machines, 1999.
    """
    if len(set(patients)) < _FOLDS:
        return None
    probability = np.empty(len(raw))
    for learning, held in GroupKFold(_FOLDS).split(raw, groups=list(patients)):
        if len(set(low[learning].tolist())) < 2:  # noqa: PLR2004 - low, and not
            return None
        model = LogisticRegression(C=np.inf, max_iter=1000)
        model.fit(raw[learning, None], low[learning])
        probability[held] = expit(model.decision_function(raw[held, None]))
    return probability


def _enough(estimates: Estimates) -> bool:
    lows = int(estimates.low.sum())
    return FEWEST_OF_A_KIND <= lows <= len(estimates) - FEWEST_OF_A_KIND


def _draw_z(truth: Estimates, z: Floats) -> Drawn:
    def figures(weights: Floats) -> dict[str, Floats]:
        agreed = agreement(weights, truth.z, z)
        return {"r_z": agreed["r"], "r2_z": agreed["r2"], **ranking(weights, -z, truth.low)}

    return draw(figures, truth.patients, truth.low)


def _difference(truth: Estimates, arm: Floats, fused: Floats) -> dict[str, Metric]:
    """Return arm minus fused on the same resamples."""

    def figures(weights: Floats) -> dict[str, Floats]:
        found = []
        for z in (arm, fused):
            agreed = agreement(weights, truth.z, z)
            auc = ranking(weights, -z, truth.low)["auc"]
            found.append({"r_z": agreed["r"], "r2_z": agreed["r2"], "auc": auc})
        return {name: found[0][name] - found[1][name] for name in _COMPARED}

    drawn = draw(figures, truth.patients, truth.low)
    wanted = _COMPARED if _enough(truth) else ("r_z", "r2_z")
    return {name: m for name in wanted if (m := drawn.metric(name, len(truth))) is not None}
