"""The check input that every predictor is tried with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from screener.domain.errors import PredictorMismatch
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import write_card
from screener.predictor.checkpoint import save_weights
from screener.predictor.trial import check_input, try_predictor
from tests.unit.predictor.conftest import make_card, make_network


def test_the_same_files_give_the_same_number(folder: Path) -> None:
    first, second = try_predictor(folder), try_predictor(folder)

    assert first == second
    assert first.z == pytest.approx(-0.2 + 1.1 * first.raw_z)


def test_other_weights_give_another_number(folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "other"
    write_card(written, make_card(save_weights(written, make_network(seed=5))))

    assert try_predictor(written).raw_z != try_predictor(folder).raw_z


def test_the_check_input_has_the_form_that_the_network_takes() -> None:
    film, clinical = check_input(make_card())

    assert film.shape == (1, 1, 64, 64)
    assert {film.dtype, clinical.dtype} == {np.dtype(np.float32)}
    assert film.min() == pytest.approx(0.25, abs=0.01)
    assert film.max() == pytest.approx(0.75, abs=0.01)
    assert clinical[0] == pytest.approx([10.5, 0, 1.4, 33, np.log(1.2), 1, 1])


def test_a_network_that_says_no_number_is_found(network: ScreenerNet, tmp_path: Path) -> None:
    with torch.no_grad():
        # finite in the file, and too large once they are multiplied
        network.head.z_sd.fill_(3e38)
        network.head.answer.weight.mul_(100)
    written = tmp_path / "broken"
    write_card(written, make_card(save_weights(written, network)))

    with pytest.raises(PredictorMismatch, match="which is no Z"):
        try_predictor(written)


def test_weights_of_another_network_are_found(folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "mixed"
    wide = ScreenerNet(widen_factor=1 / 8)
    card = make_card(save_weights(written, wide))
    write_card(written, dataclasses.replace(card))

    with pytest.raises(PredictorMismatch, match="do not fit the card's network"):
        try_predictor(written)
