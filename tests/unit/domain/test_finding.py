from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.domain.eligibility import View
from screener.domain.estimate import FilmInStudy, film_z, round_z
from screener.domain.finding import (
    ConclusionRules,
    Finding,
    FindingReason,
    Verdict,
    conclude,
    identities_agree,
)
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity
from screener.domain.patient import Absence, Measurement, Sex, Source
from tests.unit.domain.values import (
    BMD,
    GROWTH,
    IDENTITY,
    PREDICTOR,
    clinical,
    film,
    prediction,
    unscored,
)


def concluded(*films: FilmInStudy, **rules: Any) -> Finding:
    return conclude(films, rules=ConclusionRules(**rules), reference=BMD, growth=GROWTH)


@pytest.mark.parametrize(
    ("z", "rounded"),
    [
        (-1.949, -1.9),
        (-1.95, -2.0),
        (-2.0, -2.0),
        (-2.04, -2.0),
        (-2.05, -2.1),
        (-1.85, -1.9),
        (0.25, 0.3),
        (0.05, 0.1),
        (0.04, 0.0),
        (-0.04, 0.0),
        (-0.05, -0.1),
        (1e-9, 0.0),
        (-12.345, -12.3),
    ],
)
def test_z_is_rounded_to_one_decimal_halves_away_from_zero(z: float, rounded: float) -> None:
    assert round_z(z) == rounded
    assert f"{round_z(z):.1f}" == f"{rounded:.1f}"
    assert not f"{round_z(z):.1f}".startswith("-0.0")


@given(z=st.floats(-20, 20))
def test_rounding_moves_z_by_half_a_tenth_at_most(z: float) -> None:
    assert abs(round_z(z) - z) <= 0.05 + 1e-9
    assert round_z(round_z(z)) == round_z(z)


@pytest.mark.parametrize(
    ("z", "verdict"),
    [
        (-3.0, Verdict.LOW),
        (-2.0, Verdict.LOW),
        (-1.951, Verdict.LOW),
        (-1.949, Verdict.NOT_LOW),
        (0.0, Verdict.NOT_LOW),
    ],
)
def test_the_rounded_z_is_held_against_the_threshold(z: float, verdict: Verdict) -> None:
    finding = concluded(film(z=z))

    assert finding.verdict is verdict
    assert finding.reason is None
    assert finding.estimate is not None
    assert finding.estimate.z == round_z(z)


def test_the_decision_threshold_is_a_sites_own() -> None:
    assert concluded(film(z=-1.6), threshold_z=-1.5).verdict is Verdict.LOW
    assert concluded(film(z=-2.2), threshold_z=-2.5).verdict is Verdict.NOT_LOW


def test_a_low_study_is_low_whatever_its_interval_reaches() -> None:
    finding = concluded(film(z=-2.1, width_z=3.8))

    assert finding.verdict is Verdict.LOW
    assert finding.crosses_threshold


@pytest.mark.parametrize(
    ("z", "width_z", "crosses"),
    [
        (-2.1, 2.0, True),
        (-3.0, 2.0, False),  # -4.0 to -2.0: all of it is low
        (-1.0, 2.0, True),  # -2.0 to 0.0: a part of it is low
        (-0.9, 2.0, False),  # -1.9 to 0.1
    ],
)
def test_an_interval_crosses_the_threshold_where_it_holds_low_values_and_others(
    z: float, width_z: float, crosses: bool
) -> None:
    assert concluded(film(z=z, width_z=width_z)).crosses_threshold is crosses


def test_a_finding_without_an_estimate_crosses_nothing() -> None:
    assert not concluded(unscored(1)).crosses_threshold


