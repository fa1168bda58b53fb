"""What films teach the gates, and how often each gate is wrong on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import ScreenerNet
from screener.predictor.gates import Gates
from screener.training.dataset import FilmSet, RefusedFilms
from screener.training.gates import Array, Seen, learn, learn_gates, nothing_found
from tests.unit.training.test_arms import with_spines

CHANNELS = 16


def seen(count: int, seed: int, shift: dict[int, float] | None = None) -> Seen:
    """Return films whose features are noise, moved along some of them."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 2 * CHANNELS)).astype(np.float32)
    for column, by in (shift or {}).items():
        features[:, column] += by
    return Seen(
        features=features,
        clipped=rng.uniform(0, 0.02, count).astype(np.float32),
        clipped_if_clipped=rng.uniform(0.2, 0.4, count).astype(np.float32),
    )


IN_RANGE = seen(800, 0)
REFUSED = {
    "rods": seen(80, 1, {3: 6.0}),
    "brace": seen(80, 2, {5: 6.0}),
    "lateral": seen(80, 3, {7: 9.0, 8: -9.0}),
}


@pytest.fixture(scope="module")
def learnt() -> Gates:
    return learn_gates(IN_RANGE, REFUSED, spine=nothing_found(CHANNELS))[0]


def test_each_gate_says_how_often_it_is_wrong_and_what_it_sees() -> None:
    _, facts = learn_gates(IN_RANGE, REFUSED, spine=nothing_found(CHANNELS))

    by_reason = {gate.reason: gate for gate in facts}
    rods = by_reason["HARDWARE_OVER_SPINE"]
    assert rods.detected["rods"].value > 0.9
    assert rods.detected["rods"].n == 40
    assert rods.false_rejection.value < 0.03
    assert rods.false_rejection.n == 400
    assert not rods.proven_on_patients
    assert by_reason["CLIPPED_FILM"].detected["window_too_narrow"].value == 1.0


def test_films_of_one_child_do_not_both_teach_and_judge() -> None:
    _, facts = learn_gates(
        IN_RANGE,
        REFUSED,
        spine=nothing_found(CHANNELS),
        children=["one"] * 500 + [f"{i}" for i in range(300)],
    )

    # 150 of the 301 children judge; the one who has 500 films is among them, or is not
    assert facts[0].false_rejection.n in {150, 149 + 500}


def test_films_that_are_mislabelled_do_not_open_a_gate() -> None:
    """Films with rods that a manifest calls in range are the furthest of all in range."""
    features = IN_RANGE.features.copy()
    features[::80, 3] += 6.0

    _, facts = learn_gates(
        replace(IN_RANGE, features=features),
        REFUSED,
        spine=nothing_found(CHANNELS),
    )

    rods = next(gate for gate in facts if gate.reason == "HARDWARE_OVER_SPINE")
    assert rods.detected["rods"].value > 0.9
    assert 0.005 <= rods.false_rejection.value < 0.03


def test_gates_of_kinds_that_were_not_shown_are_not_there() -> None:
    _, facts = learn_gates(IN_RANGE, {"rods": REFUSED["rods"]}, spine=nothing_found(CHANNELS))

    reasons = [gate.reason for gate in facts]
    assert reasons == ["HARDWARE_OVER_SPINE", "CLIPPED_FILM", "UNLIKE_TRAINING"]


@pytest.mark.parametrize(
    ("in_range", "rods", "proven"),
    [
        (0, 0, []),
        (800, 0, ["CLIPPED_FILM"]),
        (800, 19, ["CLIPPED_FILM"]),
        (800, 20, ["HARDWARE_OVER_SPINE", "CLIPPED_FILM", "UNLIKE_TRAINING"]),
    ],
)
def test_a_gate_is_proven_by_patients_films_that_it_is_to_turn_away(
    in_range: int, rods: int, proven: list[str]
) -> None:
    """A hospital's own pairs with a phantom's rods prove nothing about rods in a patient."""
    _, facts = learn_gates(
        replace(IN_RANGE, of_patients=in_range),
        REFUSED | {"rods": replace(REFUSED["rods"], of_patients=rods)},
        spine=nothing_found(CHANNELS),
    )

    assert [gate.reason for gate in facts if gate.proven_on_patients] == proven


def test_gates_ask_in_the_order_of_what_a_film_is() -> None:
    _, facts = learn_gates(IN_RANGE, REFUSED, spine=nothing_found(CHANNELS))

    assert [gate.reason for gate in facts] == [
        "NOT_FRONTAL_CHEST",
        "HARDWARE_OVER_SPINE",
        "BRACE_OR_CAST",
        "CLIPPED_FILM",
        "UNLIKE_TRAINING",
    ]


def test_what_was_learnt_tells_new_films_apart(learnt: Gates) -> None:
    def logits(films: Seen, reason: NotScoredReason) -> Array:
        standard = (torch.from_numpy(films.features) - learnt.centre) / learnt.scale
        place = ("NOT_FRONTAL_CHEST", "", "HARDWARE_OVER_SPINE").index(reason.value)
        weights, bias = learnt.probe_weight[place], learnt.probe_bias[place]
        return np.asarray((standard @ weights + bias).numpy())

    new, rods = seen(200, 10), seen(200, 11, {3: 6.0})
    reason = NotScoredReason.HARDWARE_OVER_SPINE
    assert logits(rods, reason).min() > np.median(logits(new, reason))
    assert (logits(rods, reason) > logits(new, reason).max()).mean() > 0.9


def test_a_film_unlike_any_is_far_away(learnt: Gates) -> None:
    def distance(films: Seen) -> Array:
        standard = (torch.from_numpy(films.features) - learnt.centre) / learnt.scale
        return learnt.distance(standard).numpy()

    assert np.median(distance(seen(100, 12))) == pytest.approx(1.0, abs=0.2)
    assert distance(seen(100, 13, dict.fromkeys(range(32), 8.0))).min() > 3


def test_a_network_learns_its_gates_and_where_the_spine_is(toy_films: FilmSet) -> None:
    torch.manual_seed(0)
    network = ScreenerNet(widen_factor=1 / 16).eval()
    films = with_spines(toy_films)
    assert films.spines is not None
    films.spines[:, :, 8:] = 0
    # another kind of film: bright where the toys are dark
    turned = (65535 - films.array[:60]).copy()

    learnt = learn(
        network,
        films,
        {"lateral": RefusedFilms(array=turned, of_patients=0)},
        device="cpu",
        console=Console(quiet=True),
    )

    assert learnt.gates.finds_spine
    assert learnt.attention is not None
    assert learnt.attention.films == 120
    lateral = next(g for g in learnt.facts if g.reason == "NOT_FRONTAL_CHEST")
    assert lateral.detected["lateral"].value > 0.9
    assert not lateral.proven_on_patients


def test_without_masks_nobody_is_told_where_the_spine_is(toy_films: FilmSet) -> None:
    network = ScreenerNet(widen_factor=1 / 16).eval()
    films = replace(toy_films)

    learnt = learn(network, films, {}, device="cpu", console=Console(quiet=True))

    assert learnt.attention is None
    assert not learnt.gates.finds_spine
