"""Commitment: a delivery is done when the archive has promised to keep it."""

from __future__ import annotations

import pytest

from screener.config import ConfirmBy
from screener.domain.delivery import CommitmentAnswer
from screener.domain.identifiers import SopInstanceUid, Uid
from screener.network.commitment import CommitmentReport
from screener.pipeline.commitment import take_report
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    LEASE_S,
    OVERDUE_S,
    Commits,
    Crash,
    RecordingArchive,
    Rig,
    make_film,
    once,
)


@pytest.fixture
def archive() -> RecordingArchive:
    return RecordingArchive(commits=Commits.LATER)


@pytest.fixture
def slow_rig(make_rig: MakeRig, archive: RecordingArchive) -> Rig:
    """Return a node with an archive that reports when the test says so."""
    return make_rig(archive)


def test_a_report_in_the_call_commits(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    assert rig.delivery_states() == {"COMMITTED"}
    assert len(rig.archive.asked) == 1


def test_a_report_that_comes_later_commits(slow_rig: Rig, archive: RecordingArchive) -> None:
    slow_rig.screen(make_film(z=-3))
    before = slow_rig.delivery_states()

    answered = archive.report_later(slow_rig.services)

    assert before == {"AWAITING"}
    assert answered == [True]
    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_a_report_that_comes_after_a_restart_commits(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    slow_rig.close()

    archive.report_later(slow_rig.services)

    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_a_report_of_a_transaction_that_is_not_ours_is_refused_and_changes_nothing(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    forged = CommitmentReport(
        calling_ae="ARCHIVE",
        transaction_uid=Uid("2.25.1"),
        committed=tuple(archive.asked[0]),
        failed=(),
    )

    taken = take_report(slow_rig.services, forged)

    assert taken is False
    assert slow_rig.delivery_states() == {"AWAITING"}


def test_a_report_of_one_archive_says_nothing_of_another(make_rig: MakeRig) -> None:
    quick, slow = RecordingArchive("quick"), RecordingArchive("slow", commits=Commits.LATER)
    rig = make_rig(quick, slow)

    rig.screen(make_film(z=-3))

    assert rig.delivery_states(archive="quick") == {"COMMITTED"}
    assert rig.delivery_states(archive="slow") == {"AWAITING"}


@pytest.mark.parametrize("commits", [Commits.IN_THE_CALL, Commits.LATER])
def test_what_the_archive_has_not_is_sent_again_soon(make_rig: MakeRig, commits: Commits) -> None:
    archive = RecordingArchive(commits=commits)
    rig = make_rig(archive)
    archive.forgets = True
    rig.screen(make_film(z=-3))
    archive.report_later(rig.services)
    archive.forgets = False

    for _ in range(3):
        rig.pass_time(60)
        archive.report_later(rig.services)

    assert rig.delivery_states() == {"COMMITTED"}
    assert len(archive.kept) == 3
    assert len(archive.sent) == 6
    assert len(set(archive.sent)) == 3


@pytest.mark.parametrize("commits", [Commits.IN_THE_CALL, Commits.LATER])
def test_another_failure_is_asked_again_and_nothing_is_sent_again(
    make_rig: MakeRig, commits: Commits
) -> None:
    archive = RecordingArchive(commits=commits)
    rig = make_rig(archive)
    archive.says = CommitmentAnswer.FAILED
    rig.screen(make_film(z=-3))
    archive.report_later(rig.services)
    archive.says = None

    for _ in range(3):
        rig.pass_time(60)
        archive.report_later(rig.services)

    assert rig.delivery_states() == {"COMMITTED"}
    assert len(archive.sent) == 3


def test_an_archive_that_never_keeps_an_object_ends_with_an_operator(rig: Rig) -> None:
    rig.archive.forgets = True

    rig.screen(make_film(z=-3))
    for _ in range(30):
        rig.pass_time(1000, "deliver pacs", "confirm pacs")

    assert rig.delivery_states() == {"FAILED"}
    assert len(rig.archive.sent) < 50


def test_an_overdue_report_is_looked_up_and_asked_for_again_and_nothing_is_sent_again(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    slow_rig.pass_time(OVERDUE_S - 1)
    not_yet = len(archive.asked)

    slow_rig.pass_time(1)

    assert not_yet == 1
    assert len(archive.asked) == 2
    assert set(archive.looked_up) == set(archive.kept)
    assert len(archive.sent) == 3
    assert slow_rig.delivery_states() == {"AWAITING"}
    archive.report_later(slow_rig.services)
    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_an_overdue_object_is_sent_again_only_when_the_archive_says_that_it_has_it_not(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    lost = next(iter(archive.kept))
    del archive.kept[lost]

    slow_rig.pass_time(OVERDUE_S)
    slow_rig.pass_time(60)
    archive.report_later(slow_rig.services)

    assert [uid for uid, _ in archive.sent[3:]] == [lost]
    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_an_overdue_object_that_the_archive_never_lists_ends_with_an_operator(
    make_rig: MakeRig,
) -> None:
    forgetful = RecordingArchive(commits=Commits.NEVER)
    forgetful.forgets = True
    rig = make_rig(forgetful)

    rig.screen(make_film(z=-3))
    for _ in range(15):
        rig.pass_time(OVERDUE_S)
        rig.pass_time(1000)

    assert rig.delivery_states() == {"FAILED"}
    assert len(forgetful.sent) < 50


def test_an_archive_that_is_set_to_be_queried_since_is_not_asked_for_commitment_any_more(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    archive.confirm_by = ConfirmBy.QUERY

    slow_rig.pass_time(OVERDUE_S)

    assert len(archive.asked) == 1
    assert slow_rig.delivery_states() == {"VERIFIED"}


def test_an_overdue_object_of_an_archive_without_query_is_only_asked_for_again(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    archive.rejects_queries = True
    slow_rig.screen(make_film(z=-3))

    for _ in range(5):
        slow_rig.pass_time(OVERDUE_S)

    assert len(archive.asked) == 6
    assert len(archive.sent) == 3
    assert slow_rig.delivery_states() == {"AWAITING"}


def test_an_archive_that_never_reports_ends_in_verified_and_never_in_committed(
    make_rig: MakeRig,
) -> None:
    silent = RecordingArchive(commits=Commits.NEVER)
    rig = make_rig(silent)

    rig.screen(make_film(z=-3))
    for _ in range(5):
        rig.pass_time(OVERDUE_S)

    assert rig.delivery_states() == {"VERIFIED"}
    assert len(silent.sent) == 3


def test_an_archive_that_is_away_when_the_report_is_overdue_is_asked_when_it_is_back(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    archive.is_away = True
    slow_rig.pass_time(OVERDUE_S)
    archive.is_away = False

    slow_rig.pass_time(60)

    assert len(archive.asked) == 2
    assert slow_rig.delivery_states() == {"AWAITING"}


def test_an_archive_that_is_away_when_commitment_is_asked_for_is_asked_when_it_is_back(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.send(make_film(z=-3))
    slow_rig.run_until_idle()
    slow_rig.clock.advance(180)
    for stage in ("conclude", "report", "deliver pacs"):
        slow_rig.run(stage)
    archive.is_away = True
    slow_rig.run_until_idle()
    archive.is_away = False

    slow_rig.pass_time(60)
    archive.report_later(slow_rig.services)

    assert slow_rig.delivery_states() == {"COMMITTED"}
    assert len(archive.sent) == 3


def test_a_crash_after_commitment_was_asked_for_ends_in_committed(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    archive.after_ask = once(Crash())
    slow_rig.send(make_film(z=-3))
    slow_rig.run_until_idle()
    slow_rig.clock.advance(180)
    with pytest.raises(Crash):
        slow_rig.run_until_idle()

    for _ in range(4):
        slow_rig.pass_time(LEASE_S)
        archive.report_later(slow_rig.services)

    assert slow_rig.delivery_states() == {"COMMITTED"}
    assert len(archive.sent) == 3


def test_a_report_that_is_faster_than_the_answer_to_its_request_is_believed(
    slow_rig: Rig, archive: RecordingArchive
) -> None:

    def report_before_answering(_: str) -> None:
        archive.report_later(slow_rig.services)

    archive.after_ask = report_before_answering
    slow_rig.screen(make_film(z=-3))

    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_a_late_failure_of_an_old_transaction_does_not_undo_a_commitment(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    archive.says = CommitmentAnswer.MISSING
    slow_rig.screen(make_film(z=-3))
    archive.says = None
    slow_rig.pass_time(OVERDUE_S)

    archive.reports_to_come.reverse()
    archive.report_later(slow_rig.services)

    assert slow_rig.delivery_states() == {"COMMITTED"}
    assert len(archive.sent) == 3


def test_an_archive_that_lists_late_is_looked_up_again_before_anything_is_sent_again(
    make_rig: MakeRig,
) -> None:
    archive = RecordingArchive(confirm_by=ConfirmBy.QUERY)
    rig = make_rig(archive)
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    for stage in ("conclude", "report", "deliver pacs"):
        rig.run(stage)
    indexed = dict(archive.kept)
    archive.kept.clear()
    rig.run_until_idle()
    archive.kept.update(indexed)

    rig.pass_time(10)

    assert rig.delivery_states() == {"VERIFIED"}
    assert len(archive.sent) == 3


def test_an_archive_without_commitment_that_lost_an_object_gets_it_again(
    make_rig: MakeRig,
) -> None:
    archive = RecordingArchive(confirm_by=ConfirmBy.QUERY)
    rig = make_rig(archive)
    archive.forgets = True
    rig.screen(make_film(z=-3))
    archive.forgets = False

    for _ in range(6):
        rig.pass_time(100)

    assert rig.delivery_states() == {"VERIFIED"}
    assert len(archive.kept) == 3


def test_a_verified_object_is_committed_when_the_archive_says_so_after_all(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    for _ in range(4):
        slow_rig.pass_time(OVERDUE_S)
    verified = slow_rig.delivery_states()

    archive.report_later(slow_rig.services)

    assert verified == {"VERIFIED"}
    assert slow_rig.delivery_states() == {"COMMITTED"}


def test_a_report_may_name_objects_that_we_do_not_know(
    slow_rig: Rig, archive: RecordingArchive
) -> None:
    slow_rig.screen(make_film(z=-3))
    [report] = archive.reports_to_come
    stranger = ("1.2.3", SopInstanceUid("2.25.99"))
    archive.reports_to_come[:] = [
        CommitmentReport(
            calling_ae=report.calling_ae,
            transaction_uid=report.transaction_uid,
            committed=(stranger, *report.committed),
            failed=(),
        )
    ]

    archive.report_later(slow_rig.services)

    assert slow_rig.delivery_states() == {"COMMITTED"}
