"""docker-compose.yml with every service killed, or without its broker, in the middle of work."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.compose.embedded import Embedded
from tests.compose.judging import assert_nothing_is_missing_or_twice
from tests.compose.project import SERVICES, START_S, Project
from tests.support.modality import batches, send_cut_short
from tests.support.servers import await_condition

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

#: How long the broker is away, s.
_AWAY_S = 60.0

#: Rows that show that a service has work in hand; the others always have.
_AT_WORK = {"scoring": ("screenings", "SCORING"), "intake": ("studies", "GROWING")}


def test_every_service_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    project: Project, embedded: Embedded
) -> None:
    project.up()
    to_send = batches(embedded.films)
    first, rest = to_send[: len(SERVICES)], to_send[len(SERVICES) :]

    for service, batch in zip(SERVICES, first, strict=True):
        with ThreadPoolExecutor(1) as modality:
            sending = modality.submit(batch.send, project.peer)
            if service in _AT_WORK:
                await_condition(partial(project.count, *_AT_WORK[service]), START_S, service)
            project.compose("kill", "--signal", "KILL", service)
            project.up(healthy=False)
            sending.result()
    for batch in rest:
        batch.send(project.peer)
    send_cut_short(project.peer, embedded.films)

    assert_nothing_is_missing_or_twice(project, embedded)


def test_a_broker_that_is_away_for_a_minute_delays_and_loses_nothing(
    project: Project, embedded: Embedded
) -> None:
    project.up()
    to_send = batches(embedded.films)
    half = len(to_send) // 2
    for batch in to_send[:half]:
        batch.send(project.peer)

    project.compose("stop", "redis")
    began = time.monotonic()
    for batch in to_send[half:]:
        batch.send(project.peer)
    send_cut_short(project.peer, embedded.films)
    time.sleep(max(0.0, _AWAY_S - (time.monotonic() - began)))
    waiting = project.status()["screenings"].get("RECEIVED", 0)
    project.compose("start", "redis")

    assert waiting > 0
    assert_nothing_is_missing_or_twice(project, embedded)
