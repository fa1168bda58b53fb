"""The table that calibration and evaluation read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.training.predictions import RAW_COLUMNS, joined, read_table, write_table
from tests.unit.training.tables import make_table


def test_a_table_comes_back_from_disk(tmp_path: Path) -> None:
    table = make_table(20)
    table = dataclasses.replace(table, on_spine=np.linspace(0, 1, 20))

    write_table(tmp_path / "predictions.csv", table)
    read = read_table(tmp_path / "predictions.csv")

    assert (read.path, read.patient, read.sexes) == (table.path, table.patient, table.sexes)
    for name in RAW_COLUMNS:
        assert read.raw_z[name] == pytest.approx(table.raw_z[name], abs=1e-5)
    assert read.on_spine == pytest.approx(table.on_spine, abs=1e-5)
    assert np.isnan(read.spine_area).all()
    assert read.height_known.all()


def test_rows_are_taken_in_the_order_given() -> None:
    table = make_table(5)

    taken = table.take([3, 1])

    assert taken.path == ("3.dcm", "1.dcm")
    assert taken.raw_z["height"].tolist() == table.raw_z["height"][[3, 1]].tolist()


def test_tables_are_joined_below_one_another() -> None:
    first, second = make_table(3), make_table(2, seed=1)

    both = joined([first, second])

    assert len(both) == 5
    assert both.z.tolist() == [*first.z, *second.z]
    assert both.raw_z["none"].tolist() == [*first.raw_z["none"], *second.raw_z["none"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it has no rows"),
        ("path,patient\na.dcm,b\n", "columns missing"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "predictions.csv"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigurationError, match=said):
        read_table(file)


def test_a_word_for_a_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "predictions.csv"
    write_table(file, make_table(2))
    file.write_text(file.read_text().replace(",1,1,", ",x,1,"))

    with pytest.raises(ConfigurationError, match=r"predictions\.csv"):
        read_table(file)
