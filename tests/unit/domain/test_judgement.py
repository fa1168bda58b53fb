from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from screener.domain.eligibility import (
    Answer,
    EligibilityRules,
    Eligible,
    IneligibilityReason,
    Ineligible,
    ScoringLimits,
    View,
)
from screener.domain.judgement import (
    QUESTIONS,
    age_on_film,
    explain,
    frontal_view,
    judge,
    stated_age_years,
)
from screener.domain.patient import Sex
from tests.unit.domain.values import CR, LIMITS, SILENT, TODAY, header

R = IneligibilityReason
RULES = EligibilityRules()
REAL = ScoringLimits(min_age_years=3.0, max_age_years=18.0, predictor_is_synthetic=False)

#: Films that must not be scored, each with the reasons why.
AGAINST: list[tuple[dict[str, Any], tuple[IneligibilityReason, ...]]] = [
    ({"made_by_screener": True}, (R.OWN_OBJECT,)),
    ({"image_type": ("DERIVED", "SECONDARY")}, (R.DERIVED_IMAGE,)),
    (
        {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7", "modality": "OT"},
        (R.DERIVED_IMAGE, R.NOT_A_RADIOGRAPH),
    ),
    (
        {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7.4"},
        (R.DERIVED_IMAGE, R.NOT_A_RADIOGRAPH),
    ),
    ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}, (R.NOT_A_RADIOGRAPH,)),
    ({"modality": "CT"}, (R.NOT_A_RADIOGRAPH,)),
    ({"modality": None}, (R.NOT_A_RADIOGRAPH,)),
    ({"pixels": {"present": False, "spacing_mm": None}}, (R.NO_PIXEL_DATA,)),
    ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1.1"}, (R.FOR_PROCESSING,)),
    ({"presentation_intent": "For Processing"}, (R.FOR_PROCESSING,)),
    ({"pixels": {"samples_per_pixel": 3}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"frames": 2}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"bits_stored": 7}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"bits_stored": 17}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"photometric_interpretation": "RGB"}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"photometric_interpretation": ""}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"rows": 0}}, (R.UNUSUAL_PIXELS,)),
    ({"pixels": {"columns": 0}}, (R.UNUSUAL_PIXELS,)),
    ({"descriptions": ("Whole Spine AP",)}, (R.WHOLE_SPINE,)),
    ({"body_part": "WHOLESPINE"}, (R.WHOLE_SPINE,)),
    ({"descriptions": ("Scoliosis series",)}, (R.WHOLE_SPINE,)),
    ({"descriptions": ("Babygram",)}, (R.BABYGRAM,)),
    ({"descriptions": ("CHEST/ABD",)}, (R.BABYGRAM,)),
    ({"descriptions": ("Thorax and Abdomen",)}, (R.BABYGRAM,)),
    ({"descriptions": ("Chest, Abdomen",)}, (R.BABYGRAM,)),
    ({"descriptions": ("Abdomen/Thorax",)}, (R.BABYGRAM,)),
    ({"descriptions": ("Thorax und Abdomen",)}, (R.BABYGRAM,)),
    ({"anatomic_region_codes": ("85562004|SCT",), "body_part": None}, (R.NOT_CHEST,)),
    ({"anatomic_region_codes": ("85562004|SCT",), "body_part": "CHEST"}, (R.REGION_UNKNOWN,)),
    ({"anatomic_region_codes": ("816094009|SCT", "818983003|SCT")}, (R.REGION_UNKNOWN,)),
    ({"anatomic_region_codes": (), "body_part": "HAND"}, (R.NOT_CHEST,)),
    ({**SILENT, "view_position": "PA"}, (R.REGION_UNKNOWN,)),
    ({"view_codes": ("399067008|SCT",), "view_position": None}, (R.LATERAL_VIEW,)),
    ({"view_codes": ("399067008|SCT",), "view_position": "PA"}, (R.VIEW_UNKNOWN,)),
    ({"view_codes": (), "view_position": "LL"}, (R.LATERAL_VIEW,)),
    ({"view_codes": ("399999|SCT",), "view_position": None}, (R.OTHER_VIEW,)),
    ({"view_codes": (), "view_position": "LLO"}, (R.OTHER_VIEW,)),
    ({"view_codes": (), "view_position": None, "descriptions": ()}, (R.VIEW_UNKNOWN,)),
    ({"identity": {"sex": None}}, (R.SEX_UNKNOWN,)),
    ({"identity": {"sex": "O"}}, (R.SEX_UNKNOWN,)),
    (
        {"acquired_on": None, "acquired_on_source": None},
        (R.ACQUISITION_DATE_MISSING,),
    ),
    ({"identity": {"birth_date": None}}, (R.BIRTH_DATE_MISSING,)),
    (
        {"identity": {"birth_date": date(1900, 1, 1)}, "patient_age": None},
        (R.BIRTH_DATE_PLACEHOLDER,),
    ),
    (
        {"identity": {"birth_date": date(2026, 9, 15)}, "patient_age": None},
        (R.AGE_CONFLICT,),
    ),
    ({"patient_age": "013Y"}, (R.AGE_CONFLICT,)),
    (
        {"identity": {"birth_date": date(2025, 1, 1)}, "patient_age": None},
        (R.AGE_BELOW_RANGE,),
    ),
    (
        {"identity": {"birth_date": date(1980, 1, 1)}, "patient_age": None},
        (R.AGE_ABOVE_RANGE,),
    ),
    (
        {"acquired_on": date(2026, 8, 1), "quality_control_image": False},
        (R.FILM_TOO_OLD, R.PREDICTOR_IS_SYNTHETIC),
    ),
    ({"pixels": {"spacing_mm": None}}, (R.SPACING_UNKNOWN,)),
    ({"quality_control_image": False}, (R.PREDICTOR_IS_SYNTHETIC,)),
    ({"limits": REAL}, (R.FILM_IS_SYNTHETIC,)),
]


