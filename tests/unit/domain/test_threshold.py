from dataclasses import replace
from typing import Any

import pytest

from screener.domain.estimate import FilmInStudy
from screener.domain.finding import (
    ConclusionRules,
    Finding,
    FindingReason,
    Verdict,
    VerdictBasis,
    conclude,
)
from screener.domain.patient import Absence, Measurement, Sex, Source
from screener.domain.prediction import (
    DecisionThreshold,
    LowProbability,
    PredictiveDistribution,
    SpineShare,
)
from screener.domain.reference import BmdReference, HeightAdjustment, HeightBand
from screener.domain.threshold import ThresholdSource, choose_threshold
from tests.unit.domain.values import BMD, GROWTH, clinical, film, prediction

CARD = DecisionThreshold(z=-1.4, reference=BMD.label, chosen_for="85 % sensitivity")
OTHER = replace(BMD, version="2")
LIKELY = LowProbability(value=0.4, reference=BMD.label, prevalence=0.2, children=300, local=True)
#: 0.6 g/cm2 is Z -2 by the flat reference.
SPREAD = PredictiveDistribution(levels=(0.1, 0.5, 0.9), abmd_g_cm2=(0.5, 0.6, 0.7))


NO_HEIGHT = Measurement(value=None, absence=Absence.NOT_GIVEN)


def scored(z: float, decision: DecisionThreshold | None = CARD, **more: Any) -> FilmInStudy:
    return film(prediction=prediction(z, decision=decision, **more))


def known_height(height_m: float) -> Measurement:
    return Measurement(value=height_m, source=Source.HEADER)


@pytest.fixture
def adjustment() -> HeightAdjustment:
    band = HeightBand(sex=Sex.MALE, age_from=8, age_to=13, b0=0.0, b1=0.5)
    return HeightAdjustment(
        name="made up", version="1", source="a test", checksum="00", bands=(band,)
    )


def concluded(
    one: FilmInStudy,
    *,
    rules: ConclusionRules | None = None,
    reference: BmdReference = BMD,
    adjustment: HeightAdjustment | None = None,
) -> Finding:
    return conclude(
        [one],
        rules=rules or ConclusionRules(),
        reference=reference,
        growth=GROWTH,
        height_adjustment=adjustment,
    )


def test_the_threshold_of_the_predictors_card_decides() -> None:
    low, above = concluded(scored(-1.4)), concluded(scored(-1.3))

    assert (low.verdict, above.verdict) == (Verdict.LOW, Verdict.NOT_LOW)
    assert low.threshold_z == -1.4
    assert low.threshold_source is ThresholdSource.PREDICTOR
    assert low.threshold_chosen_for == "85 % sensitivity"


def test_a_sites_rule_overrides_the_card_and_the_finding_records_it() -> None:
    finding = concluded(scored(-1.7), rules=ConclusionRules(threshold_z=-1.8))

    assert finding.verdict is Verdict.NOT_LOW
    assert finding.threshold_source is ThresholdSource.SITE
    assert finding.threshold_chosen_for == ""


def test_a_rule_equal_to_the_card_keeps_what_it_was_chosen_for() -> None:
    rules = ConclusionRules(threshold_z=-1.4)

    assert concluded(scored(-1.7), rules=rules).threshold_chosen_for == "85 % sensitivity"


def test_without_any_threshold_the_definition_is_the_cut() -> None:
    finding = concluded(scored(-2.0, decision=None))

    assert (finding.verdict, finding.threshold_z) == (Verdict.LOW, -2.0)
    assert finding.threshold_source is ThresholdSource.DEFINITION


def test_under_another_reference_the_cards_threshold_flags_nobody() -> None:
    finding = concluded(scored(-3.0), reference=OTHER)

    assert finding.verdict is Verdict.INDETERMINATE
    assert finding.reason is FindingReason.THRESHOLD_OF_OTHER_REFERENCE
    assert finding.estimate is not None


def test_under_another_reference_a_sites_rule_flags_and_says_that_it_is_not_fitted() -> None:
    finding = concluded(scored(-3.0), rules=ConclusionRules(threshold_z=-2.0), reference=OTHER)

    assert finding.verdict is Verdict.LOW
    assert finding.threshold_source is ThresholdSource.SITE_UNFITTED


def test_a_rule_of_before_prints_as_it_did() -> None:
    rules = ConclusionRules(threshold_z=-2.0)

    printed = concluded(scored(-2.3, decision=None), rules=rules).printed()

    assert set(printed) == {
        "verdict", "reason", "threshold_z", "reference", "predictor", "abmd", "z", "missing",
    }  # fmt: skip


