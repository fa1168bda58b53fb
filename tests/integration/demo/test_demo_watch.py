"""How far the worklist is in a node that has other work, too."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from screener.demo.node import Step, Watch
from screener.demo.outcome import collect
from screener.demo.worklist import Entry
from screener.domain.delivery import ArchiveMode
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import RecordingArchive, Rig, make_film


def entry(film: Dataset, *, again: str | None = None, z: float = -3.0) -> Entry:
    name = f"{film.SOPInstanceUID}{'-again' if again else ''}.dcm"
    return Entry(
        file=name,
        kind="a child",
        sop_instance_uid=str(film.SOPInstanceUID),
        study_instance_uid=str(film.StudyInstanceUID),
        child=1,
        true_z=z,
        again=again,
    )


def look(rig: Rig, watch: Watch) -> Step:
    with rig.services.database.read() as uow:
        return watch.look(uow)


def test_it_counts_the_worklist_and_nothing_else(rig: Rig) -> None:
    low, rest = make_film(1, z=-3), make_film(2, z=0, child=2)
    rig.screen(low, rest)
    rig.send(make_film(3, z=-3, child=3))  # somebody else's, and still at work
    watch = Watch([entry(low), entry(rest)], "pacs")

    step = look(rig, watch)

    assert step == Step(films=2, films_done=2, objects=3, objects_done=3, studies_open=0)
    assert step.settled


def test_a_film_that_has_not_arrived_is_waited_for_and_named(rig: Rig) -> None:
    here, missing = make_film(1, z=0), make_film(2, z=0, child=2)
    rig.screen(here)
    watch = Watch([entry(here), entry(missing)], "pacs")

    before = look(rig, watch)
    named = watch.missing
    rig.screen(missing)
    after = look(rig, watch)

    assert before == Step(films=2, films_done=1, objects=0, objects_done=0, studies_open=1)
    assert named == [entry(missing).file]
    assert after.settled
    assert watch.missing == []


def test_a_film_that_comes_twice_by_the_worklist_is_waited_for_twice(rig: Rig) -> None:
    film = make_film(1, z=0)
    lines = [entry(film), entry(film, again="first.dcm")]
    rig.screen(film)
    watch = Watch(lines, "pacs")

    once = look(rig, watch)
    named = watch.missing
    rig.send(film)
    arrived = look(rig, watch)
    rig.settle()

    assert (once.films, once.films_done, once.settled) == (2, 1, False)
    assert named == [lines[1].file]
    assert (arrived.films, arrived.films_done, arrived.settled) == (2, 1, False)
    assert look(rig, watch).settled


def test_a_second_run_is_settled_when_each_repetition_is_judged(rig: Rig) -> None:
    film = make_film(1, z=-3)
    rig.screen(film)
    rig.send(film)
    watch = Watch([entry(film)], "pacs")

    before = look(rig, watch)
    rig.settle()

    assert (before.films, before.films_done, before.settled) == (2, 1, False)
    assert look(rig, watch).settled


def test_another_archive_that_is_away_holds_nothing_up(make_rig: MakeRig) -> None:
    away = RecordingArchive("away")
    away.is_away = True
    rig = make_rig(RecordingArchive("pacs"), away)
    film = make_film(1, z=-3)
    rig.screen(film)

    assert look(rig, Watch([entry(film)], "pacs")).settled
    assert not look(rig, Watch([entry(film)], "away")).settled


def test_the_table_is_of_the_worklist_and_of_its_archive(make_rig: MakeRig) -> None:
    other = RecordingArchive("other")
    other.is_away = True
    rig = make_rig(RecordingArchive("pacs"), other, mode=ArchiveMode.TEST)
    film, stranger = make_film(1, z=-3), make_film(3, z=-3, child=3)
    rig.screen(film, stranger)

    outcome = collect(
        rig.services,
        [entry(film)],
        archived=frozenset(),
        before=frozenset(),
        refused=(),
        archive="pacs",
    )

    [row] = outcome.rows
    [child] = outcome.children
    assert (row.verdict, row.report_state) == ("LOW", "COMMITTED")
    assert {made.archive for made in child.objects} == {"pacs"}
    assert child.study.report_state == "COMMITTED"


@pytest.mark.parametrize("archive", ["pacs", None])
def test_a_report_that_is_held_is_said_so(make_rig: MakeRig, archive: str | None) -> None:
    rig = make_rig(mode=ArchiveMode.OFF)
    film = make_film(1, z=-3)
    rig.screen(film)

    outcome = collect(
        rig.services,
        [entry(film)],
        archived=frozenset(),
        before=frozenset(),
        refused=(),
        archive=archive,
    )

    assert look(rig, Watch([entry(film)], "pacs")).settled
    assert outcome.rows[0].report_state == "HELD"
