from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from screener.domain import phrases, wording
from screener.domain.catalogue import CATALOGUES, ENGLISH, Language
from screener.domain.eligibility import IneligibilityReason
from screener.domain.finding import FindingReason, Verdict, VerdictBasis
from screener.domain.identifiers import ScreeningId
from screener.domain.patient import Absence, Measurement, Sex, Source
from screener.domain.prediction import LowProbability
from screener.domain.report import NotScoredFilm, ReportContent
from screener.domain.screening import NotScoredReason
from screener.domain.threshold import ThresholdSource
from tests.conformance.contents import (
    CASES,
    CLINICAL,
    FORBIDDEN,
    MISSING,
    PREDICTOR,
    REFERENCE,
    lateral,
    make_content,
    make_film,
    make_finding,
    make_header,
)


def branches() -> list[ReportContent]:
    """Every verdict and reason, with and without height, revision, synthetic and low threshold."""
    films = {
        "plain": CLINICAL,
        "no height": replace(CLINICAL, height_m=MISSING),
        "nothing": replace(
            CLINICAL, height_m=MISSING, weight_kg=Measurement(value=None, absence=Absence.ZERO)
        ),
        "corrected": replace(
            CLINICAL,
            height_m=Measurement(value=1.42, source=Source.HEADER_UNIT_CORRECTED),
            weight_kg=Measurement(value=None, absence=Absence.IMPLAUSIBLE),
        ),
    }
    low = make_finding((make_film(1),))
    none = make_finding((), verdict=Verdict.NOT_ASSESSED, reason=FindingReason.NO_SCORED_FILM)
    made = [c.content for c in CASES.values() if c.content.language is Language.ENGLISH]
    for clinical, before, synthetic, (verdict, reason, z, threshold), height_z in product(
        films.values(),
        (None, low, none),
        (True, False),
        (
            (Verdict.LOW, None, -2.3, -2.0),
            (Verdict.LOW, None, -1.7, -1.5),
            (Verdict.NOT_LOW, None, -1.9, -2.0),
            (Verdict.NOT_LOW, None, -2.3, -2.5),
            (Verdict.INDETERMINATE, FindingReason.FILMS_APART, -2.3, -2.0),
            (Verdict.INDETERMINATE, FindingReason.FILMS_DISAGREE, -2.3, -2.0),
            (Verdict.INDETERMINATE, FindingReason.INTERVAL_TOO_WIDE, -2.3, -2.0),
            (Verdict.NOT_ASSESSED, FindingReason.NO_SCORED_FILM, -2.3, -2.0),
        ),
        (-1.0, -2.0, None),
    ):
        scored = () if verdict is Verdict.NOT_ASSESSED else (make_film(1, z=z, clinical=clinical),)
        made.append(
            make_content(
                scored,
                not_scored=(lateral(2),),
                predecessor=before,
                synthetic=synthetic,
                verdict=verdict,
                reason=reason,
                threshold_z=threshold,
                height_z=height_z,
            )
        )
    return made + [changed for content in CHANGED for changed in judged_otherwise(content)]


def judged_otherwise(content: ReportContent) -> list[ReportContent]:
    """Return a content under every origin of the threshold, with and without adjusted Z."""
    return [
        estimate_of(
            finding_of(
                content,
                threshold_source=source,
                threshold_chosen_for=chosen_for,
                verdict_basis=basis,
                height_adjustment="coefficients 1",
            ),
            height_adjusted_z=adjusted,
            low_probability=LIKELY,
            attention_withheld=True,
        )
        for source, chosen_for, (basis, adjusted) in product(
            ThresholdSource,
            ("", "85 % sensitivity"),
            (
                (VerdictBasis.AGE, None),
                (VerdictBasis.AGE, -1.1),
                (VerdictBasis.HEIGHT, -1.1),
                (VerdictBasis.HEIGHT, -2.6),
            ),
        )
    ]


def finding_of(content: ReportContent, **changes: Any) -> ReportContent:
    return replace(content, finding=replace(content.finding, **changes))


def estimate_of(content: ReportContent, **changes: Any) -> ReportContent:
    estimate = content.finding.estimate
    assert estimate is not None
    return finding_of(content, estimate=replace(estimate, **changes))


