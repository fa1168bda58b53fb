"""The clinical statement on one study: its films' predictions, held against the threshold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from screener.domain.eligibility import View
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.prediction import Prediction, PredictorIdentity
from screener.domain.reference import BmdReference, GrowthReference


class Verdict(StrEnum):
    """What a study's finding says."""

    #: The rounded Z is at or below the decision threshold.
    LOW = "LOW"
    #: The rounded Z is above the decision threshold. It rules nothing out.
    NOT_LOW = "NOT_LOW"
    #: There are predictions, and no statement can be made from them; the reason says why.
    INDETERMINATE = "INDETERMINATE"
    #: No film of the study has a prediction.
    NOT_ASSESSED = "NOT_ASSESSED"


class FindingReason(StrEnum):
    """Why a study's verdict is neither LOW nor NOT_LOW."""

    #: No film of the study has a prediction.
    NO_SCORED_FILM = "NO_SCORED_FILM"
    #: The films' Z-scores lie further apart than the site allows.
    FILMS_APART = "FILMS_APART"
    #: The films of the study name different patients, birth dates or sexes.
    FILMS_DISAGREE = "FILMS_DISAGREE"
    #: The prediction interval is wider than the site allows.
    INTERVAL_TOO_WIDE = "INTERVAL_TOO_WIDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConclusionRules:
    """What a site may change about how studies are concluded.

    Parameters
    ----------
    settle_s
        Seconds without a new instance after which a study is complete enough to conclude.
    threshold_z
        The decision threshold: at or below it a study is LOW. The definition of low stays -2.0.
    max_interval_z
        Widest prediction interval, upper minus lower Z, that allows a verdict.
    max_film_difference_z
        Largest difference between the Z-scores of a study's films that allows a verdict.
    repeat_report_days
        A child reported LOW within so many days gets no second report; 0 turns this off.
    report_all
        Whether studies that are not LOW get a report, too.
    """

    settle_s: float = 180.0
    threshold_z: float = -2.0
    max_interval_z: float = 4.0
    max_film_difference_z: float = 1.0
    repeat_report_days: int = 180
    report_all: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no site can mean."""
        for name, low, high in (
            ("settle_s", 0.0, 86_400.0),
            ("threshold_z", -5.0, 0.0),
            ("max_interval_z", 0.1, 20.0),
            ("max_film_difference_z", 0.1, 10.0),
            ("repeat_report_days", 0, 3650),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be {low} to {high}")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The clinical statement on one study, with everything that it rests on."""

    verdict: Verdict
    reason: FindingReason | None
    estimate: Estimate | None
    threshold_z: float
    predictor: PredictorIdentity | None
    reference: str
    not_scored: tuple[tuple[ScreeningId, str], ...]

    @property
    def crosses_threshold(self) -> bool:
        """Whether the interval reaches to both sides of the decision threshold."""
        e = self.estimate
        return e is not None and e.z_low <= self.threshold_z < e.z_high

    def printed(self) -> dict[str, object]:
        """Return verdict and values as a report prints them: what a revision must change."""
        e = self.estimate
        values: dict[str, object] = {
            "verdict": self.verdict.value,
            "reason": self.reason.value if self.reason else None,
            "threshold_z": self.threshold_z,
            "reference": self.reference,
            "predictor": self.predictor.checksum if self.predictor else None,
        }
        if e is not None:
            values |= {
                "abmd": [f"{v:.2f}" for v in (e.abmd_g_cm2, e.abmd_low_g_cm2, e.abmd_high_g_cm2)],
                "z": [f"{v:.1f}" for v in (e.z, e.z_low, e.z_high)],
                "missing": list(e.missing),
            }
        return values

    def digest(self) -> str:
        """Return a digest of the printed values."""
        return hashlib.sha256(json.dumps(self.printed(), sort_keys=True).encode()).hexdigest()


def round_z(z: float) -> float:
    """Round a Z-score to one decimal, halves away from zero, as DXA prints it."""
    return float(Decimal(repr(z)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)) + 0.0