def reasons(
    *, rules: EligibilityRules = RULES, limits: ScoringLimits = LIMITS, **changes: Any
) -> tuple[IneligibilityReason, ...]:
    verdict = judge(header(**changes), rules=rules, limits=limits, today=TODAY)
    return () if isinstance(verdict, Eligible) else verdict.reasons


def test_a_childs_frontal_chest_film_is_eligible_with_view_sex_and_age() -> None:
    verdict = judge(header(), rules=RULES, limits=LIMITS, today=TODAY)

    assert verdict == Eligible(view=View.PA, sex=Sex.MALE, age_years=10 + 197 / 365)


@pytest.mark.parametrize(("changes", "expected"), AGAINST)
def test_each_reason_against_a_film_is_given(
    changes: dict[str, Any], expected: tuple[IneligibilityReason, ...]
) -> None:
    assert reasons(**changes) == expected


def test_every_reason_is_reached_by_a_test_or_given_before_there_is_a_header() -> None:
    reached = {reason for _, expected in AGAINST for reason in expected}

    assert set(IneligibilityReason) - reached == {R.UNREADABLE_HEADER}


def test_reasons_come_in_the_order_of_the_questions() -> None:
    expected = (R.OWN_OBJECT, R.NOT_A_RADIOGRAPH, R.NOT_CHEST, R.SEX_UNKNOWN)

    assert (
        reasons(
            identity={"sex": ""},
            anatomic_region_codes=("1|X",),
            body_part=None,
            modality="MR",
            made_by_screener=True,
        )
        == expected
    )


def test_a_real_film_is_eligible_for_a_predictor_that_has_seen_real_children() -> None:
    assert reasons(quality_control_image=False, limits=REAL) == ()


def test_every_question_is_answered_about_every_film() -> None:
    for film in (header(), header(**SILENT, modality=None, identity={"birth_date": None})):
        outcomes = explain(film, rules=RULES, limits=LIMITS, today=TODAY)

        assert len(outcomes) == len(QUESTIONS)
        assert len({outcome.rule for outcome in outcomes}) == len(QUESTIONS)
        for outcome in outcomes:
            assert (outcome.reason is None) == (outcome.answer is Answer.YES)
            assert outcome.saw


