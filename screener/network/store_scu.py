"""Sending instances to an archive by C-STORE, byte for byte as they are."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext

from screener.dicom.dataset import LIBRARY_ERRORS
from screener.domain.delivery import StoreAnswer
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, UnreadableInstance
from screener.network import status
from screener.network.association import kinds_in_words, open_association
from screener.network.entity import Timeouts, give_up
from screener.network.peers import Peer
from screener.network.sop_classes import VERIFICATION, service_context

_FILE_META_GROUP = 0x0002
_MESSAGE_IDS = 1 << 16
#: PS3.8 section 9.3.2.2: context IDs are odd and below 256.
_MAXIMUM_CONTEXTS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReply:
    """What an archive answered to one C-STORE, and the status code that it used."""

    answer: StoreAnswer
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part10:
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: bytes = field(repr=False)


class Sender:
    """One association to one archive, over which instances are sent: a context manager.

    Parameters
    ----------
    kinds
        SOP class and transfer syntax UIDs of what is going to be sent.

    Notes
    -----
    Each transfer syntax is proposed in a context of its own, so that the archive cannot choose
    one that the bytes at hand are not in; beside Explicit VR Little Endian also the Implicit one,
    which every archive knows (PS3.5 section 10.1), so that a refusal can say what would do.
    """

    def __init__(
        self,
        peer: Peer,
        *,
        calling_ae: str,
        kinds: Iterable[tuple[str, str]],
        timeouts: Timeouts | None = None,
    ) -> None:
        self._peer = peer
        self._calling_ae = calling_ae
        self._contexts = _proposed(kinds)
        self._timeouts = timeouts or Timeouts()
        self._resources = ExitStack()
        self._association: Association | None = None
        self._replies: queue.Queue[C_STORE_RSP | None] = queue.Queue()
        self._message_id = 0
        self._sent_at = 0.0

    def __enter__(self) -> Self:
        self._association = self._resources.enter_context(
            open_association(
                self._peer,
                calling_ae=self._calling_ae,
                contexts=self._contexts,
                timeouts=self._timeouts,
                handlers=[
                    (evt.EVT_DIMSE_RECV, self._take_reply),
                    (evt.EVT_CONN_CLOSE, self._take_end),
                    (evt.EVT_PDU_SENT, self._note_progress),
                ],
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, error, trace)

    def send(self, instance: Path | bytes) -> StoreReply:
        """Send one DICOM file; its data set goes out exactly as it is, a truncated one too.

        Parameters
        ----------
        instance
            A Part 10 file, or its bytes.

        Raises
        ------
        ArchiveUnreachable
            The connection was lost, or there was no answer in time: the sender is of no more use.
        AssociationRejected
            The archive accepts no context for this object; others may still be sent.
        UnreadableInstance
            The file cannot be read, or is not a DICOM file.
        """
        part10 = _read_part10(instance)
        association = self._association
        if association is None or not association.is_established:
            raise ArchiveUnreachable(f"the association with {self._peer} is over")
        self._message_id = self._message_id % (_MESSAGE_IDS - 1) + 1
        request = C_STORE()
        request.MessageID = self._message_id
        request.AffectedSOPClassUID = part10.sop_class_uid
        request.AffectedSOPInstanceUID = part10.sop_instance_uid
        request.DataSet = BytesIO(part10.data_set)
        self._sent_at = time.monotonic()
        association.dimse.send_msg(request, self._context_id(association, part10))
        try:
            code = self._await_status()
        except ArchiveUnreachable:
            self._association = None
            give_up(association)
            raise
        return StoreReply(answer=status.store_answer(code), status=code)

    def _context_id(self, association: Association, part10: _Part10) -> int:
        accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0])): context.context_id
            for context in association.accepted_contexts
        }
        found = accepted.get((part10.sop_class_uid, part10.transfer_syntax_uid))
        if found is not None:
            return found
        kind = kinds_in_words([part10.sop_class_uid])
        syntax = UID(part10.transfer_syntax_uid).name
        others = [
            UID(other).name for sop_class, other in accepted if sop_class == part10.sop_class_uid
        ]
        raise AssociationRejected(
            f"{self._peer} does not accept {kind} in {syntax}"
            + (f", only in {', '.join(others)}: re-encoding is not done" if others else "")
        )

    def _await_status(self) -> int:
        while True:
            left_s = self._sent_at + self._timeouts.dimse_s - time.monotonic()
            if left_s <= 0:
                raise ArchiveUnreachable(
                    f"{self._peer} did not answer C-STORE within {self._timeouts.dimse_s:g} s"
                )
            try:
                reply = self._replies.get(timeout=left_s)
            except queue.Empty:
                continue
            if reply is None:
                raise ArchiveUnreachable(f"{self._peer} broke the association during C-STORE")
            command = reply.command_set
            if command.get("MessageIDBeingRespondedTo") == self._message_id:
                code = command.get("Status")
                if isinstance(code, int):
                    return code
                raise ArchiveUnreachable(f"{self._peer} answered C-STORE without a status")

    def _take_reply(self, event: Event) -> None:
        if isinstance(event.message, C_STORE_RSP):
            self._replies.put(event.message)

    def _note_progress(self, _: Event) -> None:
        self._sent_at = time.monotonic()

    def _take_end(self, _: Event) -> None:
        self._replies.put(None)


def echo(peer: Peer, *, calling_ae: str, timeouts: Timeouts | None = None) -> float:
    """Ask a peer whether it is there, and return how long that took with the association, s.

    Raises
    ------
    ArchiveUnreachable
        It is not, or does not answer C-ECHO with success.
    AssociationRejected
        It is, and does not want us.
    """
    started = time.perf_counter()
    with open_association(
        peer,
        calling_ae=calling_ae,
        contexts=[service_context(VERIFICATION)],
        timeouts=timeouts or Timeouts(),
    ) as association:
        try:
            code = association.send_c_echo().get("Status")
        except RuntimeError as error:  # the archive was faster to abort
            raise ArchiveUnreachable(f"{peer} broke the association") from error
    if code is None:
        raise ArchiveUnreachable(f"{peer} did not answer C-ECHO")
    if code != status.SUCCESS:
        raise ArchiveUnreachable(f"{peer} answered C-ECHO with {status.in_words(code)}")
    return time.perf_counter() - started


def proposed_kinds(kinds: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the SOP class and transfer syntax of each context that is proposed for some objects.

    Parameters
    ----------
    kinds
        SOP class and transfer syntax UIDs of the objects.
    """
    wanted: dict[tuple[str, str], None] = {}
    for sop_class_uid, transfer_syntax_uid in kinds:
        wanted[sop_class_uid, transfer_syntax_uid] = None
        if transfer_syntax_uid == ExplicitVRLittleEndian:
            wanted[sop_class_uid, str(ImplicitVRLittleEndian)] = None
    return list(wanted)


