"""Storage commitment between our requester, our listener and our small archive."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import build_context, build_role

from screener.domain.delivery import CommitmentAnswer
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, UnreadableInstance
from screener.domain.identifiers import AeTitle
from screener.network.archive_reports import CommitmentRequest
from screener.network.archive_scp import SmallArchive
from screener.network.association import open_association
from screener.network.commitment import CommitmentReport, request_commitment
from screener.network.peers import Peer
from screener.network.sop_classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from screener.network.store_scu import Sender
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    SHORT,
    SR,
    RecordingNode,
    Start,
    instance_uid,
    make_instance,
    peer_of,
)
from tests.support import servers
from tests.support.servers import await_condition, free_port

pytestmark = pytest.mark.usefixtures("flat")

TRANSACTION = "1.2.826.0.1.987654321.9"


def archive_in(folder: Path, report_to: Peer | None = None, *, same: bool = False) -> SmallArchive:
    return SmallArchive(
        folder,
        report_to=report_to,
        report_on_same_association=same,
        report_delays_s=[0.1] * 50,
        timeouts=SHORT,
    )


def fill(archive: SmallArchive, *numbers: int) -> None:
    with Sender(
        archive.peer, calling_ae="SENDER", kinds=[(DX, EXPLICIT)], timeouts=SHORT
    ) as sender:
        for number in numbers:
            sender.send(make_instance(number))


def ask(
    peer: Peer,
    *instances: tuple[str, str],
    reports: list[CommitmentReport] | None = None,
    wait_s: float = 0.0,
    keep: bool = True,
) -> None:
    def note(report: CommitmentReport) -> bool:
        if reports is not None:
            reports.append(report)
        return keep

    request_commitment(
        peer,
        calling_ae="SENDER",
        transaction_uid=TRANSACTION,
        instances=instances,
        on_report=note,
        wait_s=wait_s,
        timeouts=SHORT,
    )


class TestOnANewAssociation:
    def test_what_is_kept_is_committed_and_the_rest_failed(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        with archive_in(tmp_path, start()) as archive:
            fill(archive, 1, 2)
            ask(
                archive.peer,
                (DX, instance_uid(1)),
                (SR, instance_uid(2)),
                (DX, instance_uid(3)),
            )
            await_condition(lambda: node.reports)

        (report,) = node.reports
        assert (report.calling_ae, report.transaction_uid) == ("ARCHIVE", TRANSACTION)
        assert report.committed == ((DX, instance_uid(1)),)
        assert report.failed == (
            (SR, instance_uid(2), CommitmentAnswer.FAILED),
            (DX, instance_uid(3), CommitmentAnswer.MISSING),
        )

    def test_the_answer_is_what_is_on_disk_when_the_report_is_made(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        with archive_in(tmp_path, start()) as archive:
            fill(archive, 1)
            (tmp_path / f"{instance_uid(1)}.dcm").unlink()
            ask(archive.peer, (DX, instance_uid(1)))
            await_condition(lambda: node.reports)

        assert node.reports[0].failed == ((DX, instance_uid(1), CommitmentAnswer.MISSING),)

    def test_a_report_that_we_could_not_take_comes_again(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        node.keeps_reports = False
        with archive_in(tmp_path, start()) as archive:
            fill(archive, 1)
            ask(archive.peer, (DX, instance_uid(1)))
            await_condition(lambda: len(node.reports) >= 2)
            node.keeps_reports = True
            await_condition(lambda: not list((tmp_path / "commitments").iterdir()))

        assert {report.committed for report in node.reports} == {((DX, instance_uid(1)),)}

    def test_the_archive_reports_when_we_are_back(
        self, node: RecordingNode, tmp_path: Path
    ) -> None:
        port = free_port()
        away = Peer(name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=port)
        with archive_in(tmp_path, away) as archive:
            fill(archive, 1)
            ask(archive.peer, (DX, instance_uid(1)))
            with node.listener(port=port):
                await_condition(lambda: node.reports)

        assert node.reports[0].committed == ((DX, instance_uid(1)),)

    def test_a_request_outlives_a_restart_of_the_archive(
        self, node: RecordingNode, tmp_path: Path
    ) -> None:
        away = Peer(name="x", ae_title=AeTitle("X"), host="127.0.0.1", port=free_port())
        with archive_in(tmp_path, away) as archive:
            fill(archive, 1)
            ask(archive.peer, (DX, instance_uid(1)))

        torn = tmp_path / "commitments" / ".in-1.2.3.json"
        torn.write_text('{"transaction')
        with node.listener() as listener, archive_in(tmp_path, peer_of(listener)):
            await_condition(lambda: node.reports)

        assert node.reports[0].committed == ((DX, instance_uid(1)),)
        assert not torn.exists()

    def test_tests_can_make_the_archive_fail_commitments(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        class Forgetful(SmallArchive):
            def answer_commitment(self, request: CommitmentRequest) -> list[int | None]:
                return [0x0213 for _ in request.references]

        with Forgetful(tmp_path, report_to=start(), timeouts=SHORT) as archive:
            fill(archive, 1)
            ask(archive.peer, (DX, instance_uid(1)))
            await_condition(lambda: node.reports)

        assert node.reports[0].failed == ((DX, instance_uid(1), CommitmentAnswer.FAILED),)


class TestOnTheSameAssociation:
    def test_the_report_is_taken_in_the_callers_thread(self, tmp_path: Path) -> None:
        threads: list[threading.Thread] = []
        reports: list[CommitmentReport] = []

        def take(report: CommitmentReport) -> bool:
            threads.append(threading.current_thread())
            reports.append(report)
            return True

        with archive_in(tmp_path, same=True) as archive:
            fill(archive, 1)
            request_commitment(
                archive.peer,
                calling_ae="SENDER",
                transaction_uid=TRANSACTION,
                instances=[(DX, instance_uid(1)), (DX, instance_uid(2))],
                on_report=take,
                wait_s=5,
                timeouts=SHORT,
            )
            await_condition(lambda: not list((tmp_path / "commitments").iterdir()))

        assert threads == [threading.current_thread()]
        assert reports[0].calling_ae == "ARCHIVE"
        assert reports[0].committed == ((DX, instance_uid(1)),)
        assert reports[0].failed == ((DX, instance_uid(2), CommitmentAnswer.MISSING),)

    def test_one_that_we_do_not_wait_for_comes_on_a_new_association(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        with archive_in(tmp_path, start(), same=True) as archive:
            fill(archive, 1)
            started = time.monotonic()
            ask(archive.peer, (DX, instance_uid(1)))
            took_s = time.monotonic() - started
            await_condition(lambda: node.reports)

        assert node.reports[0].committed == ((DX, instance_uid(1)),)
        assert took_s < SHORT.acse_s / 2, "the crossing of report and release held us up"

    def test_one_that_we_could_not_take_comes_again(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        reports: list[CommitmentReport] = []
        with archive_in(tmp_path, start(), same=True) as archive:
            fill(archive, 1)
            ask(archive.peer, (DX, instance_uid(1)), reports=reports, wait_s=5, keep=False)
            await_condition(lambda: node.reports)

        assert reports == node.reports

    def test_what_the_taking_raises_is_raised_and_the_archive_told_of_the_failure(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        def fail(_: CommitmentReport) -> bool:
            raise OSError("disk on fire")

        with archive_in(tmp_path, start(), same=True) as archive:
            fill(archive, 1)
            with pytest.raises(OSError, match="disk on fire"):
                request_commitment(
                    archive.peer,
                    calling_ae="SENDER",
                    transaction_uid=TRANSACTION,
                    instances=[(DX, instance_uid(1))],
                    on_report=fail,
                    wait_s=5,
                    timeouts=SHORT,
                )
            await_condition(lambda: node.reports)

    def test_a_report_that_never_comes_is_not_waited_for_longer_than_said(
        self, tmp_path: Path
    ) -> None:
        reports: list[CommitmentReport] = []
        with archive_in(tmp_path) as archive:
            ask(archive.peer, (DX, instance_uid(1)), reports=reports, wait_s=0.2)

        assert reports == []

    def test_an_archive_that_leaves_is_not_waited_for(self, tmp_path: Path) -> None:
        archive = archive_in(tmp_path)
        archive.start()
        leaving = threading.Timer(0.2, archive.stop, [0])
        leaving.start()
        started = time.monotonic()

        ask(archive.peer, (DX, instance_uid(1)), wait_s=30)

        leaving.join()
        assert time.monotonic() - started < 10


class TestArchivesThatDoNot:
    def test_one_without_storage_commitment_says_what_to_set(self, tmp_path: Path) -> None:
        with (
            servers.storescp(tmp_path / "received") as peer,
            pytest.raises(AssociationRejected, match='set `confirm_by = "query"`'),
        ):
            ask(peer, (DX, instance_uid(1)))

    def test_one_that_is_away_is_unreachable(self) -> None:
        peer = Peer(name="x", ae_title=AeTitle("X"), host="127.0.0.1", port=free_port())

        with pytest.raises(ArchiveUnreachable):
            ask(peer, (DX, instance_uid(1)))

    def test_we_are_none_ourselves(self, node: RecordingNode, start: Start) -> None:
        with pytest.raises(AssociationRejected, match="0x0211"):
            ask(start(), (DX, instance_uid(1)))


class TestReportsToTheListener:
    def report(
        self, peer: Peer, *instances: str, transaction: str | None = TRANSACTION, role: bool = True
    ) -> int:
        information = Dataset()
        if transaction is not None:
            information.TransactionUID = transaction
        information.ReferencedSOPSequence = [self.item(uid) for uid in instances]
        roles = [build_role(STORAGE_COMMITMENT, scp_role=True)] if role else []
        with open_association(
            peer,
            calling_ae="ARCHIVE",
            contexts=[build_context(STORAGE_COMMITMENT)],
            timeouts=SHORT,
            roles=roles,
        ) as association:
            answer, _ = association.send_n_event_report(
                information, 1, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
            )
        return int(answer.Status)

    def item(self, uid: str) -> Dataset:
        item = Dataset()
        item.ReferencedSOPClassUID = DX
        item.ReferencedSOPInstanceUID = uid
        return item

    def test_the_archive_is_granted_the_role_of_the_provider(self, start: Start) -> None:
        with open_association(
            start(),
            calling_ae="ARCHIVE",
            contexts=[build_context(STORAGE_COMMITMENT)],
            timeouts=SHORT,
            roles=[build_role(STORAGE_COMMITMENT, scp_role=True)],
        ) as association:
            granted = association.acceptor.role_selection[STORAGE_COMMITMENT]

        assert (granted.scu_role, granted.scp_role) == (False, True)

    @pytest.mark.parametrize("role", [True, False], ids=["roles reversed", "no roles"])
    def test_one_that_we_keep_is_answered_with_success(
        self, node: RecordingNode, start: Start, role: bool
    ) -> None:
        assert self.report(start(), instance_uid(1), role=role) == 0x0000
        assert node.reports[0].committed == ((DX, instance_uid(1)),)

    def test_one_that_we_do_not_know_is_answered_with_failure(
        self, node: RecordingNode, start: Start
    ) -> None:
        node.keeps_reports = False

        assert self.report(start(), instance_uid(1)) == 0x0110

    @pytest.mark.parametrize(
        ("transaction", "instances"),
        [(None, [instance_uid(1)]), ("1.2", ["not a uid"]), ("\\", [])],
        ids=["no transaction", "a broken instance", "a broken transaction"],
    )
    @pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
    def test_one_that_cannot_be_read_is_answered_with_failure_and_reported(
        self,
        node: RecordingNode,
        start: Start,
        capfd: pytest.CaptureFixture[str],
        transaction: str | None,
        instances: Sequence[str],
    ) -> None:
        assert self.report(start(), *instances, transaction=transaction) == 0x0110
        assert [type(error) for error in node.errors] == [UnreadableInstance]
        assert node.reports == []
        assert capfd.readouterr() == ("", "")
