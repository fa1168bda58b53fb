"""How far film and DXA lie apart, and which DXA a film takes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from screener.domain.errors import PermanentError
from screener.training.pairing import days_apart, film_day, nearest
from tests.unit.training.conftest import write_toy_film


@pytest.mark.parametrize(
    ("acquired_on", "dxa_on", "days"),
    [
        (date(2025, 2, 27), date(2025, 3, 1), 2),
        (date(2025, 3, 1), date(2025, 2, 27), 2),
        (date(2025, 3, 1), date(2025, 3, 1), 0),
        (None, date(2025, 3, 1), None),
        (date(2025, 3, 1), None, None),
    ],
)
def test_days_are_counted_either_way(
    acquired_on: date | None, dxa_on: date | None, days: int | None
) -> None:
    assert days_apart(acquired_on, dxa_on) == days


@pytest.mark.parametrize(
    ("apart", "taken"),
    [([40, 3, 9], 1), ([5, 5], 0), ([None, 80], 1), ([None, None], 0), ([None, 0, None], 1)],
)
def test_the_nearest_dxa_is_taken_and_a_dated_one_before_one_without_a_day(
    apart: list[int | None], taken: int
) -> None:
    assert nearest(apart) == taken


def test_a_films_day_is_read_from_its_header(tmp_path: Path) -> None:
    write_toy_film(tmp_path / "dated.dcm", np.zeros((8, 8)), "20250614")
    write_toy_film(tmp_path / "undated.dcm", np.zeros((8, 8)))

    assert film_day(tmp_path / "dated.dcm") == date(2025, 6, 14)
    assert film_day(tmp_path / "undated.dcm") is None


def test_what_is_no_film_has_no_day(tmp_path: Path) -> None:
    (tmp_path / "none.dcm").write_bytes(b"no film")

    with pytest.raises(PermanentError):
        film_day(tmp_path / "none.dcm")
