"""Deliver: what may be sent is sent, archive by archive, until the archive has it."""

from __future__ import annotations

import errno
from itertools import pairwise
from pathlib import Path

import pytest
from pydicom.uid import Comprehensive3DSRStorage

from screener.config import ConfirmBy
from screener.domain.delivery import ArchiveMode, DeliveryState
from screener.domain.errors import ArchiveUnreachable
from screener.domain.retry import WORK_ATTEMPTS
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    LEASE_S,
    SETTLE_S,
    Crash,
    RecordingArchive,
    Rig,
    at_each,
    make_film,
    once,
)

REPORT_CLASS = str(Comprehensive3DSRStorage)


def hold_reasons(rig: Rig) -> set[str | None]:
    return {made.hold_reason for made in rig.objects()}


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(ArchiveMode.OFF, "ARCHIVE_OFF"), (ArchiveMode.LIVE, "SYNTHETIC_NOT_FOR_LIVE")],
)
def test_objects_are_made_and_held_where_they_may_not_be_sent(
    make_rig: MakeRig, mode: ArchiveMode, reason: str
) -> None:
    rig = make_rig(mode=mode)

    rig.screen(make_film(z=-3))

    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 1, "CARD": 1}
    assert rig.delivery_states() == {"HELD"}
    assert hold_reasons(rig) == {reason}
    assert rig.archive.calls == 0


