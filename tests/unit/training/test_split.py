"""Patients dealt out to parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.domain.errors import ConfigurationError
from screener.training.dataset import FilmSet
from screener.training.split import (
    Part,
    SplitShares,
    keep_split,
    rows_by_part,
    split_patients,
)


def test_every_patient_has_one_part_in_its_share(toy_films: FilmSet) -> None:
    shares = SplitShares(training=0.6, validation=0.1, calibration=0.2, test=0.1)

    parts = split_patients(toy_films.pairs, shares, seed=1)

    counts = [sum(part is wanted for part in parts.values()) for wanted in Part]
    assert set(parts) == {pair.patient for pair in toy_films.pairs}
    assert counts == [144, 24, 48, 24]


def test_low_children_are_dealt_out_evenly(toy_films: FilmSet) -> None:
    parts = split_patients(toy_films.pairs, SplitShares(), seed=1)

    rows = rows_by_part(toy_films.pairs, parts)
    low = [float((toy_films.z[rows[part]] <= -2).mean()) for part in Part]
    whole = float((toy_films.z <= -2).mean())
    assert low[0] == pytest.approx(whole, abs=0.02)
    assert low[2] == pytest.approx(whole, abs=0.1)


def test_films_of_one_patient_stay_together(toy_films: FilmSet) -> None:
    pairs = [
        type(pair)(**{f: getattr(pair, f) for f in pair.__slots__ if f != "patient"}, patient=name)
        for name, pair in zip(["a", "b", "c", "d"] * 60, toy_films.pairs, strict=True)
    ]
    shares = SplitShares(training=0.5, validation=0.0, calibration=0.5, test=0.0)

    rows = rows_by_part(pairs, split_patients(pairs, shares, seed=1))

    assert [len(rows[part]) for part in Part] == [120, 0, 120, 0]


def test_split_depends_on_the_seed_and_on_nothing_else(toy_films: FilmSet) -> None:
    first, again, other = (split_patients(toy_films.pairs, SplitShares(), s) for s in (1, 1, 2))
    backwards = split_patients(toy_films.pairs[::-1], SplitShares(), 1)

    assert first == again == backwards
    assert first != other


def test_split_on_disk_is_kept_whatever_the_seed(tmp_path: Path, toy_films: FilmSet) -> None:
    first = keep_split(tmp_path / "split.csv", toy_films.pairs, SplitShares(), 1)

    assert keep_split(tmp_path / "split.csv", toy_films.pairs, SplitShares(), 2) == first


def test_split_of_other_patients_is_refused(tmp_path: Path, toy_films: FilmSet) -> None:
    keep_split(tmp_path / "split.csv", toy_films.pairs, SplitShares(), 1)

    with pytest.raises(ConfigurationError, match="other patients"):
        keep_split(tmp_path / "split.csv", toy_films.pairs[1:], SplitShares(), 1)


@pytest.mark.parametrize("training", [0.7, 0.9, -0.2])
def test_shares_that_do_not_add_up_are_refused(training: float) -> None:
    with pytest.raises(ConfigurationError, match="add up"):
        SplitShares(training=training)