def conclude(
    films: Sequence[FilmInStudy],
    *,
    rules: ConclusionRules,
    reference: BmdReference,
    growth: GrowthReference,
) -> Finding:
    """Decide what a settled study says.

    Parameters
    ----------
    films
        Every film of the study that speaks for itself, each at an end, in order of arrival.
    rules
        The site's rules in force.
    reference, growth
        What the Z-scores are computed from.

    Returns
    -------
    Finding
        Films that disagree on whose they are stop it first, then films too far apart, then an
        interval too wide; LOW and NOT_LOW compare the rounded Z with the decision threshold.
    """
    scored = [film for film in films if film.prediction is not None]
    not_scored = tuple(
        (film.screening_id, film.reason or "") for film in films if film.prediction is None
    )
    predictor = _latest_predictor(scored)
    scored = [f for f in scored if f.prediction and f.prediction.predictor == predictor]

    def finding(
        verdict: Verdict, reason: FindingReason | None = None, estimate: Estimate | None = None
    ) -> Finding:
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=estimate,
            threshold_z=rules.threshold_z,
            predictor=predictor,
            reference=reference.label,
            not_scored=not_scored,
        )

    if not scored:
        return finding(Verdict.NOT_ASSESSED, FindingReason.NO_SCORED_FILM)
    if not identities_agree([film.identity for film in films]):
        return finding(Verdict.INDETERMINATE, FindingReason.FILMS_DISAGREE)
    z_scores = [film_z(film, reference) for film in scored]
    if round(max(z_scores) - min(z_scores), 6) > rules.max_film_difference_z:
        return finding(Verdict.INDETERMINATE, FindingReason.FILMS_APART)
    estimate = _estimate(scored, reference, growth)
    if round(estimate.z_high - estimate.z_low, 6) > rules.max_interval_z:
        return finding(Verdict.INDETERMINATE, FindingReason.INTERVAL_TOO_WIDE, estimate)
    low = estimate.z <= rules.threshold_z
    return finding(Verdict.LOW if low else Verdict.NOT_LOW, None, estimate)


def film_z(film: FilmInStudy, reference: BmdReference) -> float:
    """Return the unrounded Z of one scored film."""
    if film.prediction is None or film.clinical is None:
        raise ValueError("only a scored film has a Z")
    return reference.z_score(
        sex=film.clinical.sex,
        age_years=film.clinical.age_years,
        abmd_g_cm2=film.prediction.abmd_g_cm2,
    )


def identities_agree(identities: Sequence[Identity]) -> bool:
    """Return whether films may be of one child: what is missing does not disagree."""

    def one(values: Sequence[object]) -> bool:
        return len({value for value in values if value is not None}) <= 1

    return (
        one([i.patient_id for i in identities])
        and one([i.issuer for i in identities])
        and one([i.birth_date for i in identities])
        and one([i.sex for i in identities])
    )


def _latest_predictor(scored: Sequence[FilmInStudy]) -> PredictorIdentity | None:
    """Films scored before a change of predictor do not speak beside films scored after it."""
    predictions = [film.prediction for film in scored if film.prediction is not None]
    return predictions[-1].predictor if predictions else None


def _estimate(
    scored: Sequence[FilmInStudy], reference: BmdReference, growth: GrowthReference
) -> Estimate:
    best = min((f.view for f in scored if f.view is not None), key=list(View).index)
    films = [(f, f.prediction, f.clinical) for f in scored if f.view is best]
    predictions = [p for _, p, _ in films if p is not None]
    clinicals = [c for _, _, c in films if c is not None]
    first = clinicals[0]

    mean = sum(p.abmd_g_cm2 for p in predictions) / len(predictions)
    widest = max(predictions, key=lambda p: p.abmd_high_g_cm2 - p.abmd_low_g_cm2)
    low = max(mean - (widest.abmd_g_cm2 - widest.abmd_low_g_cm2), 0.01)
    high = mean + (widest.abmd_high_g_cm2 - widest.abmd_g_cm2)

    def z(abmd_g_cm2: float) -> float:
        return round_z(
            reference.z_score(sex=first.sex, age_years=first.age_years, abmd_g_cm2=abmd_g_cm2)
        )

    height = first.height_m.value
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
        height_z=growth.height_z(sex=first.sex, age_years=first.age_years, height_m=height)
        if height is not None
        else None,
        missing=tuple(sorted({name for c in clinicals for name in c.missing})),
    )