@pytest.mark.parametrize(
    ("width_z", "reason"),
    [
        (3.9, None),
        (4.0, None),
        (4.04, None),  # -5.02 to -0.98, printed -5.0 to -1.0
        (4.2, FindingReason.INTERVAL_TOO_WIDE),
    ],
)
def test_a_printed_interval_wider_than_allowed_leaves_the_study_open(
    width_z: float, reason: FindingReason | None
) -> None:
    finding = concluded(film(z=-3.0, width_z=width_z))

    assert finding.reason is reason
    assert (finding.verdict is Verdict.INDETERMINATE) == (reason is not None)
    assert finding.estimate is not None


def test_a_study_without_a_scored_film_is_not_assessed() -> None:
    finding = concluded(unscored(1), unscored(2, "NOT_CHEST"), unscored(3, None))

    assert finding.verdict is Verdict.NOT_ASSESSED
    assert finding.reason is FindingReason.NO_SCORED_FILM
    assert finding.predictor is None
    assert finding.not_scored == ((1, "LATERAL_VIEW"), (2, "NOT_CHEST"), (3, ""))


def test_a_study_without_any_film_is_not_assessed() -> None:
    assert concluded().verdict is Verdict.NOT_ASSESSED


def test_the_value_of_a_study_is_the_mean_of_its_films_of_one_view() -> None:
    finding = concluded(film(1, z=-1.0), film(2, z=-1.4), unscored(3))

    estimate = finding.estimate
    assert estimate is not None
    assert estimate.abmd_g_cm2 == pytest.approx(0.68)
    assert estimate.z == -1.2
    assert estimate.films == (1, 2)
    assert finding.not_scored == ((3, "LATERAL_VIEW"),)


@pytest.mark.parametrize(
    ("views", "best", "films"),
    [
        ((View.AP, View.PA, View.PA), View.PA, (2, 3)),
        ((View.FRONTAL, View.AP, View.FRONTAL), View.AP, (2,)),
        ((View.FRONTAL, View.FRONTAL, View.FRONTAL), View.FRONTAL, (1, 2, 3)),
    ],
)
def test_pa_films_speak_before_ap_films(
    views: tuple[View, ...], best: View, films: tuple[int, ...]
) -> None:
    finding = concluded(*(film(n, view=view) for n, view in enumerate(views, start=1)))

    assert finding.estimate is not None
    assert finding.estimate.view is best
    assert finding.estimate.films == films


def test_the_interval_is_as_wide_as_the_widest_of_the_films() -> None:
    finding = concluded(film(1, z=-1.0, width_z=1.0), film(2, z=-1.4, width_z=3.0))

    estimate = finding.estimate
    assert estimate is not None
    assert (estimate.z_low, estimate.z, estimate.z_high) == (-2.7, -1.2, 0.3)
    assert estimate.abmd_high_g_cm2 - estimate.abmd_low_g_cm2 == pytest.approx(0.3)


def test_an_interval_keeps_its_two_unequal_arms() -> None:
    lopsided = prediction(-1.0, abmd_low_g_cm2=0.65, abmd_high_g_cm2=0.85)

    estimate = concluded(film(prediction=lopsided)).estimate

    assert estimate is not None
    assert (estimate.z_low, estimate.z_high) == (-1.5, 0.5)


def test_an_interval_ends_above_zero() -> None:
    thin = film(1, prediction=prediction(-7.4, width_z=0.8))
    wide = film(2, prediction=prediction(-6.9, abmd_low_g_cm2=0.001, abmd_high_g_cm2=0.25))

    estimate = concluded(thin, wide, max_interval_z=20.0).estimate

    assert estimate is not None
    assert estimate.abmd_low_g_cm2 == 0.01


@pytest.mark.parametrize(
    ("other", "apart"), [(-2.0, False), (-2.000001, True), (-2.1, True), (0.0, False), (0.1, True)]
)
def test_films_more_than_one_z_apart_stop_the_study(other: float, apart: bool) -> None:
    finding = concluded(film(1, z=-1.0), film(2, z=other))

    assert finding.reason is (FindingReason.FILMS_APART if apart else None)
    assert (finding.verdict is Verdict.INDETERMINATE) == apart
    assert (finding.estimate is None) == apart