LIKELY = LowProbability(
    value=0.62, reference="synthetic-demo 1", prevalence=0.22, children=240, local=True
)
CHANGED = (
    make_content((make_film(1),)),
    make_content((make_film(1, z=-1.7),), threshold_z=-1.5),
    make_content((make_film(1, z=-1.9),), verdict=Verdict.NOT_LOW),
)


BRANCHES = branches()
LOW_RANGE = "in the range that, on DXA, is termed low bone mineral density for age and sex"


def test_forbidden_words_are_never_said() -> None:
    said = [text for c in BRANCHES for text in (wording.report_text(c), wording.headline(c))]

    assert not [text for text in said if FORBIDDEN.search(text)]


def test_texts_are_ascii_so_that_every_character_set_holds_them() -> None:
    assert all(wording.report_text(content).isascii() for content in BRANCHES)


def test_every_report_states_its_limits() -> None:
    for content in BRANCHES:
        text = wording.report_text(content)
        for limit in (
            "Research use only",
            "not a medical device",
            "not a DXA measurement",
            "Does not look for fractures",
            "Cannot rule out low bone mineral density",
            "Not urgent",
            "Not for follow-up",
        ):
            assert limit in text


def test_an_estimate_never_stands_without_interval_and_reference() -> None:
    for content in BRANCHES:
        said = wording.statement(content)
        values = re.search(r"aBMD \d\.\d\d g/cm2 \(90 % prediction interval .* to .*\)", said)
        z = re.search(
            r"estimated Z -?\d\.\d \(-?\d\.\d to -?\d\.\d\), reference synthetic-demo 1", said
        )

        assert bool(values) == bool(z) == (content.finding.estimate is not None)


def test_every_estimate_says_whether_it_is_height_adjusted() -> None:
    for content in BRANCHES:
        e = content.finding.estimate
        if e is not None:
            adjusted = e.height_adjusted_z is not None
            assert ("not height-adjusted" in wording.statement(content)) is not adjusted


def test_low_is_what_dxa_calls_low_for_age_and_sex() -> None:
    said = wording.statement(make_content((make_film(1),)))

    assert "in the range that, on DXA, is termed low bone mineral density for age and sex" in said


def test_a_site_threshold_above_the_definition_is_not_worded_as_the_low_range() -> None:
    content = make_content((make_film(1, z=-1.7),), threshold_z=-1.5)

    said = wording.report_text(content)

    assert "above Z -2.0; at or below this site's referral threshold (Z -1.5)" in said
    assert LOW_RANGE not in said
    assert "low range" not in said


def test_a_low_range_above_a_strict_threshold_is_not_hidden() -> None:
    content = make_content((make_film(1, z=-2.3),), verdict=Verdict.NOT_LOW, threshold_z=-2.5)

    assert LOW_RANGE in wording.statement(content)


def test_a_threshold_of_the_card_says_what_it_was_chosen_for() -> None:
    content = finding_of(
        make_content((make_film(1, z=-1.7),), threshold_z=-1.5),
        threshold_source=ThresholdSource.PREDICTOR,
        threshold_chosen_for="85 % sensitivity",
    )

    assert (
        "above Z -2.0; at or below this site's referral threshold (Z -1.5), chosen for 85 % "
        "sensitivity."
    ) in wording.statement(content)
    assert "the predictor's, chosen for 85 % sensitivity" in wording.threshold(content)
    assert "low range" not in wording.headline(content)


def test_a_threshold_that_was_not_fitted_with_the_reference_is_said_to_be_so() -> None:
    content = finding_of(
        make_content((make_film(1),)), threshold_source=ThresholdSource.SITE_UNFITTED
    )

    assert "not fitted with the reference synthetic-demo 1" in wording.threshold(content)


def test_a_cut_that_nobody_chose_is_said_to_be_so() -> None:
    content = finding_of(make_content((make_film(1),)), threshold_source=ThresholdSource.DEFINITION)

    assert "no threshold was chosen for this predictor" in wording.threshold(content)


def test_low_for_age_and_not_for_height_is_said_beside_both_values() -> None:
    adjusted = {"height_adjusted_z": -1.1, "height_z": -2.4}
    for_age = estimate_of(
        finding_of(make_content((make_film(1),)), height_adjustment="coefficients 1"), **adjusted
    )
    for_height = finding_of(for_age, verdict=Verdict.NOT_LOW, verdict_basis=VerdictBasis.HEIGHT)

    said = wording.statement(for_age)
    assert "low for age, not low for height (Z -2.3; height-adjusted Z -1.1)" in said
    assert "the verdict rests on the Z for age" in said
    assert "height-adjusted Z -1.1 (coefficients 1)" in said
    assert "not height-adjusted" not in said
    assert "the verdict rests on the height-adjusted Z" in wording.statement(for_height)
    assert wording.cautions(for_age)[0].startswith("Short stature: areal density reads low")


