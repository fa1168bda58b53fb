import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.domain.clinical import clinical_variables
from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.storage.references import load_growth_reference

GROWTH = load_growth_reference()


def of_a_boy(
    size: float | None = None, weight: float | None = None, *, age_years: float = 10.5
) -> ClinicalVariables:
    return clinical_variables(
        age_years=age_years,
        sex=Sex.MALE,
        patient_size=size,
        patient_weight=weight,
        growth=GROWTH,
    )


@pytest.mark.parametrize(
    ("size", "height_m", "source"),
    [
        (1.38, 1.38, Source.HEADER),
        (138.0, 1.38, Source.HEADER_UNIT_CORRECTED),
        (1380.0, 1.38, Source.HEADER_UNIT_CORRECTED),
        (0.95, 0.95, Source.HEADER),
        (1.75, 1.75, Source.HEADER),
    ],
)
def test_a_height_is_read_in_the_unit_that_a_child_can_have(
    size: float, height_m: float, source: Source
) -> None:
    height = of_a_boy(size).height_m

    assert height.value == pytest.approx(height_m)
    assert height.source is source


@pytest.mark.parametrize(
    ("weight", "weight_kg", "source"),
    [
        (33.5, 33.5, Source.HEADER),
        (33_500.0, 33.5, Source.HEADER_UNIT_CORRECTED),
        (95_000.0, 95.0, Source.HEADER_UNIT_CORRECTED),
        (14.0, 14.0, Source.HEADER),
        (110.0, 110.0, Source.HEADER),
    ],
)
def test_a_weight_is_read_in_the_unit_that_a_child_can_have(
    weight: float, weight_kg: float, source: Source
) -> None:
    read = of_a_boy(weight=weight).weight_kg

    assert read.value == pytest.approx(weight_kg)
    assert read.source is source


@pytest.mark.parametrize("age_years", [2.1, 3.0, 5.0, 8.0, 10.5, 13.0, 15.0, 17.9])
@pytest.mark.parametrize("sex", Sex)
def test_no_child_weighs_as_many_kilograms_as_grams(sex: Sex, age_years: float) -> None:
    median_kg = GROWTH.weight_kg.value(sex, age_years, 0.0)

    read = clinical_variables(
        age_years=age_years,
        sex=sex,
        patient_size=None,
        patient_weight=1000 * median_kg,
        growth=GROWTH,
    )

    assert read.weight_kg.value == pytest.approx(median_kg)
    assert read.weight_kg.source is Source.HEADER_UNIT_CORRECTED


@pytest.mark.parametrize(
    ("raw", "absence"),
    [
        (None, Absence.NOT_GIVEN),
        (0.0, Absence.ZERO),
        (-1.0, Absence.ZERO),
        (5.0, Absence.IMPLAUSIBLE),
        (1e300, Absence.IMPLAUSIBLE),
        (1e-300, Absence.IMPLAUSIBLE),
        (float("inf"), Absence.IMPLAUSIBLE),
        (float("nan"), Absence.IMPLAUSIBLE),
    ],
)
def test_what_no_unit_makes_plausible_is_missing_and_says_why(
    raw: float | None, absence: Absence
) -> None:
    read = of_a_boy(size=raw, weight=raw)

    assert read.height_m == read.weight_kg == Measurement(value=None, absence=absence)
    assert read.missing == ("height", "weight")


def test_the_same_number_is_plausible_at_one_age_and_not_at_another() -> None:
    assert of_a_boy(1.8, age_years=17).height_m.value == 1.8
    assert of_a_boy(1.8, age_years=3).height_m.absence is Absence.IMPLAUSIBLE


def test_a_height_and_a_weight_that_do_not_go_together_are_both_missing() -> None:
    # 1.05 m and 90 kg: each is possible at ten and a half, a BMI of 82 is not
    read = of_a_boy(1.05, 90.0)

    assert of_a_boy(size=1.05).height_m.value == 1.05
    assert of_a_boy(weight=90.0).weight_kg.value == 90.0
    assert read.height_m.absence is read.weight_kg.absence is Absence.IMPLAUSIBLE


def test_a_sick_childs_height_and_weight_are_plausible() -> None:
    read = of_a_boy(1.0, 13.0)

    assert (read.height_m.value, read.weight_kg.value) == (1.0, 13.0)


@pytest.mark.parametrize(
    ("size", "weight", "height_m", "weight_kg"),
    [
        (0.75, 9.6, 0.75, 9.6),
        (75.0, 9600.0, 0.75, 9.6),
        (2.5, 0.2, None, None),
    ],
)
def test_below_the_ages_of_the_charts_absolute_bounds_hold(
    size: float, weight: float, height_m: float | None, weight_kg: float | None
) -> None:
    read = of_a_boy(size, weight, age_years=1.0)

    assert read.height_m.value == (height_m and pytest.approx(height_m))
    assert read.weight_kg.value == (weight_kg and pytest.approx(weight_kg))


def test_age_and_sex_are_handed_on() -> None:
    read = clinical_variables(
        age_years=7.25, sex=Sex.FEMALE, patient_size=None, patient_weight=None, growth=GROWTH
    )

    assert (read.age_years, read.sex) == (7.25, Sex.FEMALE)


@given(
    age_years=st.floats(0, 19.9),
    sex=st.sampled_from(Sex),
    size=st.none() | st.floats(),
    weight=st.none() | st.floats(),
)
def test_no_header_breaks_the_reading_and_nothing_is_invented(
    age_years: float, sex: Sex, size: float | None, weight: float | None
) -> None:
    read = clinical_variables(
        age_years=age_years, sex=sex, patient_size=size, patient_weight=weight, growth=GROWTH
    )

    if read.height_m.value is not None:
        assert size is not None
        assert 0.3 <= read.height_m.value <= 2.6
        assert any(read.height_m.value == pytest.approx(size * f) for f in (1, 0.01, 0.001))
    if read.weight_kg.value is not None:
        assert weight is not None
        assert any(read.weight_kg.value == pytest.approx(weight * f) for f in (1, 0.001))