def test_no_answer_repeats_who_the_child_is() -> None:
    film = header(identity={"patient_id": "SECRET", "issuer": "SECRET", "sex": "SECRET"})

    outcomes = explain(film, rules=RULES, limits=LIMITS, today=TODAY)

    said = " ".join(outcome.saw for outcome in outcomes)
    assert "SECRET" not in said
    assert "2016" not in said


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({**SILENT, "view_position": "PA"}, Answer.CANNOT_TELL),
        ({"anatomic_region_codes": ("1|X",), "body_part": None}, Answer.NO),
        ({}, Answer.YES),
    ],
)
def test_a_header_that_does_not_tell_is_not_one_that_says_no(
    changes: dict[str, Any], answer: Answer
) -> None:
    outcomes = explain(header(**changes), rules=RULES, limits=LIMITS, today=TODAY)

    assert {outcome.rule: outcome.answer for outcome in outcomes}["chest"] is answer


@pytest.mark.parametrize("code", RULES.chest_region_codes)
def test_a_region_code_of_the_chest_speaks_before_the_body_part(code: str) -> None:
    assert reasons(anatomic_region_codes=(code,), body_part=None) == ()


@pytest.mark.parametrize("body_part", ["CHEST", "Thorax"])
def test_the_body_part_speaks_where_there_is_no_region_code(body_part: str) -> None:
    assert reasons(anatomic_region_codes=(), body_part=body_part) == ()


@pytest.mark.parametrize(
    "description", ["XR CHEST 1 VIEW", "thorax stehend", "CXR", "흉부 촬영", "胸部単純"]
)
def test_a_description_speaks_where_body_part_and_region_are_empty(description: str) -> None:
    changes = {**SILENT, "view_position": "AP", "descriptions": (description,)}

    assert reasons(**changes) == ()


def test_a_description_does_not_overrule_the_body_part() -> None:
    assert reasons(
        anatomic_region_codes=(), body_part="HAND", descriptions=("Chest",), view_codes=()
    ) == (R.NOT_CHEST,)


@pytest.mark.parametrize(
    ("code", "view"),
    [
        ("272479007|SCT", View.PA),
        ("R-10214|SRT", View.PA),
        ("R-10214|SNM3", View.PA),
        ("399348003|SCT", View.AP),
        ("R-10206|SRT", View.AP),
        ("399033003|SCT", View.FRONTAL),
        ("399173006|SCT", R.LATERAL_VIEW),
        ("R-10236|SRT", R.LATERAL_VIEW),
        ("R-10232|SRT", R.LATERAL_VIEW),
    ],
)
def test_the_view_code_speaks_where_view_position_is_empty(
    code: str, view: View | IneligibilityReason
) -> None:
    assert frontal_view(header(view_codes=(code,), view_position=None), RULES) is view


def test_a_local_view_code_says_nothing() -> None:
    film = header(view_codes=("1|99LOCAL", "399348003|SCT"), view_position=None)

    assert frontal_view(film, RULES) is View.AP


@pytest.mark.parametrize(
    ("code", "position", "view"),
    [
        ("272479007|SCT", "AP", View.FRONTAL),
        ("399033003|SCT", "PA", View.PA),
        ("399033003|SCT", "AP", View.AP),
        ("272479007|SCT", "LL", R.VIEW_UNKNOWN),
        ("399067008|SCT", "AP", R.VIEW_UNKNOWN),
    ],
)
def test_code_and_position_that_contradict_each_other_leave_the_view_unknown(
    code: str, position: str, view: View | IneligibilityReason
) -> None:
    assert frontal_view(header(view_codes=(code,), view_position=position), RULES) is view


