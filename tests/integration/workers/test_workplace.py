"""A workplace: runs a role's stages, and nudges whoever comes next, once it has committed."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery

from screener.domain.stage import Role, StageName
from screener.pipeline.ports import Predictor
from tests.support.celery_driver import stages_of, take
from tests.support.pipeline_rig import SETTLE_S, Commits, RecordingArchive, Rig, make_film
from tests.support.servers import RedisServer
from tests.support.stub_predictor import HeightPredictor
from workers.nudge import Nudger
from workers.workplace import Workplace


def nothing_to_load() -> Predictor:
    raise AssertionError("only who scores loads a predictor")


def workplace(rig: Rig, role: Role, nudger: Nudger) -> Workplace:
    return Workplace(rig.services, role, nudger, load_predictor=nothing_to_load)


def flag_two(rig: Rig) -> None:
    """Bring two low studies of two children to where a report is due."""
    rig.send(make_film(1, child=1, z=-3), make_film(2, child=2, z=-3))
    rig.run_until_idle("judge", "score")
    rig.pass_time(SETTLE_S, "conclude")


def test_what_a_stage_has_made_due_is_nudged_after_its_commit(
    rig: Rig, nudger: Nudger, app: Celery
) -> None:
    rig.send(make_film(z=-3))

    done = workplace(rig, Role.INTAKE, nudger).run(StageName.JUDGE)

    assert done == 1
    assert stages_of(take(app)) == {"score": 1}


def test_a_stage_that_finds_nothing_nudges_nobody(rig: Rig, nudger: Nudger, app: Celery) -> None:
    done = workplace(rig, Role.INTAKE, nudger).run(StageName.JUDGE)

    assert done == 0
    assert take(app) == []


def test_a_stage_that_left_work_behind_is_nudged_again(
    rig: Rig, nudger: Nudger, app: Celery
) -> None:
    for number in range(1, 7):
        rig.send(make_film(number, child=number, z=-3))
    rig.run_until_idle("judge", "score")
    rig.pass_time(SETTLE_S, "conclude")

    workplace(rig, Role.INTAKE, nudger).run(StageName.REPORT)

    assert stages_of(take(app)) == {"report": 1, "deliver": 1}


def test_a_stage_is_done_though_the_broker_is_away(
    rig: Rig, nudger: Nudger, redis_server: RedisServer
) -> None:
    rig.send(make_film())
    redis_server.stop()
    try:
        done = workplace(rig, Role.INTAKE, nudger).run(StageName.JUDGE)
    finally:
        redis_server.start()

    assert (done, rig.film_states()) == (1, ["WAITING"])


def test_who_delivers_takes_an_archive_that_nobody_serves(
    rig: Rig, nudger: Nudger, tmp_path: Path
) -> None:
    served, free = RecordingArchive("served"), RecordingArchive("free", commits=Commits.NEVER)
    two = Rig(tmp_path, rig.services.database, served, free)
    flag_two(two)
    two.run_until_idle("report")
    with two.services.database.write() as uow:
        assert uow.deliveries.claim_to_send("served", limit=1, lease=two.services.lease)
    delivering = workplace(two, Role.DELIVERY, nudger)

    ran = [delivering.run(StageName.DELIVER) for _ in range(3)]

    assert ran == [6, 0, 0]
    assert (served.calls, len(free.sent)) == (0, 6)


def test_the_predictor_is_loaded_once_and_by_who_scores(rig: Rig, nudger: Nudger) -> None:
    loaded: list[HeightPredictor] = []

    def load() -> Predictor:
        loaded.append(HeightPredictor())
        return loaded[-1]

    scoring = Workplace(rig.services, Role.SCORING, nudger, load_predictor=load)
    for number in (1, 2):
        rig.send(make_film(number))
        rig.run_until_idle("judge")
        assert scoring.run(StageName.SCORE) == 1

    assert len(loaded) == 1
    assert scoring.names == (StageName.SCORE,)


@pytest.mark.parametrize("role", [Role.INTAKE, Role.DELIVERY])
def test_nobody_else_loads_a_predictor(rig: Rig, nudger: Nudger, role: Role) -> None:
    assert StageName.SCORE not in workplace(rig, role, nudger).names