def test_objects_are_sent_to_an_archive_in_test_mode(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    assert rig.delivery_states() == {"COMMITTED"}
    assert len(rig.archive.kept) == 3


def test_an_archive_that_is_switched_off_gets_nothing_more(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    rig.change_rules(mode=ArchiveMode.OFF)
    rig.archive.is_away = False

    rig.pass_time(3600)

    assert rig.delivery_states() == {"HELD"}
    assert rig.archive.sent == []


def test_what_was_held_stays_held_until_an_operator_takes_it_up_again(make_rig: MakeRig) -> None:
    rig = make_rig(mode=ArchiveMode.OFF)
    rig.screen(make_film(z=-3))
    rig.change_rules(mode=ArchiveMode.TEST)
    rig.pass_time(3600)
    before = rig.delivery_states()

    taken = rig.retry()
    rig.run_until_idle()

    assert before == {"HELD"}
    assert taken == 3
    assert rig.delivery_states() == {"COMMITTED"}


def test_what_is_taken_up_again_while_the_archive_is_still_off_is_held_again(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(mode=ArchiveMode.OFF)
    rig.screen(make_film(z=-3))

    rig.retry()
    rig.run_until_idle()

    assert rig.delivery_states() == {"HELD"}
    assert rig.archive.calls == 0


def test_a_dead_archive_is_tried_ever_less_often_and_never_given_up(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    tried = []
    for _ in range(600):
        before = rig.archive.calls
        rig.clock.advance(5)
        rig.run("deliver pacs")
        if rig.archive.calls > before:
            tried.append(rig.clock.now)
    rig.pass_time(24 * 3600)
    rig.archive.is_away = False

    rig.pass_time(1800)

    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 10
    assert pauses[-1] >= 900
    assert rig.delivery_states() == {"COMMITTED"}


def test_a_dead_archive_delays_no_other(make_rig: MakeRig) -> None:
    dead, well = RecordingArchive("dead"), RecordingArchive("well")
    dead.is_away = True
    rig = make_rig(dead, well)

    rig.screen(make_film(z=-3))

    assert rig.delivery_states(archive="well") == {"COMMITTED"}
    assert rig.delivery_states(archive="dead") == {"PENDING"}


def test_a_slow_archive_gets_the_rest_another_time_before_the_lease_ends(rig: Rig) -> None:
    """Beyond the lease what a worker holds is another's, and its process is ended."""
    rig.archive.after_send = lambda _: rig.clock.advance(0.6 * LEASE_S)
    rig.send(make_film(z=-3))
    rig.run_until_idle("judge", "score")
    rig.pass_time(SETTLE_S, "conclude", "report")

    claimed = [rig.run("deliver pacs") for _ in range(4)]

    assert claimed == [3, 2, 1, 0]
    assert rig.delivery_states() == {"SENT"}
    assert len(rig.archive.sent) == 3
    assert rig.archive.calls == 6


def test_an_archive_that_breaks_off_at_one_object_gets_the_others(rig: Rig) -> None:
    rig.archive.before_send = at_each(REPORT_CLASS, ArchiveUnreachable("broke off"))
    rig.screen(make_film(z=-3))

    for _ in range(5):
        rig.pass_time(1000)

    states = {made.kind: made.state for made in rig.objects()}
    assert states == {"REPORT": "PENDING", "OVERLAY": "COMMITTED", "CARD": "COMMITTED"}


def test_a_busy_archive_is_asked_again_for_ever(rig: Rig) -> None:
    rig.archive.is_busy = True
    rig.screen(make_film(z=-3))
    for _ in range(3 * WORK_ATTEMPTS):
        rig.pass_time(1000, "deliver pacs")
    while_busy = rig.delivery_states()
    rig.archive.is_busy = False

    rig.pass_time(1000)

    assert while_busy == {"PENDING"}
    assert rig.delivery_states() == {"COMMITTED"}


def test_an_archive_that_refuses_is_not_asked_for_ever_and_an_operator_may_retry(rig: Rig) -> None:
    rig.archive.refuses = True
    rig.screen(make_film(z=-3))
    for _ in range(10):
        rig.pass_time(1000, "deliver pacs", "confirm pacs")
    refused, calls = rig.delivery_states(), rig.archive.calls
    rig.pass_time(10_000)
    later = rig.archive.calls
    rig.archive.refuses = False

    rig.retry()
    rig.run_until_idle()

    assert refused == {"REFUSED"}
    assert later == calls
    assert rig.delivery_states() == {"COMMITTED"}


def test_an_archive_that_does_not_take_reports_gets_the_captures(rig: Rig) -> None:
    rig.archive.rejected_classes = {REPORT_CLASS}
    rig.screen(make_film(z=-3))
    for _ in range(10):
        rig.pass_time(1000, "deliver pacs", "confirm pacs")

    states = {made.kind: made.state for made in rig.objects()}

    assert states == {"REPORT": "REFUSED", "OVERLAY": "COMMITTED", "CARD": "COMMITTED"}


def test_an_archive_that_was_away_for_long_may_still_reject_a_context_once(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    for _ in range(5 * WORK_ATTEMPTS):
        rig.pass_time(1000, "deliver pacs")
    rig.archive.is_away = False
    rig.archive.rejected_classes = {REPORT_CLASS}
    rig.pass_time(1000)
    rig.archive.rejected_classes = set()

    rig.pass_time(1000)

    assert rig.delivery_states() == {"COMMITTED"}


def test_a_file_that_is_gone_from_the_vault_fails_and_takes_no_other_along(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    gone = rig.objects()[1]
    rig.services.vault.discard(gone.vault_key)
    rig.archive.is_away = False

    rig.pass_time(1000)

    states = {made.kind: made.state for made in rig.objects()}
    assert states == {
        made.kind: "FAILED" if made.kind == gone.kind else "COMMITTED" for made in rig.objects()
    }


def test_a_file_that_the_disk_does_not_give_now_is_sent_later_and_delays_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(SETTLE_S)
    for stage in ("conclude", "report"):
        rig.run(stage)
    slow = rig.objects()[0]
    with monkeypatch.context() as broken:
        whole = Path.read_bytes

        def read(path: Path) -> bytes:
            if path.name == Path(slow.vault_key).name:
                raise OSError(errno.EIO, "Input/output error")
            return whole(path)

        broken.setattr(Path, "read_bytes", read)
        rig.run_until_idle("deliver pacs")
    held_up = {made.state: made.error_message for made in rig.objects()}

    rig.pass_time(60)

    assert held_up.keys() == {"PENDING", "SENT"}
    assert "Input/output error" in str(held_up[DeliveryState.PENDING])
    assert rig.delivery_states() == {"COMMITTED"}


def test_a_crash_between_sending_and_the_row_ends_in_one_object_committed(rig: Rig) -> None:
    rig.archive.after_send = once(Crash())
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    with pytest.raises(Crash):
        rig.run_until_idle()
    after_the_crash = rig.delivery_states()

    for _ in range(4):
        rig.pass_time(LEASE_S)

    assert after_the_crash == {"SENDING"}
    assert len(rig.archive.sent) == 4
    assert len(rig.archive.kept) == 3
    assert len({data for _, data in rig.archive.sent}) == 3
    assert rig.delivery_states() == {"COMMITTED"}


def test_a_delivery_that_kills_its_worker_every_time_fails_and_the_others_arrive(rig: Rig) -> None:
    rig.archive.before_send = at_each(REPORT_CLASS, Crash())
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    deaths = 0
    for _ in range(3 * WORK_ATTEMPTS):
        try:
            rig.run_until_idle()
        except Crash:
            deaths += 1
        rig.clock.advance(LEASE_S)

    states = {made.kind: made.state for made in rig.objects()}
    assert deaths == WORK_ATTEMPTS
    assert states == {"REPORT": "FAILED", "OVERLAY": "COMMITTED", "CARD": "COMMITTED"}


def test_an_operator_takes_a_failed_delivery_up_again(rig: Rig) -> None:
    rig.archive.forgets = True
    rig.screen(make_film(z=-3))
    for _ in range(30):
        rig.pass_time(1000, "deliver pacs", "confirm pacs")
    failed = rig.delivery_states()
    rig.archive.forgets = False

    rig.retry()
    rig.run_until_idle()

    assert failed == {"FAILED"}
    assert rig.delivery_states() == {"COMMITTED"}


def test_one_death_after_a_long_absence_of_the_archive_is_no_reason_to_give_up(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(z=-3))
    for _ in range(5 * WORK_ATTEMPTS):
        rig.pass_time(1000, "deliver pacs")
    rig.archive.is_away = False
    rig.archive.after_send = once(Crash())
    rig.clock.advance(1000)
    with pytest.raises(Crash):
        rig.run_until_idle()

    for _ in range(2):
        rig.pass_time(1500)

    assert rig.delivery_states() == {"COMMITTED"}


def test_an_archive_without_storage_commitment_ends_in_verified(make_rig: MakeRig) -> None:
    rig = make_rig(RecordingArchive(confirm_by=ConfirmBy.QUERY))

    rig.screen(make_film(z=-3))

    assert rig.delivery_states() == {"VERIFIED"}
    assert rig.archive.asked == []
    assert set(rig.archive.looked_up) == set(rig.archive.kept)
