"""Many films asked about once, under every pattern of missing variables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from screener.predictor.architecture import ScreenerNet
from screener.training.asking import describe_films, predict_table
from screener.training.dataset import FilmSet
from screener.training.features import pooled_features, raw_z
from tests.unit.training.test_arms import with_spines

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def network() -> ScreenerNet:
    torch.manual_seed(0)
    network = ScreenerNet(widen_factor=1 / 16).eval()
    with torch.no_grad():
        for module in network.trunk.modules():
            last_norm = getattr(module, "bn3", None)
            if last_norm is not None:
                torch.nn.init.ones_(last_norm.weight)
    return network


def test_answers_are_those_of_the_network_under_each_pattern(
    network: ScreenerNet, toy_films: FilmSet
) -> None:
    rows = list(range(20, 40))

    table = predict_table(network, toy_films, rows, device="cpu", console=QUIET)

    pooled = pooled_features(network, toy_films, rows, device="cpu")
    for name, missing in (("none", ()), ("height and weight", ("height", "weight"))):
        expected = raw_z(network.head, pooled, toy_films.clinical[rows], missing)
        assert table.raw_z[name] == pytest.approx(expected, abs=1e-4)
    assert table.raw_z["none"].tolist() != table.raw_z["height"].tolist()
    assert table.z.tolist() == [toy_films.pairs[row].z for row in rows]
    assert table.path[0] == "20.dcm"
    assert table.height_known.all()
    assert np.isfinite(table.height_z).all()
    assert np.isnan(table.on_spine).all()


def test_where_the_attention_lies_is_told_where_the_spine_is_known(
    network: ScreenerNet, toy_films: FilmSet
) -> None:
    table = predict_table(network, with_spines(toy_films), [0, 1], device="cpu", console=QUIET)

    # the mask is the middle half of the toys
    assert table.spine_area == pytest.approx([0.5, 0.5], abs=0.02)
    assert ((table.on_spine >= 0) & (table.on_spine <= 1)).all()


def test_films_are_called_as_the_manifest_calls_them(toy_films: FilmSet) -> None:
    pairs = tuple(replace(pair, listed=f"2025/{pair.path.name}") for pair in toy_films.pairs)

    table = describe_films(replace(toy_films, pairs=pairs), [4], raw_z={})

    assert table.path == ("2025/4.dcm",)


def test_a_height_that_is_not_known_has_no_z(toy_films: FilmSet) -> None:
    clinical = toy_films.clinical.copy()
    clinical[0, 5] = 0.0
    films = type(toy_films)(
        **{f: getattr(toy_films, f) for f in toy_films.__slots__ if f != "clinical"},
        clinical=clinical,
    )

    table = describe_films(films, [0, 1], raw_z={})

    assert table.height_known.tolist() == [False, True]
