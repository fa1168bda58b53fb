import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from screener.domain.errors import OutsideReference
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.storage.references import load_bmd_reference, load_growth_reference

GROWTH = load_growth_reference()
#: Standard normal deviates of the centiles that CDC prints.
DEVIATES = {3: -1.880794, 5: -1.644854, 10: -1.281552, 25: -0.674490, 50: 0.0}
DEVIATES |= {75: 0.674490, 85: 1.036433, 90: 1.281552, 95: 1.644854, 97: 1.880794}


def one_row(l: float, m: float, s: float) -> LmsTable:  # noqa: E741 - the field's own letter
    curve = LmsCurve(ages_years=(0.0, 20.0), l=(l, l), m=(m, m), s=(s, s))
    return LmsTable(curves={Sex.MALE: curve})


def test_the_example_that_cdc_works_out_in_its_growth_chart_data_files() -> None:
    # a boy of 9 months: 9.7 kg is a Z of 0.207, the 5th centile is 7.90 kg
    table = one_row(-0.1600954, 9.476500305, 0.11218624)

    assert table.z_score(Sex.MALE, 0.75, 9.7) == pytest.approx(0.207, abs=0.0005)
    assert table.value(Sex.MALE, 0.75, -1.645) == pytest.approx(7.90, abs=0.005)


@pytest.mark.parametrize(
    ("table", "sex", "age_months", "centiles"),
    [
        # CDC 2000 data files statage and bmiagerev, in cm and kg/m2
        (
            GROWTH.height_cm,
            Sex.MALE,
            24.5,
            {3: 80.26037074, 10: 82.36400989, 50: 86.86160934, 90: 91.35753004, 97: 93.45923029},
        ),
        (
            GROWTH.height_cm,
            Sex.MALE,
            25.5,
            {3: 81.0052937, 25: 85.25887745, 75: 90.05675457, 97: 94.38278047},
        ),
        (
            GROWTH.bmi_kg_m2,
            Sex.MALE,
            24.5,
            {3: 14.50347667, 5: 14.71929257, 85: 18.11954923, 97: 19.79194014},
        ),
        (
            GROWTH.bmi_kg_m2,
            Sex.MALE,
            180.5,
            {3: 16.20844134, 50: 19.85766121, 95: 26.83688026, 97: 28.63575076},
        ),
        (
            GROWTH.bmi_kg_m2,
            Sex.FEMALE,
            24.5,
            {3: 14.13226271, 10: 14.77964811, 90: 18.39526372, 97: 19.51534333},
        ),
    ],
)
def test_the_centiles_that_cdc_prints_come_out(
    table: LmsTable, sex: Sex, age_months: float, centiles: dict[int, float]
) -> None:
    age_years = age_months / 12

    for centile, printed in centiles.items():
        deviate = DEVIATES[centile]
        assert table.value(sex, age_years, deviate) == pytest.approx(printed, rel=2e-6)
        assert table.z_score(sex, age_years, printed) == pytest.approx(deviate, abs=5e-5)


@pytest.mark.parametrize(
    ("l", "m", "s", "minus_2_sd"),
    [
        # Shin HK et al., ESPE 2014, KNHANES 2008-2011: boys of 10, 11, 12, girls of 10, 11 years
        (0.068, 0.577, 0.133, 0.441),
        (0.226, 0.630, 0.135, 0.477),
        (0.380, 0.687, 0.136, 0.515),
        (0.560, 0.643, 0.150, 0.463),
        (0.588, 0.710, 0.144, 0.518),
    ],
)
def test_the_published_korean_rows_give_their_own_minus_2_sd(
    l: float,  # noqa: E741 - the field's own letter
    m: float,
    s: float,
    minus_2_sd: float,
) -> None:
    table = one_row(l, m, s)

    assert table.value(Sex.MALE, 10.5, -2.0) == pytest.approx(minus_2_sd, abs=0.001)
    assert table.z_score(Sex.MALE, 10.5, minus_2_sd) == pytest.approx(-2.0, abs=0.015)


@given(
    l=st.floats(-2.5, 2.5) | st.floats(-1e-5, 1e-5),
    m=st.floats(0.1, 200),
    s=st.floats(0.02, 0.3),
    z=st.floats(-4, 4),
)
def test_a_measurement_and_its_z_are_two_names_of_one_thing(
    l: float,  # noqa: E741 - the field's own letter
    m: float,
    s: float,
    z: float,
) -> None:
    assume(1 + l * s * z > 0.05)
    table = one_row(l, m, s)

    value = table.value(Sex.MALE, 10, z)

    assert table.z_score(Sex.MALE, 10, value) == pytest.approx(z, abs=1e-5)


@given(l=st.floats(-2, 2), low=st.floats(0.1, 3), step=st.floats(0.01, 3))
def test_more_of_a_measurement_is_a_higher_z(
    l: float,  # noqa: E741 - the field's own letter
    low: float,
    step: float,
) -> None:
    table = one_row(l, 1.0, 0.1)

    assert table.z_score(Sex.MALE, 10, low) < table.z_score(Sex.MALE, 10, low + step)


@pytest.mark.parametrize("l", [0.0, 1e-7, -1e-7, 2e-6])
def test_l_near_zero_is_the_logarithm(l: float) -> None:  # noqa: E741 - the field's own letter
    table = one_row(l, 2.0, 0.1)

    assert table.z_score(Sex.MALE, 10, 2.0 * 2.718281828**0.1) == pytest.approx(1.0, abs=1e-5)
    assert table.value(Sex.MALE, 10, 1.0) == pytest.approx(2.0 * 2.718281828**0.1, rel=1e-5)


