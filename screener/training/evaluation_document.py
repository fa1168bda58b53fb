"""An evaluation as JSON has it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from screener.training.comparisons import Seeds
from screener.training.evaluation import Evaluation
from screener.training.measures import Measured
from screener.training.resampling import LEVEL, RESAMPLES
from screener.training.threshold import PREVALENCES

#: Why a part of an evaluation is not there, by the part's name.
_NOT_COMPUTED = {
    "reliability": "the card gives no probability for this reference",
    "curve": "the card gives no probability for this reference, or all children are of one kind",
    "films_per_child": "fewer than ten children have a second film",
    "repeatability": "fewer than ten children have a second film",
    "seeds": "no runs with other seeds were given",
    "twins": "the films have fewer than ten pairs of twins",
    "trap": "the films have no trap of ports, or too few low children in it",
    "attention": "the films have no spine masks",
    "r_given_height": "fewer than thirty children have a height",
}


def document_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON has it: each figure ``{"value", "low", "high", "n"}``.

    What could not be computed stands under ``not_computed`` of its block, with the reason; a whole
    part that the films cannot show is null.
    """
    e, rules = evaluation, evaluation.rules
    document = {
        "synthetic": e.synthetic,
        "predictor": e.predictor,
        "reference": rules.by.label,
        "threshold_z": rules.threshold_z,
        "threshold_source": rules.threshold_source,
        "threshold_chosen_for": rules.chosen_for or None,
        "threshold_chosen_missing": rules.chosen_missing or None,
        "definition_z": rules.definition_z,
        "films": e.films,
        "patients": e.patients,
        "positives": e.overall.positives,
        "height_known": int(e.table.height_known.sum()),
        "weight_known": int(e.table.weight_known.sum()),
        "manifest_sha256": e.manifest_sha256 or None,
        "exclusions": e.exclusions,
        "not_scored": e.not_scored,
        "remarks": e.remarks,
        "bounds": {"level": LEVEL, "resamples": RESAMPLES, "drawn": "patients, stratified"},
        "overall": _block(e.overall),
        "r_z_given_height_z": e.r_given_height,
        "operating_points": e.points,
        "at_prevalence": [
            {"point": point.name, "threshold_z": point.threshold_z, "prevalence": prevalence}
            | dict(found)
            for prevalence in PREVALENCES
            for point in e.points
            if (found := point.at_prevalence.get(prevalence))
        ],
        "arms": {
            name: _block(arm.measured) | {"difference": arm.difference, "origin": arm.origin}
            for name, arm in e.arms.items()
        },
        "subgroups": {
            name: {level: _block(measured) for level, measured in levels.items()}
            for name, levels in e.subgroups.items()
        },
        "subgroup_gaps": e.gaps,
        "reliability": e.reliability,
        "decision_curve": e.curve,
        "coverage": e.coverage,
        "films_per_child": e.films_per_child,
        "repeatability": e.repeatability,
        "seeds": _seeds(e.seeds) if e.seeds else None,
        "twins": e.twins,
        "trap": e.trap,
        "attention": e.attention,
        "worst": e.worst,
        "not_computed": {name: why for name, why in _NOT_COMPUTED.items() if not getattr(e, name)},
    }
    plain: dict[str, Any] = _plain(document)
    for point in plain["operating_points"]:
        del point["at_prevalence"]
    for film in plain["worst"]:
        del film["row"]
    return plain


def _block(measured: Measured) -> dict[str, Any]:
    return {
        "films": measured.films,
        "patients": measured.patients,
        "positives": measured.positives,
        **measured.metrics,
        "not_computed": measured.not_computed,
    }


def _seeds(seeds: Seeds) -> dict[str, Any]:
    return {
        "runs": seeds.runs,
        "films": seeds.films,
        **{
            name: {
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "min": min(values),
                "max": max(values),
                "values": values,
            }
            for name, values in seeds.values.items()
        },
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it: dataclasses as mappings, not a number as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(found) for name, found in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(found) for found in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return round(float(value), 6) if math.isfinite(value) else None
    return value
