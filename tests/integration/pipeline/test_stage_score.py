"""Score: in batches, with leases; no film is lost, none drags others along."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from screener.domain.errors import (
    DeviceUnavailable,
    OutsideReference,
    PredictorMismatch,
    ScreenerError,
)
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction
from screener.domain.retry import WORK_ATTEMPTS
from screener.imaging.preprocess import ModelInput
from screener.storage.tables import ScreeningRow
from tests.support.pipeline_rig import LEASE_S, Crash, Rig, make_film
from tests.support.stub_predictor import HeightPredictor

Items = Sequence[tuple[ModelInput, ClinicalVariables]]


class TouchyPredictor(HeightPredictor):
    """Raises what a test wants, for batches that a test chooses."""

    def __init__(self, raises: Callable[[Items], ScreenerError | Crash | None]) -> None:
        super().__init__()
        self.raises = raises
        self.batches: list[int] = []

    def predict(self, items: Items) -> Sequence[Prediction]:
        self.batches.append(len(items))
        error = self.raises(items)
        if error is not None:
            raise error
        return super().predict(items)


def attempts(rig: Rig, screening_id: int = 1) -> int:
    with rig.services.database.read() as uow:
        return uow.session.get_one(ScreeningRow, screening_id).attempts


def has_small_child(items: Items) -> bool:
    return any((clinical.height_m.value or 9) < 1.2 for _, clinical in items)


def test_films_that_wait_are_scored_in_one_batch(rig: Rig) -> None:
    predictor = TouchyPredictor(lambda _: None)
    rig.change_predictor(predictor)
    rig.send(*(make_film(number) for number in range(1, 12)))
    rig.run("judge")

    claimed = [rig.run("score") for _ in range(3)]

    assert claimed == [8, 3, 0]
    assert predictor.batches == [8, 3]
    assert set(rig.film_states()) == {"SCORED"}


def test_the_attempt_is_counted_before_the_work_begins(rig: Rig) -> None:
    seen: list[int] = []
    rig.change_predictor(TouchyPredictor(lambda _: seen.append(attempts(rig))))
    rig.send(make_film())
    rig.run("judge")

    rig.run("score")

    assert seen == [1]


def test_after_a_lost_lease_a_film_is_claimed_alone(rig: Rig) -> None:
    predictor = TouchyPredictor(lambda _: Crash())
    rig.change_predictor(predictor)
    rig.send(make_film(1), make_film(2), make_film(3))
    rig.run("judge")
    with pytest.raises(Crash):
        rig.run("score")
    predictor.raises = lambda _: None

    while_leased = rig.run("score")
    rig.clock.advance(LEASE_S)
    afterwards = [rig.run("score") for _ in range(4)]

    assert while_leased == 0
    assert afterwards == [1, 1, 1, 0]
    assert predictor.batches == [3, 1, 1, 1]
    assert set(rig.film_states()) == {"SCORED"}


def test_a_film_that_kills_its_worker_every_time_fails_and_takes_no_other_along(rig: Rig) -> None:
    rig.change_predictor(TouchyPredictor(lambda items: Crash() if has_small_child(items) else None))
    rig.send(make_film(1, z=-3), make_film(2, z=0))
    rig.run("judge")

    for _ in range(WORK_ATTEMPTS):
        with pytest.raises(Crash):
            rig.run_until_idle()
        rig.clock.advance(LEASE_S)
    rig.settle()

    assert rig.film_states() == ["FAILED", "SCORED"]
    assert rig.films()[0].error_code == "LEASE_LOST"
    assert rig.study(1).verdict == "NOT_ASSESSED"


def test_a_film_that_the_predictor_does_not_take_is_not_scored_and_the_others_are(
    rig: Rig,
) -> None:
    rig.change_predictor(
        TouchyPredictor(
            lambda items: PredictorMismatch("too small") if has_small_child(items) else None
        )
    )

    rig.screen(make_film(1, z=0), make_film(2, z=-3), make_film(3, z=-0.5))

    assert rig.film_states() == ["SCORED", "NOT_SCORED:PREDICTOR_MISMATCH", "SCORED"]


def test_a_film_that_cannot_be_predicted_fails_and_the_others_are_scored(rig: Rig) -> None:
    rig.change_predictor(
        TouchyPredictor(lambda items: OutsideReference("far") if has_small_child(items) else None)
    )

    rig.screen(make_film(1, z=0), make_film(2, z=-3), make_film(3, z=-0.5))

    assert rig.film_states() == ["SCORED", "FAILED", "SCORED"]
    assert rig.films()[1].error_code == "OUTSIDE_REFERENCE"


def test_a_device_that_is_away_for_hours_costs_no_film(rig: Rig) -> None:
    predictor = TouchyPredictor(lambda _: DeviceUnavailable())
    rig.change_predictor(predictor)
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    for _ in range(60):
        rig.pass_time(300, "score")
    while_away = rig.film_states()
    tried = len(predictor.batches)
    predictor.raises = lambda _: None

    rig.pass_time(3600)

    assert while_away == ["WAITING"]
    assert WORK_ATTEMPTS < tried <= 60
    assert rig.film_states() == ["SCORED"]
    assert rig.study().verdict == "LOW"


def test_one_death_after_many_waits_for_the_device_is_no_reason_to_give_up(rig: Rig) -> None:
    predictor = TouchyPredictor(lambda _: DeviceUnavailable())
    rig.change_predictor(predictor)
    rig.send(make_film())
    for _ in range(3 * WORK_ATTEMPTS):
        rig.pass_time(1000, "judge", "score")
    predictor.raises = lambda _: Crash()
    rig.clock.advance(1000)
    with pytest.raises(Crash):
        rig.run("score")
    predictor.raises = lambda _: None

    rig.pass_time(LEASE_S)

    assert rig.film_states() == ["SCORED"]


def test_a_film_that_fits_another_kind_of_predictor_is_not_scored(rig: Rig) -> None:
    rig.send(make_film())
    rig.run("judge")
    real = HeightPredictor()
    real.identity = type(real.identity)(
        name="real", version="1", checksum="cd" * 32, synthetic=False
    )
    rig.change_predictor(real)

    rig.run("score")

    assert rig.film_states() == ["NOT_SCORED:PREDICTOR_MISMATCH"]
    assert real.films_seen == 0


def test_pixels_that_show_nothing_or_are_cut_short_are_not_scored(rig: Rig) -> None:
    blank = make_film(1)
    blank.PixelData = bytes(len(blank.PixelData))
    cut_short = make_film(2)
    cut_short.PixelData = cut_short.PixelData[:500]

    rig.screen(blank, cut_short)

    assert rig.film_states() == ["NOT_SCORED:BLANK_FILM", "NOT_SCORED:TRUNCATED_PIXELS"]


def test_a_worker_that_was_too_slow_changes_nothing(rig: Rig) -> None:
    def while_slow(_: Items) -> None:
        rig.change_predictor(HeightPredictor())
        rig.clock.advance(LEASE_S)
        rig.run("score")

    rig.change_predictor(TouchyPredictor(while_slow))
    rig.send(make_film())
    rig.run("judge")
    slow = rig.stages()["score"]

    slow()

    [film] = rig.films()
    assert film.state.value == "SCORED"
    assert attempts(rig) == 0
