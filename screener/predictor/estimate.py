"""From a calibrated Z to what a prediction says: by the card alone, without torch."""

from __future__ import annotations

import math

from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import (
    DecisionThreshold,
    LowProbability,
    PredictiveDistribution,
)
from screener.domain.reference import BmdReference
from screener.predictor.card import PredictorCard
from screener.predictor.facts import MISSING_PATTERNS


def interval_of(
    card: PredictorCard, reference: BmdReference, clinical: ClinicalVariables, z: float
) -> tuple[float, float, float]:
    """Return lower bound, estimate and upper bound in g/cm2, or raise `OutsideReference`."""
    half_width = card.half_width_z(clinical)
    low, middle, high = (
        reference.abmd_g_cm2(sex=clinical.sex, age_years=clinical.age_years, z_score=z + offset)
        for offset in (-half_width, 0.0, half_width)
    )
    return low, middle, high


def distribution_of(
    card: PredictorCard, reference: BmdReference, clinical: ClinicalVariables, z: float
) -> PredictiveDistribution | None:
    """Return where the true aBMD may lie, g/cm2; None where the card has no quantiles.

    Notes
    -----
    The quantiles are those of the errors on the calibration films with the same variables missing,
    as in a split-conformal predictive system. Source: Vovk V et al. Conformal predictive
    distributions with kernels, 2018; Nonparametric predictive distributions based on conformal
    prediction. Mach Learn 2019;108:445.
    """
    levels = card.interval.quantile_levels
    if not levels:
        return None
    errors = card.interval.error_quantiles_z[MISSING_PATTERNS[clinical.missing]]
    return PredictiveDistribution(
        levels=levels,
        abmd_g_cm2=tuple(
            reference.abmd_g_cm2(sex=clinical.sex, age_years=clinical.age_years, z_score=z + error)
            for error in errors
        ),
    )


def low_probability_of(card: PredictorCard, z: float) -> LowProbability | None:
    """Return how likely the true Z is at or below -2.0; None where the card cannot say.

    Notes
    -----
    Source: Platt J. Probabilistic outputs for support vector machines, 1999.
    """
    platt = card.probability
    if platt is None:
        return None
    logit = platt.intercept + platt.slope * z
    return LowProbability(
        value=1 / (1 + math.exp(-min(max(logit, -50.0), 50.0))),
        reference=card.reference.label,
        prevalence=platt.prevalence,
        children=platt.patients,
        local=platt.local,
    )


def decision_of(card: PredictorCard) -> DecisionThreshold | None:
    """Return the card's decision threshold; None where it has none."""
    if card.decision is None:
        return None
    return DecisionThreshold(
        z=card.decision.threshold_z,
        reference=card.decision.reference,
        chosen_for=card.decision.chosen_for,
    )
