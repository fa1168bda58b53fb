"""Redis flushed, killed, stopped: a worker takes nudges again, a nudger sends them again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
from celery import Celery

from screener.config import DriveSettings
from screener.domain.stage import Role, StageName
from screener.pipeline.due import Standing
from tests.support.celery_driver import CeleryDriver, consuming
from tests.support.pipeline_rig import Rig
from tests.support.servers import RedisServer, await_condition
from workers.nudge import Nudger
from workers.queues import QueueName, declared
from workers.tasks import register
from workers.workplace import Workplace

DUE = Standing(due=frozenset({StageName.SCORE}), slots={Role.SCORING: 1})


class Counting:
    """A workplace that counts what it is asked to run, and holds on while a test wants it to."""

    names = (StageName.SCORE,)

    def __init__(self) -> None:
        self.ran = self.ended = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def run(self, _: StageName) -> int:
        self.ran += 1
        assert self.may_end.wait(60)
        self.ended += 1
        return 1


@pytest.fixture
def workplace(app: Celery) -> Iterator[Counting]:
    """Return the workplace of a worker that runs."""
    counting = Counting()
    register(app, cast("Workplace", counting), DriveSettings())
    with consuming(app, QueueName.GPU):
        yield counting
        counting.may_end.set()


def nudged_until_it_works(nudger: Nudger, workplace: Counting) -> None:
    """Nudge as the relay does, until the worker runs a stage anew."""
    before = workplace.ran

    def runs() -> bool:
        nudger.nudge(DUE)
        return workplace.ran > before

    await_condition(runs, 60, "a stage run by a nudge")


def waiting(app: Celery) -> int:
    """Return how many nudges no worker has taken yet."""
    with app.connection_for_read() as connection:
        queue = declared(QueueName.GPU)(connection.default_channel)
        return int(queue.queue_declare().message_count)


def test_a_worker_runs_the_stage_that_it_is_nudged_to(nudger: Nudger, workplace: Counting) -> None:
    nudged_until_it_works(nudger, workplace)


def test_a_flushed_redis_loses_nothing_that_matters(
    nudger: Nudger, workplace: Counting, redis_server: RedisServer
) -> None:
    nudged_until_it_works(nudger, workplace)

    redis_server.flush()

    nudged_until_it_works(nudger, workplace)


def test_a_redis_that_was_killed_and_comes_back_empty_is_used_again(
    nudger: Nudger, workplace: Counting, redis_server: RedisServer
) -> None:
    nudged_until_it_works(nudger, workplace)

    redis_server.kill()
    try:
        assert not nudger.nudge(DUE)
    finally:
        redis_server.start()

    nudged_until_it_works(nudger, workplace)


def test_a_stage_goes_on_while_redis_is_away(
    nudger: Nudger, workplace: Counting, redis_server: RedisServer
) -> None:
    workplace.may_end.clear()
    nudged_until_it_works(nudger, workplace)

    redis_server.stop()
    redis_server.start()
    workplace.may_end.set()

    nudged_until_it_works(nudger, workplace)


def test_a_stage_that_ends_while_redis_is_away_is_not_the_workers_last(
    nudger: Nudger, workplace: Counting, redis_server: RedisServer
) -> None:
    """Celery only logs that it cannot acknowledge, and would take no nudge ever after."""
    workplace.may_end.clear()
    nudged_until_it_works(nudger, workplace)

    redis_server.stop()
    workplace.may_end.set()
    try:
        await_condition(lambda: workplace.ended == workplace.ran, 30, "the end of the stage")
    finally:
        redis_server.start()

    nudged_until_it_works(nudger, workplace)


def test_a_worker_that_ends_takes_no_other_of_its_process_along_for_good(
    app: Celery, rig: Rig, redis_server: RedisServer
) -> None:
    """Pipeline tests share a worker; after the end of another one none took their nudges."""
    with closing(CeleryDriver(redis_server.url)) as driver:
        stage = (rig.services, lambda: rig.predictor, StageName.JUDGE, None)
        assert driver.drive(*stage) == 0

        with consuming(app, QueueName.UPKEEP):
            pass

        assert driver.drive(*stage) == 0


def test_a_nudge_that_has_expired_runs_nothing(app: Celery, workplace: Counting) -> None:
    def send(**options: float) -> None:
        app.send_task(StageName.SCORE.value, queue=declared(QueueName.GPU), **options)

    workplace.may_end.clear()
    send()
    await_condition(lambda: workplace.ran == 1, 60, "the stage that holds the worker")
    for _ in range(5):
        send(expires=0.001)
    send()
    workplace.may_end.set()

    def nothing_waits() -> bool:
        return waiting(app) == 0 and workplace.ended == workplace.ran >= 2

    await_condition(nothing_waits, 60, "the last nudge")
    assert workplace.ran == 2


def test_a_backlog_does_not_grow_redis(app: Celery, nudger: Nudger, workplace: Counting) -> None:
    workplace.may_end.clear()
    nudged_until_it_works(nudger, workplace)

    for _ in range(200):
        nudger.nudge(DUE)

    assert waiting(app) == 1
