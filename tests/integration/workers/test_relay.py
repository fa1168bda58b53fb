"""The relay: what is due is nudged, when the database rings and when time has come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import Celery

from screener.domain.stage import Role
from screener.pipeline.life import Life
from screener.storage.processes import ProcessSign
from tests.support.celery_driver import stages_of, take
from tests.support.pipeline_rig import SETTLE_S, Rig, make_film
from tests.support.servers import RedisServer, await_condition
from workers.nudge import Nudger
from workers.relay import Relay


@pytest.fixture
def life(rig: Rig) -> Life:
    return Life(rig.services, Role.BEAT)


@pytest.fixture
def relay(rig: Rig, nudger: Nudger, life: Life) -> Relay:
    return Relay(rig.services, nudger, life)


@contextmanager
def running(relay: Relay) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def named(app: Celery) -> set[str]:
    """Take every nudge that waits; return which stages they name."""
    return set(stages_of(take(app)))


def signs(rig: Rig) -> list[ProcessSign]:
    with rig.services.database.read() as uow:
        return uow.processes.all()


def test_nothing_is_due_in_an_empty_node_but_to_clear_up_now_and_then(
    relay: Relay, app: Celery
) -> None:
    relay.look()
    first = named(app)
    relay.look()

    assert (first, named(app)) == ({"recover"}, set())


def test_each_stage_is_nudged_when_its_time_has_come(rig: Rig, relay: Relay, app: Celery) -> None:
    relay.look()
    named(app)

    def nudged_after(*stages: str) -> set[str]:
        rig.run_until_idle(*stages) if stages else None
        relay.look()
        return named(app)

    rig.send(make_film(z=-3))
    assert nudged_after() == {"judge"}
    assert nudged_after("judge") == {"score"}
    assert nudged_after("score") == set()
    rig.clock.advance(SETTLE_S)
    assert nudged_after() == {"conclude"}
    assert nudged_after("conclude") == {"report"}
    assert nudged_after("report") == {"deliver"}
    assert nudged_after("deliver pacs") == {"confirm"}
    assert nudged_after("confirm pacs") == set()


def test_an_archive_that_is_left_alone_or_served_is_not_nudged_for(
    rig: Rig, relay: Relay, app: Celery
) -> None:
    rig.screen(make_film(z=-3))
    relay.look()
    named(app)
    rig.send(make_film(2, child=2, z=-3))
    rig.run_until_idle("judge", "score")
    rig.pass_time(SETTLE_S, "conclude", "report")

    rig.archive.is_away = True
    rig.run("deliver pacs")
    relay.look()
    assert named(app) == set()

    rig.archive.is_away = False
    rig.clock.advance(3600)
    with rig.services.database.write() as uow:
        assert uow.deliveries.claim_to_send("pacs", limit=1, lease=rig.services.lease)
    relay.look()
    assert named(app) == set()

    rig.clock.advance(rig.services.lease.total_seconds())
    relay.look()
    assert named(app) == {"deliver"}


def test_a_film_that_arrives_wakes_the_relay_at_once(rig: Rig, relay: Relay, app: Celery) -> None:
    with running(relay):
        await_condition(lambda: named(app) == {"recover"})

        rig.send(make_film())

        await_condition(lambda: named(app) == {"judge"})


def test_the_relay_says_that_it_lives_and_whether_the_broker_does(
    rig: Rig, relay: Relay, redis_server: RedisServer
) -> None:
    def broker_is(what: str) -> bool:
        rig.clock.advance(1)
        return any(sign.facts.get("broker") == what for sign in signs(rig))

    with running(relay):
        await_condition(lambda: broker_is("reached"), 30)
        redis_server.stop()
        try:
            await_condition(lambda: broker_is("unreachable"), 30)
        finally:
            redis_server.start()
        await_condition(lambda: broker_is("reached"), 30)

    assert signs(rig) == []
