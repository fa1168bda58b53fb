"""Recover: what a crash or a change of settings has left behind."""

from __future__ import annotations

import os
import time

import pytest

from screener.domain.errors import DatabaseUnavailable
from screener.pipeline.recover import recover
from screener.storage.spool import Spool
from tests.support.pipeline_rig import LEASE_S, Crash, Rig, make_film, once

HOUR_S = 3600.0


def grow_old(spool: Spool, key: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(spool.folder / key, (then, then))


@pytest.mark.parametrize("name", ["spool", "vault"])
def test_a_file_without_a_row_is_removed_when_it_is_old(rig: Rig, name: str) -> None:
    spool: Spool = getattr(rig.services, name)
    old, young = (spool.put(b"orphan").key for _ in range(2))
    grow_old(spool, old, HOUR_S + 60)
    grow_old(spool, young, HOUR_S - 60)

    count = recover(rig.services)

    assert count == 1
    assert not (spool.folder / old).exists()
    assert (spool.folder / young).exists()


def test_a_temporary_file_of_a_crash_is_removed_when_it_is_old(rig: Rig) -> None:
    left_over = rig.services.spool.folder / "00" / ".in-0123"
    left_over.write_bytes(b"half a film")
    grow_old(rig.services.spool, "00/.in-0123", HOUR_S + 60)

    recover(rig.services)

    assert not left_over.exists()


def test_files_with_a_row_stay_however_old_they_are(rig: Rig) -> None:
    rig.screen(make_film(z=-3))
    for spool, files in (
        (rig.services.spool, rig.spool_files()),
        (rig.services.vault, rig.vault_files()),
    ):
        for key in files:
            grow_old(spool, key, 1000 * HOUR_S)

    count = recover(rig.services)

    assert count == 0
    assert len(rig.spool_files()) == 1
    assert len(rig.vault_files()) == 3


def test_files_of_every_revision_stay(rig: Rig) -> None:
    rig.screen(make_film(z=-1))
    rig.screen(make_film(z=-3))
    for key in rig.spool_files():
        grow_old(rig.services.spool, key, 2 * HOUR_S)

    recover(rig.services)

    assert len(rig.spool_files()) == 2


def test_more_orphans_than_one_question_holds_are_all_removed(rig: Rig) -> None:
    folder = rig.services.spool.folder / "00"
    for number in range(1100):
        (folder / f"{number}.dcm").touch()
        grow_old(rig.services.spool, f"00/{number}.dcm", 2 * HOUR_S)

    count = recover(rig.services)

    assert count == 1100
    assert rig.spool_files() == {}


def test_deliveries_to_an_archive_that_is_gone_are_held(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    rig.change_services(archives={})

    count = recover(rig.services)

    assert count == 3
    assert rig.delivery_states() == {"HELD"}
    assert {made.hold_reason for made in rig.objects()} == {"ARCHIVE_UNKNOWN"}


def test_a_delivery_that_was_being_sent_when_its_archive_was_removed_is_held_when_its_lease_ends(
    rig: Rig,
) -> None:
    archives = rig.services.archives
    rig.archive.after_send = once(Crash())
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    with pytest.raises(Crash):
        rig.run_until_idle()
    rig.change_services(archives={})

    at_once = recover(rig.services)
    rig.clock.advance(LEASE_S)
    afterwards = recover(rig.services)

    assert (at_once, afterwards) == (0, 3)
    assert rig.delivery_states() == {"HELD"}
    rig.change_services(archives=archives)
    rig.retry()
    rig.run_until_idle()
    assert rig.delivery_states() == {"COMMITTED"}


def test_deliveries_to_known_archives_are_left_alone(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))

    count = recover(rig.services)

    assert count == 0
    assert rig.delivery_states() == {"PENDING"}


def test_nothing_is_removed_while_the_database_cannot_be_asked(rig: Rig) -> None:
    rig.screen(make_film(z=0))
    [key] = rig.spool_files()
    grow_old(rig.services.spool, key, 2 * HOUR_S)
    database = type(rig.services.database)(f"sqlite:///{rig.services.spool.folder}")
    rig.change_services(database=database)

    with pytest.raises(DatabaseUnavailable):
        recover(rig.services)

    assert list(rig.spool_files()) == [key]
