"""The clinical statement on one study: its films' predictions, held against the threshold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from screener.domain.estimate import Estimate, FilmInStudy, estimate_study, film_z
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity
from screener.domain.prediction import PredictorIdentity
from screener.domain.reference import BmdReference, GrowthReference, HeightAdjustment
from screener.domain.threshold import ThresholdSource, choose_threshold


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
    #: An operator has taken the study's report back. It says nothing about the child.
    WITHDRAWN = "WITHDRAWN"


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
    #: The predictor's decision threshold belongs to another BMD reference than that in force.
    THRESHOLD_OF_OTHER_REFERENCE = "THRESHOLD_OF_OTHER_REFERENCE"
    #: The verdict rests on the height-adjusted Z, and the height is unknown or out of its range.
    NOT_HEIGHT_ADJUSTED = "NOT_HEIGHT_ADJUSTED"


class VerdictBasis(StrEnum):
    """Which Z the decision threshold is held against."""

    #: The Z for age and sex.
    AGE = "AGE"
    #: The Z adjusted for height by the site's coefficients.
    HEIGHT = "HEIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConclusionRules:
    """What a site may change about how studies are concluded.

    Parameters
    ----------
    settle_s
        Seconds without a new instance after which a study is complete enough to conclude.
    threshold_z
        The decision threshold: at or below it a study is LOW. None leaves it to the predictor's
        card. The definition of low stays -2.0.
    verdict_basis
        Which Z is held against it.
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
    threshold_z: float | None = None
    verdict_basis: VerdictBasis = VerdictBasis.AGE
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
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} is {value}; it must be {low} to {high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The clinical statement on one study, with everything that it rests on.

    Parameters
    ----------
    threshold_z, threshold_source, threshold_chosen_for
        The decision threshold, whose it is, and what it was chosen for, such as ``"85 %
        sensitivity"``; empty where nobody said.
    verdict_basis, height_adjustment
        Which Z was held against it, and the label of the coefficients; None without any.
    withdrawn_because
        Why an operator took the report back, in his words; empty where nobody did.
    """

    verdict: Verdict
    reason: FindingReason | None
    estimate: Estimate | None
    threshold_z: float
    predictor: PredictorIdentity | None
    reference: str
    not_scored: tuple[tuple[ScreeningId, str], ...]
    threshold_source: ThresholdSource = ThresholdSource.SITE
    threshold_chosen_for: str = ""
    verdict_basis: VerdictBasis = VerdictBasis.AGE
    height_adjustment: str | None = None
    withdrawn_because: str = ""

    @property
    def judged_z(self) -> float | None:
        """The rounded Z that the verdict rests on."""
        if self.estimate is None:
            return None
        if self.verdict_basis is VerdictBasis.HEIGHT:
            return self.estimate.height_adjusted_z
        return self.estimate.z

    @property
    def crosses_threshold(self) -> bool:
        """Whether the interval reaches to both sides of the decision threshold."""
        e, judged = self.estimate, self.judged_z
        if e is None or judged is None:
            return False
        shift = judged - e.z
        return round(e.z_low + shift, 6) <= self.threshold_z < round(e.z_high + shift, 6)

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
            # only where there is one: findings of before must keep their digest
            if e.height_adjusted_z is not None:
                values["height_adjusted_z"] = f"{e.height_adjusted_z:.1f}"
                values["height_adjustment"] = self.height_adjustment
            # a report prints them with their source: one that names another is no longer true
            if e.from_elsewhere:
                values["from_elsewhere"] = list(e.from_elsewhere)
            if e.low_probability is not None and e.low_probability.local:
                values["low_probability"] = f"{e.low_probability.value:.2f}"
        if self.threshold_source is not ThresholdSource.SITE:
            values["threshold_source"] = self.threshold_source.value
        if self.threshold_chosen_for:
            values["threshold_chosen_for"] = self.threshold_chosen_for
        if self.verdict_basis is not VerdictBasis.AGE:
            values["verdict_basis"] = self.verdict_basis.value
        if self.withdrawn_because:
            values["withdrawn_because"] = self.withdrawn_because
        return values

    def digest(self) -> str:
        """Return a digest of the printed values."""
        return hashlib.sha256(json.dumps(self.printed(), sort_keys=True).encode()).hexdigest()


def conclude(
    films: Sequence[FilmInStudy],
    *,
    rules: ConclusionRules,
    reference: BmdReference,
    growth: GrowthReference,
    height_adjustment: HeightAdjustment | None = None,
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
    height_adjustment
        The site's coefficients for the height-adjusted Z, if it has any.

    Returns
    -------
    Finding
        Films that disagree on whose they are stop it first, then films too far apart, then an
        interval too wide, a threshold of another reference, and a height that the verdict needs;
        LOW and NOT_LOW compare the rounded Z with the decision threshold.
    """
    scored = [film for film in films if film.prediction is not None]
    not_scored = tuple(
        (film.screening_id, film.reason or "") for film in films if film.prediction is None
    )
    predictor = _latest_predictor(scored)
    scored = [f for f in scored if f.prediction and f.prediction.predictor == predictor]
    threshold = choose_threshold(
        rules.threshold_z,
        scored[-1].prediction.decision if scored and scored[-1].prediction else None,
        reference,
    )

    def finding(
        verdict: Verdict, reason: FindingReason | None = None, estimate: Estimate | None = None
    ) -> Finding:
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=estimate,
            threshold_z=threshold.z,
            threshold_source=threshold.source,
            threshold_chosen_for=threshold.chosen_for,
            verdict_basis=rules.verdict_basis,
            height_adjustment=height_adjustment.label if height_adjustment else None,
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
    estimate = estimate_study(scored, reference, growth, height_adjustment)
    if round(estimate.z_high - estimate.z_low, 6) > rules.max_interval_z:
        return finding(Verdict.INDETERMINATE, FindingReason.INTERVAL_TOO_WIDE, estimate)
    if not threshold.holds:
        return finding(Verdict.INDETERMINATE, FindingReason.THRESHOLD_OF_OTHER_REFERENCE, estimate)
    made = finding(Verdict.NOT_LOW, None, estimate)
    if made.judged_z is None:
        return finding(Verdict.INDETERMINATE, FindingReason.NOT_HEIGHT_ADJUSTED, estimate)
    return replace(made, verdict=Verdict.LOW) if made.judged_z <= threshold.z else made


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