@given(
    value=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    l=st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0]),
)
def test_an_absurd_measurement_has_an_absurd_z_and_is_no_error(
    value: float,
    l: float,  # noqa: E741 - the field's own letter
) -> None:
    z = one_row(l, 10.0, 0.1).z_score(Sex.MALE, 10, value)

    assert (z > 0) == (value > 10.0) or z == pytest.approx(0, abs=1e-6)


@given(
    l=st.floats(-2, 2),
    s=st.floats(0.02, 0.2),
    z=st.sampled_from([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 8.0]),
)
def test_the_modified_z_is_linear_on_either_side_and_equals_z_at_2_sd(
    l: float,  # noqa: E741 - the field's own letter
    s: float,
    z: float,
) -> None:
    table = one_row(l, 10.0, s)
    edge = table.value(Sex.MALE, 10, 2.0 if z >= 0 else -2.0)
    value = 10.0 + abs(z) / 2 * (edge - 10.0)

    assert table.modified_z(Sex.MALE, 10, value) == pytest.approx(z, abs=1e-6)


def test_the_modified_z_goes_on_where_the_z_score_ends() -> None:
    table = one_row(-1.0, 10.0, 0.2)

    assert table.z_score(Sex.MALE, 10, 1e6) < 5.0
    assert table.modified_z(Sex.MALE, 10, 1e6) > 1000


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_measurement_of_nothing_has_no_z(value: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        one_row(1.0, 1.0, 0.1).z_score(Sex.MALE, 10, value)


def test_l_m_and_s_are_linear_between_the_ages() -> None:
    curve = LmsCurve(ages_years=(2, 4, 8), l=(0, 1, 1), m=(10, 20, 40), s=(0.1, 0.2, 0.1))

    assert curve.at(2) == (0, 10, 0.1)
    assert curve.at(3) == pytest.approx((0.5, 15, 0.15))
    assert curve.at(4) == pytest.approx((1, 20, 0.2))
    assert curve.at(7) == pytest.approx((1, 35, 0.125))
    assert curve.at(8) == pytest.approx((1, 40, 0.1))


@pytest.mark.parametrize("age_years", [1.99, 8.01, -1.0, float("nan")])
def test_no_age_off_the_ends_of_a_curve_has_a_value(age_years: float) -> None:
    curve = LmsCurve(ages_years=(2, 8), l=(1, 1), m=(1, 1), s=(1, 1))

    with pytest.raises(OutsideReference, match="covers 2 to 8 years"):
        curve.at(age_years)


def test_a_z_that_the_curve_does_not_reach_has_no_value() -> None:
    with pytest.raises(OutsideReference, match=r"before Z = -11\.0"):
        one_row(1.0, 1.0, 0.1).value(Sex.MALE, 10, -11.0)


def test_a_sex_without_a_curve_is_outside_the_reference() -> None:
    table = one_row(1.0, 1.0, 0.1)

    for ask in (
        lambda: table.z_score(Sex.FEMALE, 10, 1.0),
        lambda: table.value(Sex.FEMALE, 10, 0.0),
        lambda: table.age_range_years(Sex.FEMALE),
    ):
        with pytest.raises(OutsideReference, match="no curve for sex F"):
            ask()


def test_the_age_range_is_that_of_the_sexs_own_curve() -> None:
    assert one_row(1.0, 1.0, 0.1).age_range_years(Sex.MALE) == (0.0, 20.0)


@pytest.mark.parametrize(
    ("ages", "l", "m", "s", "message"),
    [
        ((1,), (1,), (1,), (1,), "two or more"),
        ((1, 2), (1,), (1, 1), (1, 1), "as many"),
        ((1, 2), (1, 1), (1, 1, 1), (1, 1), "as many"),
        ((1, 2), (1, 1), (1, 1), (1,), "as many"),
        ((2, 2), (1, 1), (1, 1), (1, 1), "must rise"),
        ((2, 1), (1, 1), (1, 1), (1, 1), "must rise"),
        ((1, 2), (1, 1), (1, 0), (1, 1), "above 0"),
        ((1, 2), (1, 1), (1, 1), (-1, 1), "above 0"),
    ],
)
def test_a_table_that_can_be_none_is_refused(
    ages: tuple[float, ...],
    l: tuple[float, ...],  # noqa: E741 - the field's own letter
    m: tuple[float, ...],
    s: tuple[float, ...],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        LmsCurve(ages_years=ages, l=l, m=m, s=s)


def test_the_shipped_growth_table_has_the_values_of_its_file() -> None:
    path = Path(__file__).parents[3] / "screener" / "data" / "cdc2000_lms_2to20y.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))

    for row in rows[:: len(rows) // 20]:
        height = GROWTH.height_cm.curves[Sex(row["sex"])].at(float(row["age_months"]) / 12)
        assert height == pytest.approx(
            (float(row["L_height_cm"]), float(row["M_height_cm"]), float(row["S_height_cm"]))
        )


@pytest.mark.parametrize("sex", Sex)
def test_medians_of_the_shipped_references_rise_over_childhood(sex: Sex) -> None:
    demo = load_bmd_reference("synthetic-demo")

    medians = [
        demo.abmd_g_cm2(sex=sex, age_years=age / 4, z_score=0) for age in range(3 * 4, 18 * 4 + 1)
    ]

    assert medians == sorted(medians)
    assert 0.4 < medians[0] < medians[-1] < 1.0
