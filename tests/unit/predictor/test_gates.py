"""Films that must not be estimated, and attention that lies off the spine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from screener.domain.errors import PredictorMismatch
from screener.domain.prediction import Abstention, Prediction
from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import GATES_FILE
from screener.predictor.gates import (
    PROBES,
    clipped_share,
    described,
    described_width,
    exposed_cells,
    first_reason,
    share_within,
)
from screener.predictor.predict import TorchPredictor
from tests.unit.predictor.conftest import CHANNELS, DESCRIBED, make_gate, make_gates, write_full

Predict = Callable[..., TorchPredictor]


@pytest.fixture
def predictor_with(tmp_path: Path, network: ScreenerNet) -> Predict:
    def made(**changes: torch.Tensor) -> TorchPredictor:
        return TorchPredictor.load(write_full(tmp_path / "full", network, make_gates(**changes)))

    return made


def one(predictor: TorchPredictor, film: Any, child: Any) -> Prediction | Abstention:
    (said,) = predictor.predict([(film, child)])
    return said


def test_a_film_that_passes_every_gate_is_estimated(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    assert isinstance(one(predictor_with(), film(), child()), Prediction)


def test_a_film_above_a_gates_limit_is_turned_away_with_its_reason(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    bias = torch.full((len(PROBES),), -10.0)
    bias[PROBES.index(NotScoredReason.HARDWARE_OVER_SPINE)] = 1.0

    said = one(predictor_with(probe_bias=bias), film(), child())

    assert said == Abstention(reason=NotScoredReason.HARDWARE_OVER_SPINE)


def test_a_gate_that_the_card_does_not_name_turns_nobody_away(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    bias = torch.full((len(PROBES),), -10.0)
    bias[PROBES.index(NotScoredReason.BRACE_OR_CAST)] = 100.0

    assert isinstance(one(predictor_with(probe_bias=bias), film(), child()), Prediction)


def test_films_far_from_those_of_training_are_unlike_them() -> None:
    gates = make_gates()
    near, far = torch.randn(4, DESCRIBED), 100 * torch.randn(4, DESCRIBED)

    assert bool((gates.distance(near) < 2).all())
    assert bool((gates.distance(far) > 20).all())


def test_distance_counts_each_direction_by_its_own_spread() -> None:
    gates = make_gates(component_variance=torch.tensor([100.0, 1.0]))
    along, across = torch.zeros(1, DESCRIBED), torch.zeros(1, DESCRIBED)
    along[0, 0], across[0, 1] = 10.0, 10.0

    assert gates.distance(across) > 5 * gates.distance(along)


def test_the_first_gate_in_the_cards_order_gives_the_reason() -> None:
    gates = [make_gate("BRACE_OR_CAST", 0.0), make_gate("HARDWARE_OVER_SPINE", 0.0)]
    statistics = {
        NotScoredReason.HARDWARE_OVER_SPINE: torch.tensor([5.0, 1.0, -1.0]),
        NotScoredReason.BRACE_OR_CAST: torch.tensor([1.0, -1.0, 0.0]),
    }

    assert first_reason(statistics, gates) == [
        NotScoredReason.BRACE_OR_CAST,
        NotScoredReason.HARDWARE_OVER_SPINE,
        None,
    ]


def test_clipped_pixels_are_counted_within_the_film() -> None:
    films = torch.full((2, 1, 4, 4), 0.5)
    films[:, :, :2] = 0.0
    films[1, 0, 2] = 1.0

    assert clipped_share(films).tolist() == [0.0, 0.5]


def test_clipped_pixels_count_alike_on_a_node_and_in_training() -> None:
    """Training keeps greys as 16-bit numbers; a node has what is a thousandth of a step above 0."""
    films = torch.rand(1, 1, 8, 8)
    films[0, 0, :4] = 1e-8
    kept = (films * 65535).round() / 65535

    assert clipped_share(films).item() == clipped_share(kept).item()
    assert torch.equal(exposed_cells(films, 2, 2), exposed_cells(kept, 2, 2))


def test_a_described_film_has_means_and_maxima_of_its_nine_parts() -> None:
    maps = torch.zeros(1, 2, 6, 6)
    maps[0, 0, 0, 1], maps[0, 1, 5, 5] = 4.0, 8.0

    means, maxima = described(maps).reshape(2, 2, 3, 3)

    assert (means[0, 0, 0].item(), means[1, 2, 2].item()) == (1.0, 2.0)
    assert (maxima[0, 0, 0].item(), maxima[1, 2, 2].item()) == (4.0, 8.0)
    assert int((means > 0).sum()) == int((maxima > 0).sum()) == 2


def test_a_network_describes_films_as_wide_as_it_says(network: ScreenerNet) -> None:
    with torch.inference_mode():
        maps = network.maps(torch.rand(2, 1, 64, 64))

    assert described(maps.early).shape == (2, described_width(maps.last.shape[1]))


def test_attention_within_a_region_is_held_against_its_area() -> None:
    attention = torch.tensor([[[0.0, 3.0], [0.0, 1.0]]])
    region = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])
    exposed = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])

    share, area = share_within(attention, region, exposed)

    assert share.item() == pytest.approx(0.75)
    assert area.item() == pytest.approx(1 / 3)


def test_cells_are_film_or_padding() -> None:
    films = torch.zeros(1, 1, 4, 4)
    films[..., :2] = 0.3

    assert exposed_cells(films, 2, 2).tolist() == [[[1.0, 0.0], [1.0, 0.0]]]


def test_attention_spread_as_the_spine_is_shown(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    said = one(predictor_with(spine_bias=torch.tensor(3.0)), film(), child())

    assert isinstance(said, Prediction)
    assert said.spine is not None
    assert said.spine.attention == pytest.approx(said.spine.area, rel=0.01)


def test_attention_off_the_spine_is_not_shown(
    predictor_with: Predict, film: Any, child: Any, network: ScreenerNet
) -> None:
    asked = film()
    shown = one(predictor_with(), asked, child())
    assert isinstance(shown, Prediction)
    assert shown.attention is not None
    with torch.inference_mode():
        features = network.half().float().features(torch.from_numpy(asked.pixels)[None, None])
    cells = features[0].flatten(1).T
    heat = torch.tensor(shown.attention.values)
    # a spine where the attention is least: away from the hottest cells in feature space
    away = cells[heat.argmin()] - (cells * heat[:, None]).sum(0) / heat.sum()
    weight = 50 * away / away.norm() ** 2
    bias = -float(weight @ (cells[heat.argmin()] - 0.1 * away))

    said = one(predictor_with(spine_weight=weight, spine_bias=torch.tensor(bias)), asked, child())

    assert isinstance(said, Prediction)
    assert said.spine is not None
    assert said.spine.attention < said.spine.area
    assert said.attention is None
    assert said.attention_withheld


def test_a_finder_that_was_taught_nothing_says_nothing(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    said = one(predictor_with(spine_weight=torch.zeros(CHANNELS)), film(), child())

    assert isinstance(said, Prediction)
    assert said.spine is None
    assert said.attention is not None


def test_a_changed_byte_of_the_gates_is_refused(predictor_with: Predict, tmp_path: Path) -> None:
    predictor_with()
    file = tmp_path / "full" / GATES_FILE
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))

    with pytest.raises(PredictorMismatch, match=GATES_FILE.replace(".", r"\.")):
        TorchPredictor.load(tmp_path / "full")


def test_gates_of_another_network_are_refused(predictor_with: Predict) -> None:
    with pytest.raises(PredictorMismatch, match="do not fit"):
        predictor_with(centre=torch.zeros(6))


def test_gates_of_an_earlier_release_look_at_the_last_map_as_they_did(
    predictor_with: Predict, film: Any, child: Any, network: ScreenerNet
) -> None:
    """A node keeps the predictor that it has in force, also with gates that were taught before."""
    asked, reason = film(), NotScoredReason.HARDWARE_OVER_SPINE
    with torch.inference_mode():
        last = network.half().float().features(torch.from_numpy(asked.pixels)[None, None])
    weight = torch.zeros(len(PROBES), 2 * CHANNELS)
    weight[PROBES.index(reason), 1] = 1.0
    weight[PROBES.index(reason), CHANNELS + 1] = 1.0
    # mean and maximum of the second channel add up to just above the limit of 0, or just below
    sum_of_both = float(last[0, 1].mean() + last[0, 1].max())
    earlier = {
        "centre": torch.zeros(2 * CHANNELS),
        "scale": torch.ones(2 * CHANNELS),
        "probe_weight": weight,
        "component": torch.eye(2, 2 * CHANNELS),
    }

    def said(bias: float) -> Prediction | Abstention:
        predictor = predictor_with(probe_bias=torch.full((len(PROBES),), bias), **earlier)
        return one(predictor, asked, child())

    assert said(0.001 - sum_of_both) == Abstention(reason=reason)
    assert isinstance(said(-0.001 - sum_of_both), Prediction)


def test_the_estimate_carries_threshold_probability_and_distribution(
    predictor_with: Predict, film: Any, child: Any
) -> None:
    said = one(predictor_with(), film(), child())

    assert isinstance(said, Prediction)
    assert said.decision is not None
    assert (said.decision.z, said.decision.chosen_for) == (-1.4, "85 % sensitivity")
    assert said.low_probability is not None
    assert 0 < said.low_probability.value < 1
    assert said.distribution is not None
    assert said.distribution.abmd_g_cm2[1] == pytest.approx(said.abmd_g_cm2)
