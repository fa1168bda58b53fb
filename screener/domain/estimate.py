"""The value of a study over its films: aBMD and Z with their interval, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from screener.domain.eligibility import View
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.prediction import LowProbability, Prediction
from screener.domain.reference import BmdReference, GrowthReference, HeightAdjustment
from screener.domain.threshold import DEFINITION_Z


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmInStudy:
    """One film that speaks for its study, at an end.

    `prediction` is None for a film that is ineligible, not scored or failed; then `reason` says
    why, and view and clinical variables may be unknown.
    """

    screening_id: ScreeningId
    identity: Identity
    prediction: Prediction | None
    view: View | None = None
    clinical: ClinicalVariables | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The value of a study over its films.

    Parameters
    ----------
    abmd_g_cm2, abmd_low_g_cm2, abmd_high_g_cm2
        Mean over the films, and an interval as wide as the widest of theirs; g/cm2.
    z, z_low, z_high
        The same in reference SDs, each rounded to one decimal.
    films
        The films it is the mean of, all of one view.
    height_adjusted_z
        Z adjusted for height by the site's coefficients, rounded likewise; None without them.
    low_probability
        That the true Z is at or below -2.0: the mean over the films. Its own reference, prevalence
        and children stand in theirs. None where the predictor cannot say.
    attention_withheld
        Whether a film's attention lies off the spine, so that no map is shown.
    from_elsewhere
        What did not come with the films: `ClinicalVariables.from_elsewhere` of all of them.
    """

    abmd_g_cm2: float
    abmd_low_g_cm2: float
    abmd_high_g_cm2: float
    interval_level: float
    z: float
    z_low: float
    z_high: float
    view: View
    films: tuple[ScreeningId, ...]
    age_years: float
    sex: Sex
    height_z: float | None
    missing: tuple[str, ...]
    height_adjusted_z: float | None = None
    low_probability: LowProbability | None = None
    attention_withheld: bool = False
    from_elsewhere: tuple[str, ...] = ()


def round_z(z: float) -> float:
    """Round a Z-score to one decimal, halves away from zero, as DXA prints it."""
    return float(Decimal(repr(z)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)) + 0.0


def film_z(film: FilmInStudy, reference: BmdReference) -> float:
    """Return the unrounded Z of one scored film."""
    if film.prediction is None or film.clinical is None:
        raise ValueError("only a scored film has a Z")
    return reference.z_score(
        sex=film.clinical.sex,
        age_years=film.clinical.age_years,
        abmd_g_cm2=film.prediction.abmd_g_cm2,
    )


def estimate_study(
    scored: Sequence[FilmInStudy],
    reference: BmdReference,
    growth: GrowthReference,
    height_adjustment: HeightAdjustment | None,
) -> Estimate:
    """Return the value of a study over its scored films, of which there is one or more.

    The mean over the films of the best view, with an interval as wide as the widest of theirs.
    """
    best = min((f.view for f in scored if f.view is not None), key=list(View).index)
    films = [(f, f.prediction, f.clinical) for f in scored if f.view is best]
    predictions = [p for _, p, _ in films if p is not None]
    clinicals = [c for _, _, c in films if c is not None]
    first = clinicals[0]

    mean = sum(p.abmd_g_cm2 for p in predictions) / len(predictions)
    widest = max(predictions, key=lambda p: p.abmd_high_g_cm2 - p.abmd_low_g_cm2)
    low = max(mean - (widest.abmd_g_cm2 - widest.abmd_low_g_cm2), 0.01)
    high = mean + (widest.abmd_high_g_cm2 - widest.abmd_g_cm2)

    def exact_z(abmd_g_cm2: float) -> float:
        return reference.z_score(sex=first.sex, age_years=first.age_years, abmd_g_cm2=abmd_g_cm2)

    def z(abmd_g_cm2: float) -> float:
        return round_z(exact_z(abmd_g_cm2))

    height = first.height_m.value
    height_z = (
        growth.height_z(sex=first.sex, age_years=first.age_years, height_m=height)
        if height is not None
        else None
    )
    adjusted = (
        height_adjustment.adjusted_z(first.sex, first.age_years, exact_z(mean), height_z)
        if height_adjustment is not None and height_z is not None
        else None
    )
    return Estimate(
        abmd_g_cm2=mean,
        abmd_low_g_cm2=low,
        abmd_high_g_cm2=high,
        interval_level=widest.interval_level,
        z=z(mean),
        z_low=z(low),
        z_high=z(high),
        view=best,
        films=tuple(f.screening_id for f, _, _ in films),
        age_years=first.age_years,
        sex=first.sex,
        height_z=height_z,
        missing=tuple(sorted({name for c in clinicals for name in c.missing})),
        height_adjusted_z=None if adjusted is None else round_z(adjusted),
        low_probability=_low_probability(predictions, clinicals, reference),
        attention_withheld=any(p.attention_withheld for p in predictions),
        from_elsewhere=tuple(sorted({one for c in clinicals for one in c.from_elsewhere})),
    )


def _low_probability(
    predictions: Sequence[Prediction],
    clinicals: Sequence[ClinicalVariables],
    reference: BmdReference,
) -> LowProbability | None:
    """Return the mean over the films of the probability of a low Z by the reference in force.

    The predictor's own probability is one of its own reference; under another one it comes from the
    distribution of the aBMD.
    """
    given = [p.low_probability for p in predictions]
    if any(one is None for one in given):
        return None
    values = [
        _low_probability_under(reference, p, c) for p, c in zip(predictions, clinicals, strict=True)
    ]
    first = given[0]
    if first is None or any(value is None for value in values):
        return None
    mean = sum(v for v in values if v is not None) / len(values)
    return replace(first, value=mean, reference=reference.label)


def _low_probability_under(
    reference: BmdReference, prediction: Prediction, clinical: ClinicalVariables
) -> float | None:
    given = prediction.low_probability
    if given is not None and given.reference == reference.label:
        return given.value
    if prediction.distribution is None:
        return None
    cut = reference.abmd_g_cm2(sex=clinical.sex, age_years=clinical.age_years, z_score=DEFINITION_Z)
    return prediction.distribution.probability_at_or_below(cut)
