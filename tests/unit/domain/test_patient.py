from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from screener.domain.patient import Absence, Measurement, Source, age_years
from tests.unit.domain.values import clinical


@pytest.mark.parametrize(
    ("born_on", "on", "age"),
    [
        (date(2010, 5, 17), date(2010, 5, 17), 0.0),
        (date(2010, 5, 17), date(2028, 5, 17), 18.0),
        (date(2010, 5, 17), date(2028, 5, 16), 17 + 365 / 366),
        (date(2010, 5, 17), date(2028, 5, 18), 18 + 1 / 365),
        (date(2010, 1, 1), date(2010, 12, 31), 364 / 365),
        # born on 29 February: the birthday is kept on 1 March where there is none
        (date(2008, 2, 29), date(2026, 2, 28), 17 + 364 / 365),
        (date(2008, 2, 29), date(2026, 3, 1), 18.0),
        (date(2008, 2, 29), date(2012, 2, 28), 3 + 364 / 365),
        (date(2008, 2, 29), date(2012, 2, 29), 4.0),
        (date(2008, 2, 29), date(2008, 2, 29), 0.0),
        # a date that is sent for "unknown", at the end of the calendar
        (date(2010, 5, 17), date(9999, 12, 31), 7989.0),
    ],
)
def test_age_counts_birthdays(born_on: date, on: date, age: float) -> None:
    assert age_years(born_on, on) == pytest.approx(age, abs=1e-12)


@given(born_on=st.dates(), days=st.integers(0, 40_000))
@example(born_on=date(9990, 12, 31), days=3652)
def test_age_grows_day_by_day_and_is_whole_on_birthdays(born_on: date, days: int) -> None:
    on = min(date.max.toordinal(), born_on.toordinal() + days)
    age = age_years(born_on, date.fromordinal(on))

    assert age == pytest.approx((on - born_on.toordinal()) / 365.2425, abs=1.01)
    if on > born_on.toordinal():
        assert age_years(born_on, date.fromordinal(on - 1)) <= age
    if (born_on.month, born_on.day) != (2, 29) and born_on.year < 9980:
        assert age_years(born_on, born_on.replace(year=born_on.year + 18)) == 18.0
        eve = born_on.replace(year=born_on.year + 18) - timedelta(days=1)
        assert age_years(born_on, eve) < 18.0


def test_a_film_older_than_the_child_has_no_age() -> None:
    with pytest.raises(ValueError, match="older than the child"):
        age_years(date(2020, 1, 2), date(2020, 1, 1))


@pytest.mark.parametrize(
    ("value", "source", "absence"),
    [
        (None, None, None),
        (1.4, None, None),
        (1.4, Source.HEADER, Absence.ZERO),
        (1.4, None, Absence.ZERO),
        (None, Source.HEADER, Absence.ZERO),
        (None, Source.HEADER, None),
    ],
)
def test_a_measurement_is_a_value_with_its_source_or_an_absence(
    value: float | None, source: Source | None, absence: Absence | None
) -> None:
    with pytest.raises(ValueError, match="a value and a source, or an absence"):
        Measurement(value=value, source=source, absence=absence)


def test_missing_variables_are_named_in_a_fixed_order() -> None:
    absent = Measurement(value=None, absence=Absence.NOT_GIVEN)

    assert clinical().missing == ()
    assert clinical(weight_kg=absent).missing == ("weight",)
    assert clinical(weight_kg=absent, height_m=absent).missing == ("height", "weight")