def test_another_threshold_prints_otherwise() -> None:
    card = concluded(scored(-2.3))
    site = concluded(scored(-2.3), rules=ConclusionRules(threshold_z=-1.4))

    assert card.digest() != site.digest()


def test_the_choice_is_the_same_for_a_card_and_a_rule_of_one_value() -> None:
    by_rule = choose_threshold(-1.4, CARD, BMD)
    by_card = choose_threshold(None, CARD, BMD)

    assert (by_rule.z, by_card.z) == (-1.4, -1.4)
    assert by_rule.source is not by_card.source


def test_the_probability_under_the_predictors_own_reference_is_its_own() -> None:
    finding = concluded(scored(-2.0, low_probability=LIKELY, distribution=SPREAD))

    assert finding.estimate is not None
    assert finding.estimate.low_probability == LIKELY
    assert finding.printed()["low_probability"] == "0.40"


def test_the_probability_under_another_reference_comes_from_the_distribution() -> None:
    finding = concluded(scored(-2.0, low_probability=LIKELY, distribution=SPREAD), reference=OTHER)

    assert finding.estimate is not None
    said = finding.estimate.low_probability
    assert said is not None
    assert said.value == pytest.approx(0.5)
    assert (said.reference, said.children) == (OTHER.label, LIKELY.children)


def test_without_a_distribution_there_is_no_probability_under_another_reference() -> None:
    finding = concluded(scored(-2.0, low_probability=LIKELY), reference=OTHER)

    assert finding.estimate is not None
    assert finding.estimate.low_probability is None


def test_a_probability_that_is_not_the_sites_own_is_not_printed() -> None:
    finding = concluded(scored(-2.0, low_probability=replace(LIKELY, local=False)))

    assert "low_probability" not in finding.printed()


def test_attention_off_the_spine_is_recorded() -> None:
    off = SpineShare(attention=0.02, area=0.1, trusted=False)

    on, beside = concluded(scored(-2.0)), concluded(scored(-2.0, spine=off))

    assert on.estimate is not None
    assert beside.estimate is not None
    assert (on.estimate.attention_withheld, beside.estimate.attention_withheld) == (False, True)


def test_a_verdict_on_height_rests_on_the_adjusted_z(adjustment: HeightAdjustment) -> None:
    # a boy of 119 cm has a height Z of -3 by the flat chart: 0.5 * -3 is what height explains
    short = film(prediction=prediction(-2.2), clinical=clinical(height_m=known_height(1.19)))
    by_height = ConclusionRules(verdict_basis=VerdictBasis.HEIGHT)

    for_age = concluded(short, adjustment=adjustment)
    for_height = concluded(short, rules=by_height, adjustment=adjustment)

    assert (for_age.verdict, for_height.verdict) == (Verdict.LOW, Verdict.NOT_LOW)
    assert for_height.judged_z == -0.7
    assert for_height.estimate is not None
    assert for_height.estimate.z == -2.2


def test_a_verdict_on_height_needs_a_height(adjustment: HeightAdjustment) -> None:
    unknown = film(prediction=prediction(-2.2), clinical=clinical(height_m=NO_HEIGHT))
    by_height = ConclusionRules(verdict_basis=VerdictBasis.HEIGHT)

    finding = concluded(unknown, rules=by_height, adjustment=adjustment)

    assert finding.verdict is Verdict.INDETERMINATE
    assert finding.reason is FindingReason.NOT_HEIGHT_ADJUSTED


def test_the_interval_crosses_about_the_z_that_the_verdict_rests_on(
    adjustment: HeightAdjustment,
) -> None:
    short = film(
        prediction=prediction(-2.6, width_z=1.0), clinical=clinical(height_m=known_height(1.19))
    )
    by_height = ConclusionRules(verdict_basis=VerdictBasis.HEIGHT)

    for_age = concluded(short, adjustment=adjustment)
    for_height = concluded(short, rules=by_height, adjustment=adjustment)

    # -3.1 to -2.1 for age; -1.6 to -0.6 for height
    assert not for_age.crosses_threshold
    assert not for_height.crosses_threshold
    assert concluded(
        short,
        rules=ConclusionRules(threshold_z=-1.0, verdict_basis=VerdictBasis.HEIGHT),
        adjustment=adjustment,
    ).crosses_threshold