def _proposed(kinds: Iterable[tuple[str, str]]) -> list[PresentationContext]:
    """Return one context for each SOP class and transfer syntax."""
    wanted = proposed_kinds(kinds)
    if len(wanted) > _MAXIMUM_CONTEXTS:
        raise ValueError(f"{len(wanted)} presentation contexts; an association holds 128")
    return [build_context(sop_class, syntax) for sop_class, syntax in wanted]


def _read_part10(instance: Path | bytes) -> _Part10:
    """Split a DICOM file into what its file meta information says, and its encoded data set."""
    try:
        data = instance if isinstance(instance, bytes) else instance.read_bytes()
        stream = BytesIO(data)
        read_preamble(stream, force=False)
        meta = read_dataset(
            stream,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, _vr, _length: tag.group != _FILE_META_GROUP,
        )
        return _Part10(
            sop_class_uid=str(meta.MediaStorageSOPClassUID),
            sop_instance_uid=str(meta.MediaStorageSOPInstanceUID),
            transfer_syntax_uid=str(meta.TransferSyntaxUID),
            data_set=data[stream.tell() :],
        )
    except LIBRARY_ERRORS as error:
        raise UnreadableInstance(
            "the object to send cannot be read, or lacks the file meta information of a DICOM file"
        ) from error