def test_films_of_another_view_also_stop_the_study_when_they_lie_apart() -> None:
    finding = concluded(film(1, z=-1.0), film(2, z=-2.5, view=View.AP))

    assert finding.reason is FindingReason.FILMS_APART


@pytest.mark.parametrize(
    "other",
    [
        {"patient_id": "ZZ-2"},
        {"issuer": "YY"},
        {"birth_date": date(2016, 3, 2)},
        {"sex": "F"},
    ],
)
def test_films_that_disagree_on_whose_they_are_stop_the_study(other: dict[str, Any]) -> None:
    conflicting = replace(IDENTITY, **other)

    for second in (film(2, identity=conflicting), unscored(2, identity=conflicting)):
        finding = concluded(film(1, z=-3.0), second)

        assert finding.verdict is Verdict.INDETERMINATE
        assert finding.reason is FindingReason.FILMS_DISAGREE
        assert finding.estimate is None


@pytest.mark.parametrize(
    "missing", ["patient_id", "issuer", "birth_date", "sex", "accession_number"]
)
def test_what_one_film_does_not_say_does_not_disagree(missing: str) -> None:
    silent = replace(IDENTITY, **{missing: None})

    assert identities_agree([IDENTITY, silent, IDENTITY])
    assert identities_agree([silent])
    assert identities_agree([])


def test_two_accession_numbers_are_no_disagreement() -> None:
    assert identities_agree([IDENTITY, replace(IDENTITY, accession_number="other")])


def test_a_film_without_identity_does_not_hide_that_the_others_disagree() -> None:
    nobody = Identity(
        patient_id=None, issuer=None, birth_date=None, sex=None, accession_number=None
    )

    assert not identities_agree([IDENTITY, nobody, replace(IDENTITY, patient_id="ZZ-2")])


def test_films_of_an_earlier_predictor_do_not_speak_beside_those_of_the_latest() -> None:
    newer = replace(PREDICTOR, version="2", checksum="cd" * 32)
    old, new = film(1, z=-3.0), film(2, prediction=prediction(-1.0, predictor=newer))

    finding = concluded(old, new)

    assert finding.predictor == newer
    assert finding.verdict is Verdict.NOT_LOW
    assert finding.estimate is not None
    assert finding.estimate.films == (2,)


def test_an_estimate_tells_what_was_known_of_the_child() -> None:
    short = clinical(
        height_m=Measurement(value=1.26, source=Source.HEADER),
        weight_kg=Measurement(value=None, absence=Absence.ZERO),
    )

    estimate = concluded(film(1, clinical=short), film(2)).estimate

    assert estimate is not None
    assert (estimate.age_years, estimate.sex) == (10.5, Sex.MALE)
    assert estimate.height_z == pytest.approx(-2.0)
    assert estimate.missing == ("weight",)
    assert estimate.interval_level == 0.9


def test_a_missing_height_has_no_height_z() -> None:
    absent = Measurement(value=None, absence=Absence.NOT_GIVEN)

    estimate = concluded(film(clinical=clinical(height_m=absent, weight_kg=absent))).estimate

    assert estimate is not None
    assert estimate.height_z is None
    assert estimate.missing == ("height", "weight")