def test_only_a_probability_of_the_sites_own_children_is_printed() -> None:
    content = estimate_of(make_content((make_film(1),)), low_probability=LIKELY)
    foreign = estimate_of(content, low_probability=replace(LIKELY, local=False))

    assert "62 %, calibrated on 240 children of this site, 22 % of whom were low" in (
        wording.statement(content)
    )
    assert "62 %" not in wording.report_text(foreign)


def test_a_map_that_is_withheld_is_said_to_be_so() -> None:
    content = estimate_of(make_content((make_film(1),)), attention_withheld=True)

    assert any(line.startswith("No attention map") for line in wording.cautions(content))


def test_not_low_excludes_nothing() -> None:
    content = make_content((make_film(1, z=-1.2),), verdict=Verdict.NOT_LOW)

    assert "does not exclude low bone mineral density or skeletal fragility" in wording.statement(
        content
    )


@pytest.mark.parametrize(("z", "crosses"), [(-2.3, True), (-3.4, False)])
def test_the_report_says_when_the_interval_crosses_the_threshold(z: float, crosses: bool) -> None:
    said = wording.statement(make_content((make_film(1, z=z),)))

    assert ("The interval crosses the decision threshold (Z -2.0)" in said) is crosses


@pytest.mark.parametrize(
    ("height_z", "said"),
    [(-1.9, "Not height-adjusted (height Z -1.9)."), (-2.0, "Short stature (height Z -2.0)")],
)
def test_short_stature_prints_its_own_caution(height_z: float, said: str) -> None:
    content = make_content((make_film(1),), height_z=height_z)

    assert wording.cautions(content)[0].startswith(said)


def test_an_unknown_height_prints_its_own_caution_and_says_what_was_missing() -> None:
    clinical = replace(CLINICAL, height_m=MISSING)
    content = make_content((make_film(1, clinical=clinical),))

    height, missing = wording.cautions(content)

    assert height.startswith("Height unknown: short stature")
    assert missing.startswith("Missing: height.")


def test_an_age_beyond_the_growth_chart_is_not_short_stature() -> None:
    content = make_content((make_film(1),), height_z=None)

    assert wording.cautions(content) == (
        "CDC 2000 has no height Z at this age. Not height-adjusted.",
    )


def test_the_value_of_several_films_says_how_it_was_formed() -> None:
    content = CASES["low-three-films"].content

    assert wording.formation(content) == (
        "The study's value is the mean of its 2 PA films, with the widest of their intervals. "
        "Scored films of another view, not used for it: 1."
    )


def test_a_correction_says_that_the_earlier_estimate_no_longer_holds() -> None:
    content = CASES["correction"].content

    first, _, values = wording.changes(content)

    assert first == "CORRECTION: the low estimate of the earlier report no longer holds."
    assert values.startswith("Earlier: estimate in the low range for age and sex, Z -2.3")
    assert "Now: estimate above the decision threshold, Z -1.2 (-2.3 to -0.1)" in values
    assert wording.headline(content).startswith("Correction: ")


def test_a_revision_that_stays_low_is_no_correction() -> None:
    content = CASES["revised"].content

    assert not wording.is_correction(content)
    assert not any("CORRECTION" in line for line in wording.changes(content))
    assert "REVISED 2" in wording.report_text(content)


def test_a_first_report_changes_nothing() -> None:
    assert wording.changes(CASES["low-one-film"].content) == ()


def test_changes_name_threshold_reference_predictor_and_inputs() -> None:
    before = make_finding((make_film(1, clinical=replace(CLINICAL, height_m=MISSING)),))
    before = replace(
        before,
        threshold_z=-1.5,
        reference="other 2",
        predictor=replace(PREDICTOR, version="0"),
    )
    content = make_content((make_film(1), make_film(2)), predecessor=before)

    said = " ".join(wording.changes(content))

    assert "threshold changed from Z -1.5 to -2.0" in said
    assert "reference changed from other 2 to synthetic-demo 1" in said
    assert "predictor changed from phantom-resnet50 0" in said
    assert "Now known: height." in said
    assert "Films in the value: 1 before, 2 now." in said


