"""Nudges over Celery's broker in memory: what is sent, and how much."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from celery import Celery

from screener.config import BrokerSettings, Settings
from screener.domain.stage import Role, StageName
from screener.pipeline.due import Standing
from tests.support.celery_driver import stages_of, take
from tests.support.servers import free_port
from workers.app import make_app
from workers.nudge import EXPIRES_S, Nudger
from workers.queues import QueueName


@pytest.fixture
def app() -> Celery:
    made = make_app(Settings(broker=BrokerSettings(url="redis://127.0.0.1:1/0")))
    made.conf.broker_url = "memory://"
    made.conf.broker_transport_options = {}
    return made


@pytest.fixture
def nudger(app: Celery) -> Iterator[Nudger]:
    made = Nudger(app)
    yield made
    take(app)
    made.close()


def standing(*due: StageName, slots: Mapping[str, int] | None = None) -> Standing:
    return Standing(due=frozenset(due), slots=slots or {})


def test_a_nudge_names_a_stage_and_nothing_else(app: Celery, nudger: Nudger) -> None:
    assert nudger.nudge(standing(StageName.SCORE))

    (message,) = take(app, QueueName.GPU)
    arguments, keywords, _ = json.loads(message.body)
    assert message.headers["task"] == "score"
    assert (arguments, keywords) == ([], {})
    assert message.content_type == "application/json"


def test_a_nudge_expires(app: Celery, nudger: Nudger) -> None:
    nudger.nudge(standing(StageName.SCORE))

    (message,) = take(app, QueueName.GPU)
    assert message.headers["expires"] is not None
    assert EXPIRES_S >= 60


def test_nothing_is_sent_while_a_queue_holds_as_many_as_it_has_workers(
    app: Celery, nudger: Nudger
) -> None:
    for _ in range(10):
        nudger.nudge(standing(StageName.SCORE, slots={Role.SCORING: 3}))

    assert stages_of(take(app, QueueName.GPU)) == {"score": 3}


def test_one_nudge_waits_for_a_worker_that_has_not_come_yet(app: Celery, nudger: Nudger) -> None:
    for _ in range(3):
        nudger.nudge(standing(StageName.SCORE))

    assert stages_of(take(app, QueueName.GPU)) == {"score": 1}


def test_what_is_not_due_is_not_nudged(app: Celery, nudger: Nudger) -> None:
    nudger.nudge(standing(StageName.DELIVER, slots=dict.fromkeys(map(str, Role), 5)))

    sent = {queue: stages_of(take(app, queue)) for queue in QueueName}
    assert sent == {queue: {} for queue in QueueName} | {QueueName.DELIVERY: {"deliver": 5}}


def test_no_stage_waits_for_ever_behind_another_of_its_queue(app: Celery, nudger: Nudger) -> None:
    due = (StageName.JUDGE, StageName.CONCLUDE, StageName.REPORT)
    sent: Counter[str] = Counter()

    for _ in range(3):
        nudger.nudge(standing(*due, slots={Role.INTAKE: 1}))
        sent += stages_of(take(app, QueueName.INTAKE))

    assert sent == {"judge": 1, "conclude": 1, "report": 1}


def test_a_broker_that_is_away_is_said_and_tried_again(app: Celery) -> None:
    app.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
    nudger = Nudger(app)

    assert not nudger.nudge(standing(StageName.JUDGE))
    assert not nudger.nudge(standing())
