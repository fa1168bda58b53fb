"""Patients dealt out to parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.training.dataset import FilmSet
from screener.training.manifest import Pair
from screener.training.split import (
    HeldOut,
    Part,
    SplitShares,
    deal_folds,
    keep_split,
    rows_by_part,
    rows_that_teach,
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


def held(films: FilmSet) -> list[Pair]:
    """Return the toys' pairs, a third of them of site E, dated from one to the next."""
    return [
        replace(
            pair,
            site="E" if i % 3 == 0 else "A",
            acquired_on=date(2025, 1, 1) + timedelta(days=i),
        )
        for i, pair in enumerate(films.pairs)
    ]


def test_an_external_site_is_for_the_test_and_nobody_else_is(
    tmp_path: Path, toy_films: FilmSet
) -> None:
    pairs = held(toy_films)

    parts = keep_split(tmp_path / "s.csv", pairs, SplitShares(), 1, HeldOut(sites=("E",)))

    assert {pair.patient for pair in pairs if pair.site == "E"} == {
        patient for patient, part in parts.items() if part is Part.TEST
    }
    assert "external site" in (tmp_path / "s.csv").read_text()
    shares = [sum(p is part for p in parts.values()) / 160 for part in list(Part)[:3]]
    assert shares == pytest.approx([0.833, 0.056, 0.111], abs=0.02)


def test_patients_with_films_from_a_day_on_are_for_the_test(
    tmp_path: Path, toy_films: FilmSet
) -> None:
    pairs = held(toy_films)

    parts = keep_split(
        tmp_path / "s.csv", pairs, SplitShares(), 1, HeldOut(from_day=date(2025, 7, 1))
    )

    assert {parts[pair.patient] for pair in pairs[181:]} == {Part.TEST}
    assert Part.TEST not in {parts[pair.patient] for pair in pairs[:181]}


def test_a_patient_with_one_film_at_the_external_site_is_for_the_test(
    tmp_path: Path, toy_films: FilmSet
) -> None:
    pairs = [replace(pair, patient="same") for pair in held(toy_films)[:2]] + held(toy_films)[2:]

    parts = keep_split(tmp_path / "s.csv", pairs, SplitShares(), 1, HeldOut(sites=("E",)))

    assert parts["same"] is Part.TEST


@pytest.mark.parametrize("sites", [("Z",), ("E", "Z"), ("A", "E")])
def test_a_site_of_nobody_or_of_everybody_is_refused(
    tmp_path: Path, toy_films: FilmSet, sites: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigurationError, match="external site"):
        keep_split(tmp_path / "s.csv", held(toy_films), SplitShares(), 1, HeldOut(sites=sites))


def test_with_folds_everybody_but_the_test_teaches() -> None:
    parts = {Part.TRAINING: [5, 1], Part.VALIDATION: [2], Part.CALIBRATION: [0], Part.TEST: [3, 4]}

    assert rows_that_teach(parts, 1) == [1, 5]
    assert rows_that_teach(parts, 5) == [0, 1, 2, 5]


def test_folds_hold_each_patient_once_and_low_ones_evenly(toy_films: FilmSet) -> None:
    pairs = [replace(pair, patient=f"{i // 2}") for i, pair in enumerate(toy_films.pairs)]

    folds = deal_folds(pairs, range(240), 5, seed=1)

    assert sorted(row for fold in folds for row in fold) == list(range(240))
    patients = [{pairs[row].patient for row in fold} for fold in folds]
    assert sum(map(len, patients)) == 120
    low = [float(np.mean([pairs[row].z <= -2 for row in fold])) for fold in folds]
    assert max(low) - min(low) < 0.15


def test_more_folds_than_patients_are_refused(toy_films: FilmSet) -> None:
    with pytest.raises(ConfigurationError, match="cannot fill"):
        deal_folds(toy_films.pairs, range(3), 5, seed=1)