def test_changes_name_another_sex_and_age() -> None:
    now = make_finding((make_film(1),))
    assert now.estimate is not None
    earlier = replace(now.estimate, age_years=9.2, sex=Sex.FEMALE, missing=())
    before = replace(now, estimate=earlier)
    content = make_content(
        (make_film(1, clinical=replace(CLINICAL, weight_kg=MISSING)),), predecessor=before
    )

    said = " ".join(wording.changes(content))

    assert "Age changed from 9.2 years to 12.4 years." in said
    assert "Sex changed from female to male." in said
    assert "No longer known: weight." in said


def test_films_that_may_be_of_two_children_give_no_numbers() -> None:
    content = CASES["correction-films-disagree"].content

    assert all(line.endswith("estimate withheld.") for line in wording.film_lines(content))
    assert wording.variables(content) == ()


def test_clinical_variables_have_their_sources() -> None:
    clinical = replace(
        CLINICAL,
        height_m=Measurement(value=1.42, source=Source.HEADER_UNIT_CORRECTED),
        weight_kg=Measurement(value=None, absence=Absence.ZERO),
    )
    content = make_content((make_film(1, clinical=clinical),))

    (said,) = wording.variables(content)

    assert said == (
        "Used: age 12.4 years (birth date and acquisition date); sex male (header); "
        "height 1.42 m (header, unit corrected). Missing: weight (entered as 0)."
    )


def test_clinical_variables_that_differ_are_given_film_by_film() -> None:
    other = replace(CLINICAL, height_m=MISSING)
    content = make_content((make_film(1), make_film(2, clinical=other)))

    first, second = wording.variables(content)

    assert first.startswith("Film 1 of 2 (PA): used: age")
    assert "Missing: height (not in the header)" in second


def test_films_are_numbered_in_order_of_arrival() -> None:
    late = NotScoredFilm(
        screening_id=ScreeningId(1), header=make_header(1, view_position=None), reason="NOT_CHEST"
    )
    content = make_content((make_film(7),), not_scored=(late,))

    assert wording.film_words(content, content.films[0]) == "film 2 of 2 (PA)"
    assert wording.not_scored(content, late) == (
        "Film 1 of 2: another part of the body (NOT_CHEST)."
    )


@pytest.mark.parametrize(
    "reason", [*IneligibilityReason, *NotScoredReason, *FindingReason], ids=str
)
def test_every_coded_reason_has_words(reason: str) -> None:
    assert all(say.known(f"reason.{reason}") for say in CATALOGUES.values())


def test_an_unknown_reason_is_said_in_its_own_words() -> None:
    assert phrases.reason_words(ENGLISH, "DEVICE_UNAVAILABLE") == "device unavailable"


@pytest.mark.parametrize(
    ("age", "said"), [(17.99, "17.9 years"), (12.0, "12.0 years"), (12.47, "12.4 years")]
)
def test_an_age_is_never_rounded_up(age: float, said: str) -> None:
    assert phrases.age_words(ENGLISH, age) == said


def test_the_reference_travels_with_device_region_and_version() -> None:
    said = wording.reference_statement(ENGLISH, REFERENCE)

    assert said == (
        "synthetic-demo 1 (device Hologic-like, made up; region L1-L4); a synthetic curve, not a "
        "clinical reference"
    )


def test_pictures_get_typographic_signs() -> None:
    plain = "AI estimate - Z -2.3 (-3.4 to -1.2), Z <= -2.0, L1-L4, 0.49 g/cm2"

    assert phrases.typeset(plain) == (
        "AI estimate \u2013 Z\u00a0\u22122.3 (\u22123.4 to \u22121.2), Z\u00a0\u2264 \u22122.0, "
        "L1-L4, 0.49 g/cm\u00b2"
    )
    assert phrases.typeset(phrases.typeset(plain)) == phrases.typeset(plain)


def test_the_report_says_that_it_is_synthetic() -> None:
    synthetic, real = CASES["low-one-film"].content, CASES["low-real-film"].content

    assert wording.synthetic_notice(synthetic)[0].startswith("SYNTHETIC")
    assert wording.synthetic_notice(real) == ()
