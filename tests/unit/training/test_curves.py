"""How a run went, as a line, a table and a picture."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from screener.training.curves import Epoch, write_history

WATCHED = Epoch(number=1, side_px=160, seconds=12.0, loss=0.5, r_z=0.8, mae_z=0.7, r_z_no_size=0.75)
UNWATCHED = replace(WATCHED, r_z=math.nan, mae_z=math.nan, r_z_no_size=math.nan)


def test_a_line_says_what_validation_says_and_that_films_are_synthetic() -> None:
    line = WATCHED.line(20, synthetic=True)

    assert line.startswith("epoch 1/20  160 px  12 s  loss 0.5000  validation r(Z) 0.800")
    assert line.endswith("MAE 0.70 Z (synthetic)")
    assert "synthetic" not in WATCHED.line(20, synthetic=False)


def test_where_nothing_is_validated_the_line_says_nothing_of_it() -> None:
    assert UNWATCHED.line(2, synthetic=False) == "epoch 1/2  160 px  12 s  loss 0.5000"


@pytest.mark.parametrize("epoch", [WATCHED, UNWATCHED])
def test_the_table_holds_every_epoch_and_the_picture_is_drawn(tmp_path: Path, epoch: Epoch) -> None:
    history = [replace(epoch, number=n, side_px=160 if n < 3 else 320) for n in range(1, 6)]

    write_history(tmp_path, history, synthetic=True)

    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[4]["side_px"] == "320"
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture is not None
    height, width = picture.shape[:2]
    # three panels, or the loss alone
    assert height == width if epoch is WATCHED else height < width / 2
