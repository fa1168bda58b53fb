"""What only PostgreSQL lets happen: two writers at a time, and a server that is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import text

from screener.domain.identifiers import StudyInstanceUid
from screener.pipeline.conclude import conclude
from screener.pipeline.judge import judge
from screener.storage.database import Database
from tests.support.databases import remove_rows
from tests.support.pipeline_rig import SETTLE_S, Rig, incoming, make_film
from tests.support.servers import PostgresqlServer, await_condition
from tests.support.synthetic_dicom import synthetic_uid

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700


@pytest.fixture
def node_database(postgresql_node: Database) -> Iterator[Database]:
    yield postgresql_node
    remove_rows(postgresql_node.engine)


@contextmanager
def meanwhile(*calls: Callable[[], object]) -> Iterator[list[object]]:
    """Run calls in threads, and wait for their end; their results come in order of their end."""
    results: list[object] = []
    threads = [threading.Thread(target=lambda call=call: results.append(call())) for call in calls]
    for thread in threads:
        thread.start()
    yield results
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def waiting(rig: Rig) -> int:
    """Return how many sessions wait for a lock."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with rig.services.database.read() as uow:
        return int(uow.session.execute(text(asked)).scalar_one())


def await_waiting(rig: Rig, count: int) -> None:
    """Wait until so many sessions wait for a lock."""
    await_condition(lambda: waiting(rig) == count, what=f"{count} that wait for a lock")


def test_the_first_two_films_of_a_study_come_at_the_same_moment_and_share_it(rig: Rig) -> None:
    with rig.services.database.write() as uow:
        first = uow.studies.receive(StudyInstanceUid(synthetic_uid("study", 1)))
        with meanwhile(lambda: rig.store(incoming(make_film(2, study=1)))) as statuses:
            await_waiting(rig, 1)
            uow.session.commit()

    assert statuses == [SUCCESS]
    assert [film.study_id for film in rig.films()] == [first]


@pytest.mark.parametrize("study", [1, 2], ids=["in the same study", "in another study"])
def test_the_same_instance_comes_twice_at_the_same_moment_and_has_two_revisions(
    study: int, rig: Rig
) -> None:
    again = make_film(1, StudyInstanceUID=synthetic_uid("study", study))
    start = threading.Barrier(2)

    def send(film: object) -> int:
        start.wait()
        return rig.store(incoming(film))  # type: ignore[arg-type]

    with meanwhile(lambda: send(make_film(1)), lambda: send(again)) as statuses:
        pass

    assert statuses == [SUCCESS, SUCCESS]
    assert sorted(film.revision for film in rig.films()) == [1, 2]


def test_an_instance_that_is_just_being_received_by_another_association_is_its_next_revision(
    rig: Rig,
) -> None:
    """The other one is in another study: no lock of a study stands between them."""
    rig.send(make_film(3, study=2))

    with rig.services.database.write() as uow:
        uow.session.execute(
            text(
                "INSERT INTO received_instances (study_id, sop_class_uid, sop_instance_uid,"
                " revision, transfer_syntax_uid, spool_key, size_bytes, calling_ae, called_ae,"
                " address, received_at, file_digest) SELECT study_id, sop_class_uid, :uid, 1,"
                " transfer_syntax_uid, 'ff/other.dcm', 1, calling_ae, called_ae, address,"
                " received_at, file_digest FROM received_instances"
            ),
            {"uid": str(make_film(1).SOPInstanceUID)},
        )
        with meanwhile(lambda: rig.store(incoming(make_film(1)))) as statuses:
            await_waiting(rig, 1)
            uow.session.commit()

    assert statuses == [SUCCESS]
    assert rig.films()[-1].revision == 2


def test_two_studies_of_a_child_that_are_concluded_at_the_same_moment_give_one_report(
    rig: Rig,
) -> None:
    later_s = 10.0
    rig.send(make_film(1, z=-3))
    rig.clock.advance(later_s)
    rig.send(make_film(2, z=-3))
    rig.run_until_idle("judge", "score")

    rig.clock.advance(SETTLE_S - later_s)
    with rig.services.database.write() as uow, ExitStack() as workers:
        uow.studies.lock_children()
        # each has claimed a study of its own, and has seen no report of the other
        for number in (1, 2):
            workers.enter_context(meanwhile(lambda: conclude(rig.services)))
            await_waiting(rig, number)
            rig.clock.advance(later_s)
        uow.session.commit()
    rig.settle()

    states = sorted(str(rig.study(number).report_state) for number in (1, 2))
    assert states == ["COMMITTED", "COVERED"]


def test_a_study_that_loses_a_film_to_another_while_it_is_concluded_is_concluded_anew(
    rig: Rig,
) -> None:
    rig.send(make_film(1, z=-3))
    rig.run_until_idle("judge", "score")
    rig.clock.advance(SETTLE_S)
    # the same film, which belongs to another study after all
    rig.send(make_film(1, z=-3, StudyInstanceUID=synthetic_uid("study", 2)))
    with rig.services.database.write() as uow, ExitStack() as workers:
        # nobody adds a finding meanwhile: the films have been read then
        uow.session.execute(text("LOCK TABLE findings IN SHARE MODE"))
        workers.enter_context(meanwhile(lambda: conclude(rig.services)))
        await_waiting(rig, 1)
        judged = workers.enter_context(meanwhile(lambda: judge(rig.services)))
        await_condition(lambda: judged or waiting(rig) == 2, what="the end of the judgement")
        uow.session.commit()

    rig.settle()

    assert rig.film_states(1) == ["SUPERSEDED"]
    assert rig.study(1).verdict != "LOW"
    assert rig.study(2).verdict == "LOW"


def test_a_film_that_was_received_rings_the_bell(rig: Rig) -> None:
    with rig.services.database.listening() as bell:
        rig.send(make_film())

        assert bell.wait(10)


def test_a_film_that_comes_while_the_server_is_away_is_asked_for_again_and_taken_when_it_is_back(
    rig: Rig, postgresql_server: PostgresqlServer
) -> None:
    film = incoming(make_film())
    postgresql_server.kill()
    try:
        away = rig.store(film)
    finally:
        postgresql_server.start()

    back = rig.store(film)

    assert (away, back) == (OUT_OF_RESOURCES, SUCCESS)
    assert [view.revision for view in rig.films()] == [1]
