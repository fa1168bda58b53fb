"""Sending to archives that are there, away, unwilling, slow or rude."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType

from screener.domain.delivery import StoreAnswer
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, UnreadableInstance
from screener.domain.identifiers import AeTitle
from screener.network.archive_scp import SmallArchive
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.server import Server
from screener.network.store_scu import Sender, StoreReply, echo
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    IMPLICIT,
    SC,
    SHORT,
    SR,
    RecordingNode,
    Start,
    instance_uid,
    make_instance,
)
from tests.support import servers

pytestmark = pytest.mark.usefixtures("flat")


def sender_to(peer: Peer, *kinds: str, timeouts: Timeouts = SHORT) -> Sender:
    pairs = [(kind, EXPLICIT) for kind in kinds or (DX,)]
    return Sender(peer, calling_ae="SENDER", kinds=pairs, timeouts=timeouts)


def peer_at(port: int, host: str = "127.0.0.1") -> Peer:
    return Peer(name="main archive", ae_title=AeTitle("ARCHIVE"), host=host, port=port)


@contextmanager
def rude_archive(*handlers: EventHandlerType) -> Iterator[Peer]:
    server = Server(
        ae_title="ARCHIVE",
        host="127.0.0.1",
        port=0,
        contexts=[build_context(DX, EXPLICIT)],
        handlers=handlers,
        maximum_associations=5,
        timeouts=SHORT,
    )
    server.start()
    try:
        yield peer_at(server.port)
    finally:
        server.stop(wait_s=0)


class TestBytes:
    def test_dcmtk_receives_a_film_a_report_and_a_capture_byte_for_byte(
        self, tmp_path: Path
    ) -> None:
        files = [make_instance(1, side=500), make_instance(2, kind=SR), make_instance(3, kind=SC)]
        folder = tmp_path / "received"

        with servers.storescp(folder) as peer, sender_to(peer, DX, SR, SC) as sender:
            replies = [sender.send(file) for file in files]

        assert replies == [StoreReply(answer=StoreAnswer.KEPT, status=0)] * 3
        received = [path.read_bytes() for path in folder.iterdir()]
        assert len(received) == 3
        for file in files:
            data_set = file[file.index(b"\x08\x00\x16\x00UI") :]
            assert any(one.endswith(data_set) for one in received)

    def test_a_file_goes_out_like_its_bytes(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        file = make_instance(1)
        path = tmp_path / "film.dcm"
        path.write_bytes(file)

        with sender_to(start()) as sender:
            sender.send(path)
            sender.send(file)

        first, second = node.instances
        assert first.data_set == second.data_set
        assert file.endswith(first.data_set)

    @pytest.mark.parametrize("missing", [1, 100, 399])
    def test_a_truncated_data_set_goes_out_as_it_is(
        self, node: RecordingNode, start: Start, missing: int
    ) -> None:
        whole = make_instance(1)

        with sender_to(start()) as sender:
            sender.send(whole)
            reply = sender.send(whole[:-missing])

        assert reply.answer is StoreAnswer.KEPT
        first, second = node.instances
        assert second.data_set == first.data_set[:-missing]

    def test_what_is_no_dicom_file_is_not_sent(
        self, node: RecordingNode, start: Start, tmp_path: Path
    ) -> None:
        with sender_to(start()) as sender:
            for wrong in (b"", b"no DICOM" * 100, tmp_path / "missing.dcm", make_instance(1)[:140]):
                with pytest.raises(UnreadableInstance):
                    sender.send(wrong)
            reply = sender.send(make_instance(2))

        assert reply.answer is StoreAnswer.KEPT
        assert [one.sop_instance_uid for one in node.instances] == [instance_uid(2)]


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "answer"),
        [
            (0x0000, StoreAnswer.KEPT),
            (0xB000, StoreAnswer.KEPT),
            (0xB007, StoreAnswer.KEPT),
            (0xA700, StoreAnswer.BUSY),
            (0x0110, StoreAnswer.BUSY),
            (0x0122, StoreAnswer.REFUSED),
            (0xA900, StoreAnswer.REFUSED),
            (0xC123, StoreAnswer.REFUSED),
        ],
    )
    def test_an_answer_is_classed_and_its_status_told(
        self, tmp_path: Path, status: int, answer: StoreAnswer
    ) -> None:
        class Opinionated(SmallArchive):
            def answer_store(self, sop_class_uid: str, sop_instance_uid: str) -> int:
                return status

        with Opinionated(tmp_path) as archive:
            with sender_to(archive.peer) as sender:
                reply = sender.send(make_instance(1))
            kept_count = len(archive.instances)

        assert reply == StoreReply(answer=answer, status=status)
        assert kept_count == (1 if answer is StoreAnswer.KEPT else 0)

    def test_a_refused_object_does_not_stop_the_next(self, tmp_path: Path) -> None:
        class Picky(SmallArchive):
            def answer_store(self, sop_class_uid: str, sop_instance_uid: str) -> int:
                return 0xC000 if sop_instance_uid == instance_uid(1) else 0x0000

        with Picky(tmp_path) as archive, sender_to(archive.peer) as sender:
            answers = [sender.send(make_instance(n)).answer for n in (1, 2)]

        assert answers == [StoreAnswer.REFUSED, StoreAnswer.KEPT]


class TestArchivesThatAreAway:
    def test_nobody_listens(self) -> None:
        peer = peer_at(servers.free_port())

        with pytest.raises(ArchiveUnreachable, match=rf"main archive \(ARCHIVE@.*:{peer.port}\)"):
            sender_to(peer).__enter__()
        with pytest.raises(ArchiveUnreachable):
            echo(peer, calling_ae="SENDER", timeouts=SHORT)

    def test_its_name_cannot_be_resolved(self) -> None:
        with pytest.raises(ArchiveUnreachable, match="check host and port"):
            sender_to(peer_at(104, host="no-such-host.invalid")).__enter__()

    def test_it_accepts_connections_and_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            peer = peer_at(silent.getsockname()[1])
            started = time.monotonic()

            with pytest.raises(ArchiveUnreachable):
                sender_to(peer, timeouts=replace(SHORT, acse_s=0.5)).__enter__()

        assert time.monotonic() - started < 3

    def test_it_aborts_in_the_middle_of_a_store(self) -> None:
        def abort(event: Event) -> int:
            event.assoc.abort()
            return 0

        with rude_archive((evt.EVT_C_STORE, abort)) as peer, sender_to(peer) as sender:
            with pytest.raises(ArchiveUnreachable, match="broke the association"):
                sender.send(make_instance(1))
            with pytest.raises(ArchiveUnreachable, match="is over"):
                sender.send(make_instance(1))

    def test_its_connection_is_lost_in_the_middle_of_a_data_set(self) -> None:
        def cut(event: Event) -> None:
            wrapper = event.assoc.dul.socket
            if len(event.data) > 10_000 and wrapper and wrapper.socket:
                wrapper.socket.shutdown(socket.SHUT_RDWR)

        with (
            rude_archive((evt.EVT_DATA_RECV, cut)) as peer,
            sender_to(peer) as sender,
            pytest.raises(ArchiveUnreachable),
        ):
            sender.send(make_instance(1, side=1000))

    def test_it_does_not_answer_a_store_in_time(self) -> None:
        answer = threading.Event()

        def dawdle(_: Event) -> int:
            answer.wait(5)
            return 0

        started = time.monotonic()
        with rude_archive((evt.EVT_C_STORE, dawdle)) as peer, ExitStack() as stack:
            stack.callback(answer.set)
            with sender_to(peer, timeouts=replace(SHORT, dimse_s=0.3)) as sender:
                with pytest.raises(ArchiveUnreachable, match=r"within 0\.3 s"):
                    sender.send(make_instance(1))
                with pytest.raises(ArchiveUnreachable, match="is over"):
                    sender.send(make_instance(1))
            took_s = time.monotonic() - started

        assert took_s < SHORT.acse_s / 2

    def test_it_may_think_for_longer_than_a_caller_may_be_silent(self) -> None:
        def think(_: Event) -> int:
            threading.Event().wait(1)
            return 0

        with (
            rude_archive((evt.EVT_C_STORE, think)) as peer,
            sender_to(peer, timeouts=replace(SHORT, idle_s=0.3)) as sender,
        ):
            assert sender.send(make_instance(1)).answer is StoreAnswer.KEPT

    def test_a_slow_line_is_not_taken_for_an_archive_that_does_not_answer(self) -> None:
        def shrink_window(event: Event) -> None:
            wrapper = event.assoc.dul.socket
            if wrapper and wrapper.socket:
                wrapper.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)

        def read_slowly(event: Event) -> None:
            if len(event.data) > 10_000:
                threading.Event().wait(0.035)

        handlers: list[EventHandlerType] = [
            (evt.EVT_CONN_OPEN, shrink_window),
            (evt.EVT_DATA_RECV, read_slowly),
            (evt.EVT_C_STORE, lambda _: 0),
        ]
        timeouts = replace(SHORT, dimse_s=2.2)
        started = time.monotonic()
        with rude_archive(*handlers) as peer, sender_to(peer, timeouts=timeouts) as sender:
            reply = sender.send(make_instance(1, side=2500))

        assert reply.answer is StoreAnswer.KEPT
        assert time.monotonic() - started > timeouts.dimse_s

    def test_it_stops_reading_in_the_middle_of_a_data_set(self) -> None:
        read_on = threading.Event()

        def stall(event: Event) -> None:
            if len(event.data) > 10_000:
                read_on.wait(10)

        timeouts = Timeouts(connect_s=2, acse_s=1, dimse_s=0.5, idle_s=0.5)
        started = time.monotonic()
        with rude_archive((evt.EVT_DATA_RECV, stall)) as peer, ExitStack() as stack:
            stack.callback(read_on.set)
            with pytest.raises(ArchiveUnreachable), sender_to(peer, timeouts=timeouts) as sender:
                sender.send(make_instance(1, side=4000))
            took_s = time.monotonic() - started

        assert took_s < 5


def test_neither_end_waits_to_fill_a_packet() -> None:
    def no_delay(association: Association) -> int:
        wrapper = association.dul.socket
        assert wrapper is not None
        assert wrapper.socket is not None
        return wrapper.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    ends: list[int] = []

    def note(event: Event) -> int:
        ends.append(no_delay(event.assoc))
        return 0

    with rude_archive((evt.EVT_C_STORE, note)) as peer, sender_to(peer) as sender:
        assert sender._association is not None
        ends.append(no_delay(sender._association))
        sender.send(make_instance(1))

    assert len(ends) == 2
    assert all(ends)


class TestArchivesThatRefuse:
    def test_the_association_is_rejected(self, node: RecordingNode, start: Start) -> None:
        sender = Sender(start(), calling_ae="STRANGER", kinds=[(DX, EXPLICIT)], timeouts=SHORT)

        with pytest.raises(AssociationRejected, match="that it knows our AE title STRANGER"):
            sender.__enter__()

    def test_no_context_is_accepted(self, start: Start) -> None:
        with pytest.raises(AssociationRejected, match="accepts none of: Comprehensive SR Storage"):
            sender_to(start(contexts=[(DX, [EXPLICIT])]), SR).__enter__()

    def test_one_kind_is_not_accepted(self, start: Start) -> None:
        with sender_to(start(contexts=[(DX, [EXPLICIT])]), DX, SR) as sender:
            with pytest.raises(AssociationRejected, match="does not accept Comprehensive SR"):
                sender.send(make_instance(1, kind=SR))
            assert sender.send(make_instance(2)).answer is StoreAnswer.KEPT

    def test_only_implicit_vr_is_accepted(self, node: RecordingNode, start: Start) -> None:
        peer = start(contexts=[(DX, [IMPLICIT])])

        with (
            sender_to(peer) as sender,
            pytest.raises(AssociationRejected, match="only in Implicit VR Little Endian"),
        ):
            sender.send(make_instance(1))
        assert node.instances == []

    def test_more_kinds_than_an_association_holds_are_a_mistake_of_ours(self) -> None:
        kinds = [f"1.2.{number}" for number in range(65)]

        with pytest.raises(ValueError, match="130 presentation contexts"):
            sender_to(peer_at(104), *kinds)


def test_twenty_associations_one_after_the_other_leave_nothing_behind(
    node: RecordingNode, start: Start
) -> None:
    peer = start()

    for number in range(20):
        assert echo(peer, calling_ae="SENDER", timeouts=SHORT) > 0
        with sender_to(peer) as sender:
            sender.send(make_instance(number))

    assert len(node.instances) == 20  # and the fixture `flat` looks at what is left