@pytest.mark.parametrize(
    ("position", "view"),
    [
        ("PA", View.PA),
        ("ap", View.AP),
        ("PA ERECT", View.PA),
        ("AP_SUPINE", View.AP),
        ("FRONTAL", View.FRONTAL),
        ("LATERAL", R.LATERAL_VIEW),
        ("RL", R.LATERAL_VIEW),
        ("RAO", R.OTHER_VIEW),
    ],
)
def test_the_view_position_speaks_before_the_descriptions(
    position: str, view: View | IneligibilityReason
) -> None:
    film = header(view_codes=(), view_position=position, descriptions=("Chest AP", "lateral"))

    assert frontal_view(film, RULES) is view


@pytest.mark.parametrize(
    ("descriptions", "view"),
    [
        (("Chest PA",), View.PA),
        (("Chest p.a.",), View.PA),
        (("Thorax posteroanterior",), View.PA),
        (("Chest A.P. bed",), View.AP),
        (("Thorax antero-posterior",), View.AP),
        (("Chest frontal",), View.FRONTAL),
        (("Chest PA/AP",), View.FRONTAL),
        (("Chest", "PA"), View.PA),
        (("Chest lat",), R.LATERAL_VIEW),
        (("Thorax seitlich",), R.LATERAL_VIEW),
        (("Chest PA and lateral",), R.VIEW_UNKNOWN),
        (("Chest PA", "lat"), R.VIEW_UNKNOWN),
        (("Chest",), R.VIEW_UNKNOWN),
        (("Chest space map",), R.VIEW_UNKNOWN),
        ((), R.VIEW_UNKNOWN),
    ],
)
def test_the_descriptions_speak_where_code_and_position_are_empty(
    descriptions: tuple[str, ...], view: View | IneligibilityReason
) -> None:
    film = header(view_codes=(), view_position=None, descriptions=descriptions)

    assert frontal_view(film, RULES) is view


def test_sites_may_change_what_counts_as_a_chest_film() -> None:
    rules = EligibilityRules(
        modalities=("RF",),
        chest_body_parts=("BRUST",),
        chest_patterns=("brustkorb",),
        pa_patterns=("von hinten",),
    )
    film = {**SILENT, "modality": "RF", "descriptions": ("BRUSTKORB von hinten",)}

    assert reasons(rules=rules, **film) == ()
    assert reasons(rules=rules, **{**film, "body_part": "Brust"}) == ()
    assert reasons(**film) == (R.NOT_A_RADIOGRAPH, R.REGION_UNKNOWN, R.VIEW_UNKNOWN)


def test_a_cr_film_without_presentation_intent_is_eligible() -> None:
    assert reasons(sop_class_uid=CR, modality="CR", presentation_intent=None) == ()


@pytest.mark.parametrize(
    ("acquired_on", "expected"),
    [
        (date(2034, 2, 28), ()),
        (date(2034, 3, 1), (R.AGE_ABOVE_RANGE,)),
        (date(2034, 3, 2), (R.AGE_ABOVE_RANGE,)),
    ],
)
def test_a_child_is_scored_up_to_the_day_before_its_18th_birthday(
    acquired_on: date, expected: tuple[IneligibilityReason, ...]
) -> None:
    verdict = judge(
        header(acquired_on=acquired_on, patient_age=None),
        rules=RULES,
        limits=LIMITS,
        today=acquired_on,
    )

    assert (verdict.reasons if isinstance(verdict, Ineligible) else ()) == expected


@pytest.mark.parametrize(
    ("acquired_on", "expected"),
    [
        (date(2026, 2, 28), ()),
        (date(2026, 3, 1), (R.AGE_ABOVE_RANGE,)),
    ],
)
def test_a_child_born_on_29_february_turns_18_on_1_march(
    acquired_on: date, expected: tuple[IneligibilityReason, ...]
) -> None:
    film = header(
        acquired_on=acquired_on, patient_age=None, identity={"birth_date": date(2008, 2, 29)}
    )

    verdict = judge(film, rules=RULES, limits=LIMITS, today=acquired_on)

    assert (verdict.reasons if isinstance(verdict, Ineligible) else ()) == expected


