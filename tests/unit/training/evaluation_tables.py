"""Tables and a card of a predictor whose r, calibration and coverage are known by construction."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from screener.predictor.card import PredictorCard, load_card
from screener.predictor.facts import (
    Calibration,
    Decision,
    Interval,
    Probability,
    Share,
)
from screener.training.estimates import patterns_told
from screener.training.predictions import Floats, PredictionTable
from screener.wiring import SHIPPED_PREDICTOR
from tests.unit.training.tables import make_table

SLOPE, INTERCEPT = 0.8, 0.3
MEAN_Z, SD_Z = -0.9, 1.45
#: Correlation with the truth by pattern of missing variables.
R = {"none": 0.85, "height": 0.83, "weight": 0.84, "height and weight": 0.80}
THRESHOLD_Z = -1.5

SHIPPED = SHIPPED_PREDICTOR


def calibrated(z: Floats, r: float, rng: np.random.Generator) -> Floats:
    """Return estimates that correlate with the truth by r, and have a calibration slope of 1."""
    noise = rng.normal(0, SD_Z * r * np.sqrt(1 - r**2), len(z))
    return np.asarray(MEAN_Z + r**2 * (z - MEAN_Z) + noise)


def simulated(
    count: int = 600, seed: int = 0, *, films_per_patient: int = 1, **changes: Any
) -> PredictionTable:
    """Return children of N(-0.9, 1.45) at five sites, and estimates of known worth."""
    plain = make_table(count, seed, films_per_patient=films_per_patient)
    rng = np.random.default_rng(seed + 1)
    child = np.arange(count) // films_per_patient
    site = np.array(list("ABCDE"))[rng.integers(5, size=child.max() + 1)][child]
    view = np.where(rng.random(count) < 0.8, "PA", "AP")
    height = changes.pop("height_known", rng.random(count) < 0.5)
    weight = changes.pop("weight_known", height | (rng.random(count) < 0.2))
    said = {name: (calibrated(plain.z, r, rng) - INTERCEPT) / SLOPE for name, r in R.items()}
    known = dataclasses.replace(plain, height_known=height, weight_known=weight)
    columns: dict[str, Any] = {
        "site": tuple(site.tolist()),
        "vendor": tuple(f"make {s}" for s in site),
        "view": tuple(view.tolist()),
        "height_z": np.where(height, plain.height_z, np.nan),
        # what is not known cannot be told, whatever the pattern
        "raw_z": {
            name: np.array([said[p][i] for i, p in enumerate(patterns_told(known, name))])
            for name in R
        },
        "on_spine": rng.uniform(0.2, 0.5, count),
        "spine_area": rng.uniform(0.08, 0.12, count),
    }
    return dataclasses.replace(known, **(columns | changes))


def a_card(**changes: Any) -> PredictorCard:
    """Return the card of the predictor that `simulated` is of; none of its numbers is measured."""
    share = Share(value=0.85, low=0.8, high=0.9, n=200)
    fields: dict[str, Any] = {
        "schema": 2,
        "calibration": Calibration(
            slope=SLOPE, intercept=INTERCEPT, films=900, patients=900, origin="the training's own"
        ),
        "interval": Interval(
            level=0.9,
            half_width_z={name: 1.645 * SD_Z * float(np.sqrt(1 - r**2)) for name, r in R.items()},
            statement="90 % split-conformal interval, calibrated on 900 synthetic children.",
        ),
        "probability": Probability(
            slope=-2.22, intercept=-4.45, prevalence=0.22, films=900, patients=900, local=False
        ),
        "decision": Decision(
            threshold_z=THRESHOLD_Z,
            definition_z=-2.0,
            target="sensitivity",
            target_value=0.85,
            sensitivity=share,
            specificity=share,
            prevalence=0.05,
            expected_ppv={"0.05": 0.2},
            expected_flags_per_1000={"0.05": 200.0},
            films=900,
            patients=900,
            low_patients=200,
            reference="synthetic-demo 1",
            missing="none",
        ),
    }
    return dataclasses.replace(load_card(SHIPPED), **(fields | changes))


def without_rules(card: PredictorCard) -> PredictorCard:
    """Return a card as of schema 1: no threshold, no probability."""
    return dataclasses.replace(card, probability=None, decision=None)