@pytest.mark.parametrize("changes", [{"prediction": None}, {"clinical": None}])
def test_only_a_scored_film_has_a_z(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only a scored film"):
        film_z(film(**changes), BMD)


def test_a_films_z_is_not_rounded() -> None:
    assert film_z(film(z=-1.23456), BMD) == pytest.approx(-1.23456)


def test_values_from_elsewhere_are_printed_with_their_source_and_change_the_digest() -> None:
    corrected = clinical(
        sex_source=Source.OPERATOR,
        age_source=Source.OPERATOR,
        height_m=Measurement(value=1.4, source=Source.IMPORTED, measured_on=date(2026, 9, 1)),
    )

    finding = concluded(film(1, clinical=corrected))

    assert finding.estimate is not None
    assert finding.estimate.from_elsewhere == (
        "age 10.5 OPERATOR",
        "height 1.40 IMPORTED 2026-09-01",
        "sex M OPERATOR",
    )
    assert finding.digest() != concluded(film(1)).digest()
    assert "from_elsewhere" not in concluded(film(1)).printed()


def test_findings_that_print_alike_have_one_digest() -> None:
    first = concluded(film(1, z=-2.31))
    alike = concluded(film(1, z=-2.29), unscored(2))

    assert first != alike
    assert first.digest() == alike.digest()
    assert first.printed() == alike.printed()


NO_HEIGHT = clinical(height_m=Measurement(value=None, absence=Absence.ZERO))
OTHER_PREDICTOR = prediction(-2.3, predictor=replace(PREDICTOR, checksum="0"))


@pytest.mark.parametrize(
    "other",
    [
        concluded(film(1, z=-2.5)),
        concluded(film(1, z=-2.3, width_z=3.0)),
        concluded(film(1, z=-2.3), threshold_z=-2.5),
        concluded(film(1, prediction=OTHER_PREDICTOR)),
        concluded(film(1, z=-2.3, clinical=NO_HEIGHT)),
        conclude(
            [film(1, z=-2.3)],
            rules=ConclusionRules(),
            reference=replace(BMD, version="2"),
            growth=GROWTH,
        ),
        concluded(unscored(1)),
    ],
)
def test_a_finding_that_prints_otherwise_has_another_digest(other: Finding) -> None:
    assert concluded(film(1, z=-2.3)).digest() != other.digest()


def test_a_finding_prints_its_values_as_a_report_shows_them() -> None:
    assert concluded(film(1, z=-2.349, width_z=2.0)).printed() == {
        "verdict": "LOW",
        "reason": None,
        "threshold_z": -2.0,
        "threshold_source": "DEFINITION",
        "reference": "flat 1",
        "predictor": PREDICTOR.checksum,
        "abmd": ["0.57", "0.47", "0.67"],
        "z": ["-2.3", "-3.3", "-1.3"],
        "missing": [],
    }
    assert concluded(unscored(1)).printed()["reason"] == "NO_SCORED_FILM"
    assert concluded(unscored(1)).printed()["predictor"] is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("settle_s", -1.0),
        ("settle_s", 90_000.0),
        ("threshold_z", 0.1),
        ("threshold_z", float("nan")),
        ("max_interval_z", 0.0),
        ("max_film_difference_z", 11.0),
        ("repeat_report_days", -1),
        ("repeat_report_days", 4000),
    ],
)
def test_a_rule_that_no_site_can_mean_is_refused_by_its_name(name: str, wrong: float) -> None:
    with pytest.raises(ValueError, match=name):
        ConclusionRules(**{name: wrong})  # type: ignore[arg-type]


@given(
    z_scores=st.lists(st.floats(-6, 3), min_size=1, max_size=4),
    width_z=st.floats(0.1, 6),
)
def test_a_finding_always_follows_from_what_it_shows(z_scores: list[float], width_z: float) -> None:
    films = [film(n, z=z, width_z=width_z) for n, z in enumerate(z_scores, start=1) if z > -4.5]

    finding = concluded(*films)

    estimate = finding.estimate
    if finding.verdict in {Verdict.LOW, Verdict.NOT_LOW}:
        assert estimate is not None
        assert finding.reason is None
        assert (estimate.z <= -2.0) == (finding.verdict is Verdict.LOW)
        assert estimate.z_low <= estimate.z <= estimate.z_high
        assert estimate.z_high - estimate.z_low <= 4.0 + 1e-6
    else:
        assert finding.reason is not None
    assert {ScreeningId(n) for n in range(1, len(z_scores) + 1)} >= set(
        estimate.films if estimate else ()
    )
