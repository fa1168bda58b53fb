"""The listener between real senders, DCMTK's and our own, and ones that misbehave."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import P_DATA

from screener.domain.delivery import StoreAnswer
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, ConfigurationError
from screener.domain.identifiers import AeTitle
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.peers import AllowedCaller, AssociationRejection, Peer, RejectionReason
from screener.network.status import StoreOutcome
from screener.network.store_scu import Sender, StoreReply, echo
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    IMPLICIT,
    NAME,
    SHORT,
    STUDY,
    RecordingNode,
    Start,
    instance_uid,
    make_instance,
    peer_of,
)
from tests.support import servers
from tests.support.servers import await_condition

pytestmark = pytest.mark.usefixtures("flat")


def send(peer: Peer, *files: bytes, timeouts: Timeouts = SHORT) -> list[StoreReply]:
    with Sender(peer, calling_ae="SENDER", kinds=[(DX, EXPLICIT)], timeouts=timeouts) as sender:
        return [sender.send(file) for file in files]


def associate(peer: Peer, replies: list[int] | None = None) -> AbstractContextManager[Association]:
    """Open an association to misbehave on; the status of each reply is added to `replies`."""

    def note(event: Event) -> None:
        if replies is not None:
            replies.append(int(event.message.command_set.Status))

    return open_association(
        peer,
        calling_ae="SENDER",
        contexts=[build_context(DX, EXPLICIT)],
        timeouts=SHORT,
        handlers=[(evt.EVT_DIMSE_RECV, note)],
    )


def store_request(**changes: str | None) -> C_STORE:
    request = C_STORE()
    request.MessageID = 7
    request.AffectedSOPClassUID = DX
    request.AffectedSOPInstanceUID = instance_uid(1)
    request.DataSet = BytesIO(b"\0" * 100_000)
    for keyword, value in changes.items():
        setattr(request, keyword, value)
    return request


def parts_of(request: C_STORE, pdu_bytes: int = 16_384) -> Sequence[P_DATA]:
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    return list(message.encode_msg(1, pdu_bytes))


def status_of(peer: Peer, request: C_STORE) -> int:
    replies: list[int] = []
    with associate(peer, replies) as association:
        association.dimse.send_msg(request, 1)
        await_condition(lambda: replies, 3, "an answer")
    (status,) = replies
    return status


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TestInstances:
    @pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
    def test_an_instance_from_dcmtk_arrives_byte_for_byte(
        self, node: RecordingNode, start: Start, tmp_path: Path, syntax: str
    ) -> None:
        file = make_instance(1, syntax=syntax, side=400)
        path = tmp_path / "film.dcm"
        path.write_bytes(file)
        option = "-xe" if syntax == EXPLICIT else "-xi"

        sent = servers.storescu(start(), path, calling_ae="SENDER", options=[option])

        assert sent.returncode == 0, sent.stdout + sent.stderr
        (instance,) = node.instances
        assert file.endswith(instance.data_set)
        assert len(instance.data_set) > 400 * 400 * 2
        assert instance.transfer_syntax_uid == syntax
        assert (instance.sop_class_uid, instance.sop_instance_uid) == (DX, instance_uid(1))
        assert (instance.calling_ae, instance.called_ae) == ("SENDER", "BMDSCREEN")
        assert instance.address == "127.0.0.1"

    def test_dcmtk_gets_an_answer_to_c_echo(self, start: Start) -> None:
        answer = servers.echoscu(start(), calling_ae="SENDER")

        assert answer.returncode == 0, answer.stdout + answer.stderr

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [
            (StoreOutcome.STORED, 0x0000),
            (StoreOutcome.LOW_SPACE, 0xA700),
            (StoreOutcome.UNREADABLE, 0xC000),
            (StoreOutcome.FAILED, 0xA700),
        ],
    )
    def test_the_sender_is_told_the_outcome(
        self, node: RecordingNode, start: Start, outcome: StoreOutcome, status: int
    ) -> None:
        node.outcome = outcome

        (reply,) = send(start(), make_instance(1))

        assert reply.status == status

    def test_an_error_of_ours_makes_the_sender_try_again_and_is_reported(
        self, node: RecordingNode, start: Start
    ) -> None:
        node.outcome = OSError("disk on fire")

        first, second = send(start(), make_instance(1), make_instance(2))

        assert (first.answer, second.answer) == (StoreAnswer.BUSY, StoreAnswer.BUSY)
        assert [str(error) for error in node.errors] == ["disk on fire"] * 2

    def test_several_senders_are_served_at_once(self, node: RecordingNode, start: Start) -> None:
        peer = start()
        node.may_store.clear()
        replies: list[StoreReply] = []
        senders = [
            threading.Thread(target=lambda n=n: replies.extend(send(peer, make_instance(n))))
            for n in range(4)
        ]

        for sender in senders:
            sender.start()
        node.may_store.set()
        for sender in senders:
            sender.join()

        assert [reply.answer for reply in replies] == [StoreAnswer.KEPT] * 4
        assert {one.sop_instance_uid for one in node.instances} == {
            instance_uid(n) for n in range(4)
        }

    def test_twenty_associations_one_after_the_other_leave_nothing_behind(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start()

        for number in range(20):
            send(peer, make_instance(number))

        assert len(node.instances) == 20  # and the fixture `flat` looks at what is left


class TestCallers:
    def test_an_unknown_caller_is_rejected_and_reported(
        self, node: RecordingNode, start: Start
    ) -> None:
        answer = servers.echoscu(start(), calling_ae="STRANGER")

        assert answer.returncode != 0
        assert "Calling AE Title Not Recognized" in answer.stdout + answer.stderr
        await_condition(lambda: node.rejections)
        assert node.rejections == [
            AssociationRejection(
                calling_ae="STRANGER",
                called_ae="BMDSCREEN",
                address="127.0.0.1",
                reason=RejectionReason.UNKNOWN_CALLER,
            )
        ]

    def test_a_caller_from_another_address_is_rejected(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start(callers=[AllowedCaller(ae_title=AeTitle("SENDER"), host="10.0.0.0/8")])

        with pytest.raises(AssociationRejected, match="Calling AE title not recognised"):
            echo(peer, calling_ae="SENDER", timeouts=SHORT)
        await_condition(lambda: node.rejections)
        assert [one.reason for one in node.rejections] == [RejectionReason.WRONG_ADDRESS]

    def test_a_call_for_another_ae_title_is_rejected(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start()
        other = Peer(name="x", ae_title=AeTitle("OTHER"), host=peer.host, port=peer.port)

        answer = servers.echoscu(other, calling_ae="SENDER")

        assert "Called AE Title Not Recognized" in answer.stdout + answer.stderr
        await_condition(lambda: node.rejections)
        assert [one.reason for one in node.rejections] == [RejectionReason.WRONG_CALLED_AE]

    def test_anybody_may_call_where_that_is_set(self, node: RecordingNode, start: Start) -> None:
        assert echo(start(allow_any_caller=True), calling_ae="STRANGER", timeouts=SHORT) < 3
        assert node.rejections == []

    def test_more_associations_than_allowed_are_rejected_until_one_ends(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start(maximum_associations=2)

        with (
            associate(peer),
            associate(peer),
            pytest.raises(AssociationRejected, match="limit exceeded; it may"),
        ):
            echo(peer, calling_ae="SENDER", timeouts=SHORT)
        await_condition(lambda: node.rejections)
        assert [one.reason for one in node.rejections] == [RejectionReason.TOO_MANY]

        def is_let_in() -> bool:
            try:
                return echo(peer, calling_ae="SENDER", timeouts=SHORT) > 0
            except AssociationRejected:
                return False

        await_condition(is_let_in, what="a free association")

    def test_a_context_that_is_not_offered_is_refused_and_the_rest_taken(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        peer = start(contexts=[(DX, [EXPLICIT])])
        kinds = [(DX, EXPLICIT), (DX, IMPLICIT)]

        with Sender(peer, calling_ae="SENDER", kinds=kinds, timeouts=SHORT) as sender:
            with pytest.raises(AssociationRejected, match="only in Explicit VR Little Endian"):
                sender.send(make_instance(1, syntax=IMPLICIT))
            reply = sender.send(make_instance(2))

        assert reply.answer is StoreAnswer.KEPT
        assert [one.sop_instance_uid for one in node.instances] == [instance_uid(2)]

    def test_pdus_of_128_kib_are_offered(self, start: Start) -> None:
        with associate(start()) as association:
            assert association.acceptor.maximum_length == 128 * 1024


class TestSendersThatMisbehave:
    def test_one_that_aborts_in_mid_data_set_leaves_nothing(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start()

        with associate(peer) as association:
            for part in islice(parts_of(store_request()), 4):
                association.dul.send_pdu(part)
            association.abort()

        assert send(peer, make_instance(2))[0].answer is StoreAnswer.KEPT
        assert [one.sop_instance_uid for one in node.instances] == [instance_uid(2)]
        assert node.errors == []

    def test_one_that_vanishes_in_mid_pdu_does_not_hold_a_thread_for_ever(
        self, node: RecordingNode, start: Start
    ) -> None:
        peer = start(timeouts=Timeouts(acse_s=0.5, idle_s=0.5))
        before = threading.active_count()

        with socket.create_connection((peer.host, peer.port)) as half_open:
            half_open.sendall(struct.pack(">BBL", 1, 0, 500) + b"\0" * 100)
            await_condition(lambda: threading.active_count() > before, what="a new thread")
            await_condition(lambda: threading.active_count() <= before, 5, "the end of its thread")

    @pytest.mark.parametrize(
        "changes",
        [
            {"AffectedSOPInstanceUID": None},
            {"AffectedSOPClassUID": None},
            {"AffectedSOPInstanceUID": None, "AffectedSOPClassUID": None},
        ],
        ids=["no instance", "no class", "neither"],
    )
    def test_a_request_without_uids_is_answered_unreadable(
        self, node: RecordingNode, start: Start, changes: dict[str, None]
    ) -> None:
        status = status_of(start(), store_request(**changes))

        assert status == 0xC000
        assert node.instances == []

    @pytest.mark.parametrize(
        ("uid", "as_handed_over"),
        [
            ("1.2.3 ", "1.2.3"),
            ("1.2.3\0\0", "1.2.3"),
            ("not a uid", "not a uid"),
            ("../../etc/passwd", "../../etc/passwd"),
            ("1." * 40 + "1", "1." * 40 + "1"),
        ],
        ids=["padded with a space", "padded with nulls", "letters", "path", "too long"],
    )
    def test_a_request_with_an_odd_uid_is_handed_over_quietly(
        self,
        node: RecordingNode,
        start: Start,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
        uid: str,
        as_handed_over: str,
    ) -> None:
        status = status_of(start(), store_request(AffectedSOPInstanceUID=uid))

        assert status == 0x0000
        assert [one.sop_instance_uid for one in node.instances] == [as_handed_over]
        assert (*capfd.readouterr(), caplog.text) == ("", "", "")

    def test_one_that_sends_an_unknown_message_is_cut_off_quietly(
        self, node: RecordingNode, start: Start, capfd: pytest.CaptureFixture[str]
    ) -> None:
        peer = start()
        (command, *_) = parts_of(store_request())
        context_id, data = command.presentation_data_value_list[0]
        garbage = P_DATA()
        garbage.presentation_data_value_list.append((context_id, data[:1] + b"\xff" * 60))

        with associate(peer) as association:
            association.dul.send_pdu(garbage)
            await_condition(lambda: not association.is_established, 5, "the end of it")

        assert send(peer, make_instance(1))[0].answer is StoreAnswer.KEPT
        assert capfd.readouterr() == ("", "")


class TestStartAndStop:
    def test_a_busy_port_is_named(self, node: RecordingNode, start: Start) -> None:
        port = start().port

        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}"):
            node.listener(port=port).start()

    def test_a_host_that_is_not_ours_is_named(self, node: RecordingNode) -> None:
        with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
            node.listener(host="192.0.2.1").start()

    def test_the_same_port_can_be_bound_again_after_a_stop(self, node: RecordingNode) -> None:
        with node.listener() as first:
            send(peer_of(first), make_instance(1))

        with node.listener(port=first.port) as second:
            (reply,) = send(peer_of(second), make_instance(2))

        assert reply.answer is StoreAnswer.KEPT

    def test_a_stop_waits_for_an_instance_that_is_being_stored(self, node: RecordingNode) -> None:
        node.may_store.clear()
        listener = node.listener()
        listener.start()
        replies: list[StoreReply] = []
        sender = threading.Thread(
            target=lambda: replies.extend(send(peer_of(listener), make_instance(1)))
        )
        sender.start()
        assert node.storing.wait(5)

        stopping = threading.Thread(target=listener.stop)
        stopping.start()
        await_condition(lambda: not is_open(listener.port), what="a closed port")
        node.may_store.set()
        stopping.join()
        sender.join()

        assert [reply.answer for reply in replies] == [StoreAnswer.KEPT]

    def test_a_stop_does_not_wait_for_ever_for_a_silent_sender(self, node: RecordingNode) -> None:
        listener = node.listener()
        listener.start()
        sender = Sender(
            peer_of(listener), calling_ae="SENDER", kinds=[(DX, EXPLICIT)], timeouts=SHORT
        )

        with sender:
            listener.stop(wait_s=0.1)
            with pytest.raises(ArchiveUnreachable):
                sender.send(make_instance(1))


def test_nothing_identifying_is_printed_or_logged(
    node: RecordingNode,
    start: Start,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    node.outcome = ValueError(f"{NAME} {STUDY}")

    send(start(), make_instance(1))

    printed = "".join(capfd.readouterr()) + caplog.text + repr(node.instances)
    assert NAME not in printed
    assert "987654321" not in printed
