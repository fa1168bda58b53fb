"""Receive: success is said when file and row are ours, and only then."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from pydicom.uid import ImplicitVRLittleEndian

from screener.storage.database import Database
from screener.storage.spool import Spool
from tests.support.pipeline_rig import Rig, incoming, make_film
from tests.support.synthetic_dicom import encode_bare, synthetic_uid

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000


def test_success_means_that_the_file_is_in_the_spool_and_the_row_is_committed(rig: Rig) -> None:
    film = make_film()

    status = rig.store(incoming(film))

    [row] = rig.films()
    assert status == SUCCESS
    assert rig.film_states() == ["RECEIVED"]
    assert rig.spool_files()[row.spool_key].endswith(encode_bare(film))


def test_the_bytes_are_kept_as_they_arrived_whatever_they_are(rig: Rig) -> None:
    film = incoming(make_film(), ImplicitVRLittleEndian)
    cut_short = replace(
        film, data_set=film.data_set[:-1000], transfer_syntax_uid="1.2.840.10008.1.2"
    )

    status = rig.store(cut_short)

    assert status == SUCCESS
    [kept] = rig.spool_files().values()
    assert kept.endswith(cut_short.data_set)


def test_low_disk_is_answered_with_out_of_resources_and_leaves_no_row(rig: Rig) -> None:
    full = Spool(rig.services.spool.folder, min_free_bytes=1 << 62)
    rig.change_services(spool=full)

    status = rig.store(incoming(make_film()))

    assert status == OUT_OF_RESOURCES
    assert rig.films() == []
    assert rig.spool_files() == {}


def test_identifiers_that_cannot_be_read_are_refused_and_nothing_is_kept(rig: Rig) -> None:
    good = incoming(make_film())
    nameless = make_film(SOPInstanceUID=None)
    homeless = make_film(StudyInstanceUID=None)
    unreadable = [
        replace(good, data_set=b"this is no data set"),
        replace(good, data_set=b""),
        replace(good, data_set=encode_bare(nameless)),
        replace(good, data_set=encode_bare(homeless)),
    ]

    statuses = [rig.store(instance) for instance in unreadable]

    assert statuses == [CANNOT_UNDERSTAND] * 4
    assert rig.films() == []
    assert rig.spool_files() == {}


def test_a_data_set_that_does_not_match_its_request_is_refused_and_nothing_is_kept(
    rig: Rig,
) -> None:
    good = incoming(make_film())
    mismatched = [
        replace(good, sop_instance_uid=synthetic_uid("another")),
        replace(good, sop_class_uid="1.2.840.10008.5.1.4.1.1.7"),
    ]

    statuses = [rig.store(instance) for instance in mismatched]

    assert statuses == [CANNOT_UNDERSTAND] * 2
    assert rig.films() == []
    assert rig.spool_files() == {}


def test_a_database_that_is_away_is_answered_with_try_again(rig: Rig, tmp_path: Path) -> None:
    a_folder = Database(f"sqlite:///{tmp_path}", clock=rig.clock)
    rig.change_services(database=a_folder)

    status = rig.store(incoming(make_film()))

    assert status == OUT_OF_RESOURCES


def test_films_of_one_study_that_come_at_the_same_moment_share_one_study(rig: Rig) -> None:
    films = [incoming(make_film(number, study=1)) for number in range(1, 9)]
    start = threading.Barrier(len(films))
    statuses: list[int] = []

    def send(number: int) -> None:
        start.wait()
        statuses.append(rig.store(films[number]))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(films))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [SUCCESS] * len(films)
    assert {film.study_id for film in rig.films()} == {1}
