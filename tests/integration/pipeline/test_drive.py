"""The embedded driver: runs what is due, whatever one stage does, until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from screener.domain.errors import DatabaseUnavailable
from screener.domain.stage import Role, StageName
from screener.pipeline.drive import Stage, delivery_stages, drive, intake_stages, scoring_stages
from screener.pipeline.life import Life
from screener.storage.processes import ProcessSign
from tests.support.pipeline_rig import Rig, make_film
from tests.support.servers import await_condition


@contextmanager
def driven(*stages: Stage) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=drive, args=(stages,), kwargs={"poll_s": 0.01, "stop": stop})
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def counting(done: int = 0) -> tuple[list[float], Callable[[], int]]:
    ran: list[float] = []

    def run() -> int:
        ran.append(time.monotonic())
        return done

    return ran, run


def test_it_stops_on_its_event_even_while_there_is_work() -> None:
    ran, run = counting(done=1)

    with driven(Stage(name=StageName.JUDGE, run=run)) as stop:
        await_condition(lambda: len(ran) > 3)
        stop.set()

    assert len(ran) > 3


def test_it_does_not_start_another_stage_after_it_was_told_to_stop() -> None:
    stop = threading.Event()
    ran, run = counting()

    def stop_now() -> int:
        stop.set()
        return 1

    drive(
        [Stage(name=StageName.JUDGE, run=stop_now), Stage(name=StageName.REPORT, run=run)],
        poll_s=1,
        stop=stop,
    )

    assert ran == []


@pytest.mark.parametrize("error", [RuntimeError("a bug"), DatabaseUnavailable()])
def test_a_stage_that_raises_does_not_stop_the_others_and_is_left_alone_for_a_while(
    error: Exception,
) -> None:
    raised: list[float] = []
    ran, run = counting()

    def broken() -> int:
        raised.append(time.monotonic())
        raise error

    with driven(Stage(name=StageName.JUDGE, run=broken), Stage(name=StageName.REPORT, run=run)):
        await_condition(lambda: len(ran) > 10)

    assert len(raised) == 1


def test_a_stage_with_a_period_of_its_own_is_not_run_more_often() -> None:
    ran, run = counting()
    rare, run_rarely = counting()

    with driven(
        Stage(name=StageName.JUDGE, run=run),
        Stage(name=StageName.RECOVER, run=run_rarely, every_s=3600.0),
    ):
        await_condition(lambda: len(ran) > 10)

    assert len(rare) == 1


def test_the_stages_of_the_product_take_a_film_to_its_commitment(rig: Rig) -> None:
    rig.change_rules(settle_s=0.0)
    services = rig.services
    rig.send(make_film(z=-3))

    with (
        driven(*intake_stages(services)),
        driven(*scoring_stages(services, rig.predictor)),
        driven(*delivery_stages(services, "pacs")),
    ):
        await_condition(lambda: rig.study().report_state == "COMMITTED", 30)

    assert len(rig.archive.kept) == 3


@pytest.fixture
def life(rig: Rig) -> Life:
    return Life(rig.services, Role.INTAKE, slots=2, facts={"predictor": "stub"})


def signs_of(rig: Rig) -> list[ProcessSign]:
    with rig.services.database.read() as uow:
        return uow.processes.all()


def test_a_process_says_that_it_is_alive_until_it_stops_in_order(rig: Rig, life: Life) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=life.keep, args=(stop,))

    thread.start()
    try:
        await_condition(lambda: signs_of(rig))
        (sign,) = signs_of(rig)
    finally:
        stop.set()
        thread.join(10)

    assert (sign.process.role, sign.slots, sign.facts) == ("intake", 2, {"predictor": "stub"})
    assert sign.worked_at is None
    assert signs_of(rig) == []


def test_a_process_says_when_it_has_worked(rig: Rig, life: Life) -> None:
    life.begin()

    rig.clock.advance(7)
    life.worked()

    (sign,) = signs_of(rig)
    assert sign.worked_at == sign.alive_at + timedelta(seconds=7)


def test_a_process_that_starts_again_under_its_old_number_begins_anew(rig: Rig, life: Life) -> None:
    life.begin()
    life.worked()
    rig.clock.advance(60)

    Life(rig.services, Role.INTAKE).begin()

    (sign,) = signs_of(rig)
    assert (sign.started_at, sign.worked_at) == (rig.clock.now, None)


def test_processes_that_are_long_gone_are_forgotten(rig: Rig, life: Life) -> None:
    life.begin()
    rig.clock.advance(3601)

    Life(rig.services, Role.INTAKE, pid=1).begin()

    assert [sign.process.pid for sign in signs_of(rig)] == [1]
