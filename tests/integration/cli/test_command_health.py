"""`screener health`: what a container's health check hears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from screener import health
from screener.config import Settings
from screener.network.status import StoreOutcome
from screener.pipeline.life import process_here
from screener.pipeline.receive import receive
from screener.storage.database import Database
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.integration.cli.populated import services_of
from tests.support.pipeline_rig import incoming, make_film


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECOND_LOOK_S", 0.0)


@contextmanager
def some_time_ago(settings: Settings, seconds: float) -> Iterator[Database]:
    """Give the node's database as it was written to some time ago."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    database = Database(settings.storage.url, clock=lambda: then)
    yield database
    database.dispose()


def begin(settings: Settings, role: str, *, ago_s: float = 0.0, pid: int = 7) -> None:
    with some_time_ago(settings, ago_s) as database, database.write() as uow:
        uow.processes.begin(process_here(role, pid), {})


def sign(settings: Settings, role: str, *, pid: int = 7, **facts: str) -> None:
    with some_time_ago(settings, 0) as database, database.write() as uow:
        uow.processes.sign(process_here(role, pid), facts)


def receive_film(settings: Settings) -> None:
    with services_of(settings) as services:
        assert receive(services, incoming(make_film())) is StoreOutcome.STORED


def test_a_process_that_gives_signs_and_has_nothing_to_do_is_well(node: Settings) -> None:
    begin(node, "intake", ago_s=10_000)
    sign(node, "intake", predictor="tiny")

    ended = run_command("health", "intake")

    assert ended.code == 0
    assert "intake (process 7) does its work; predictor tiny" in ended.out


def test_a_process_that_never_gave_a_sign_is_not_running(node: Settings) -> None:
    ended = run_command("health", "scoring")

    assert ended.code == 1
    assert "is it running?" in ended.out


def test_a_process_that_went_silent_is_ill(node: Settings) -> None:
    begin(node, "intake", ago_s=60)

    ended = run_command("health", "intake")

    assert ended.code == 1
    assert "no sign of life for 60 s" in ended.out


def test_a_process_that_was_killed_and_replaced_is_forgotten(node: Settings) -> None:
    begin(node, "intake", ago_s=60, pid=6)
    begin(node, "intake", pid=7)

    assert run_command("health", "intake").code == 0


def test_a_process_that_leaves_films_lying_is_ill_though_it_gives_signs(node: Settings) -> None:
    begin(node, "intake", ago_s=200)
    sign(node, "intake")
    receive_film(node)

    ended = run_command("health", "intake")

    assert ended.code == 1
    assert "there is work and it has done none for 200 s" in ended.out


def test_a_process_that_worked_lately_is_well_whatever_waits(node: Settings) -> None:
    begin(node, "intake", ago_s=200)
    sign(node, "intake")
    with some_time_ago(node, 5) as database, database.write() as uow:
        uow.processes.worked(process_here("intake", 7))
    receive_film(node)

    assert run_command("health", "intake").code == 0


def test_anothers_work_makes_nobody_ill(node: Settings) -> None:
    begin(node, "scoring", ago_s=200)
    sign(node, "scoring")
    receive_film(node)

    assert run_command("health", "scoring").code == 0


def test_a_beat_that_does_not_reach_the_broker_is_ill(node: Settings) -> None:
    begin(node, "beat")
    sign(node, "beat", broker="unreachable")

    ended = run_command("health", "beat")

    assert ended.code == 1
    assert "the broker cannot be reached" in ended.out


def test_a_listener_that_does_not_answer_is_ill(node: Settings) -> None:
    begin(node, "listener")

    ended = run_command("health", "listener")

    assert ended.code == 1
    assert f"127.0.0.1:{node.listener.port}" in ended.out


def test_a_database_that_cannot_be_reached_is_said(configure: Configure) -> None:
    configure(storage={"database_url": "sqlite:////proc/nowhere/screener.db"})

    ended = run_command("health", "intake")

    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_an_unknown_role_is_refused_with_those_there_are(node: Settings) -> None:
    ended = run_command("health", "gpu")

    assert ended.code == 2
    assert "scoring" in ended.err