def test_the_narrower_of_rules_and_limits_bounds_the_age() -> None:
    rules = EligibilityRules(min_age_years=8, max_age_years=12)
    limits = ScoringLimits(min_age_years=10, max_age_years=16, predictor_is_synthetic=True)

    def of_age(years: int) -> tuple[IneligibilityReason, ...]:
        born_on = date(2026 - years, 9, 14)
        return reasons(
            rules=rules, limits=limits, patient_age=None, identity={"birth_date": born_on}
        )

    assert [of_age(years) for years in (9, 10, 11, 12)] == [
        (R.AGE_BELOW_RANGE,),
        (),
        (),
        (R.AGE_ABOVE_RANGE,),
    ]


@pytest.mark.parametrize(
    ("days_ago", "expected"), [(-2, True), (-1, False), (0, False), (14, False), (15, True)]
)
def test_a_film_may_be_of_tomorrow_and_of_the_last_two_weeks(days_ago: int, expected: bool) -> None:
    given_reasons = reasons(
        acquired_on=TODAY - timedelta(days=days_ago), quality_control_image=False, limits=REAL
    )

    assert given_reasons == ((R.FILM_TOO_OLD,) if expected else ())


def test_a_quality_control_image_may_be_of_any_date() -> None:
    assert reasons(acquired_on=date(2024, 9, 14), patient_age="008Y") == ()


@pytest.mark.parametrize(
    ("stated", "span"),
    [
        ("010Y", (10, 11)),
        ("8Y", (8, 9)),
        ("156M", (13, 157 / 12)),
        ("003W", (21 / 365.25, 28 / 365.25)),
        ("010D", (10 / 365.25, 11 / 365.25)),
        ("10", None),
        ("0010Y", None),
        ("010J", None),
        ("", None),
        (None, None),
    ],
)
def test_a_stated_age_stands_for_a_span(
    stated: str | None, span: tuple[float, float] | None
) -> None:
    assert stated_age_years(stated) == (span and pytest.approx(span))


@pytest.mark.parametrize(
    ("born_on", "agrees"),
    [
        # 010Y is 10 up to 11 years; a year more or less is still the same child
        (date(2017, 9, 14), True),
        (date(2017, 9, 15), False),
        (date(2014, 9, 14), True),
        (date(2014, 9, 13), False),
    ],
)
def test_age_and_birth_date_may_lie_a_year_apart_and_no_more(born_on: date, agrees: bool) -> None:
    assert reasons(identity={"birth_date": born_on}) == (() if agrees else (R.AGE_CONFLICT,))


def test_an_age_that_cannot_be_read_conflicts_with_nothing() -> None:
    assert reasons(patient_age="TEN") == ()


@pytest.mark.parametrize("placeholder", RULES.placeholder_birth_dates)
def test_every_placeholder_birth_date_stops_a_film(placeholder: str) -> None:
    given_reasons = reasons(
        identity={"birth_date": date.fromisoformat(placeholder)}, patient_age=None
    )

    assert given_reasons[0] is R.BIRTH_DATE_PLACEHOLDER


@given(
    born_on=st.none() | st.dates(),
    acquired_on=st.none() | st.dates(),
    patient_age=st.sampled_from([None, "000D", "010Y", "999Y"]),
    today=st.dates(),
)
@example(born_on=date(2016, 3, 1), acquired_on=date.max, patient_age=None, today=date(2026, 9, 20))
def test_no_combination_of_dates_breaks_the_judgement(
    born_on: date | None, acquired_on: date | None, patient_age: str | None, today: date
) -> None:
    film = header(
        identity={"birth_date": born_on}, acquired_on=acquired_on, patient_age=patient_age
    )

    verdict = judge(film, rules=RULES, limits=LIMITS, today=today)

    if isinstance(verdict, Eligible):
        assert 3 <= verdict.age_years < 18
        assert verdict.age_years == age_on_film(film)
