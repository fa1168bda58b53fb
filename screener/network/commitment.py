"""Storage commitment: the request, and the reading of an archive's report."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.events import Event

from screener.domain.delivery import CommitmentAnswer
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, UnreadableInstance
from screener.domain.identifiers import SopInstanceUid, Uid
from screener.network import status
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.sop_classes import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    service_context,
)

#: Action Type ID of "request storage commitment" (PS3.4 table J.3.2-1).
REQUEST_COMMITMENT = 1
#: Event Type IDs (PS3.4 table J.3.3-1): all is committed; something failed.
ALL_COMMITTED, FAILURES_EXIST = 1, 2

_ADVICE = 'it offers no storage commitment: set `confirm_by = "query"` for this archive'


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentReport:
    """What an archive says about the instances of one commitment request.

    Parameters
    ----------
    calling_ae
        AE title of the archive that reports, as it gave it; nothing proves it.
    transaction_uid
        Of the request that it answers; whether there was one is for the caller to see.
    committed
        SOP class and instance UIDs that the archive promises to keep.
    failed
        The others, with what the failure means.
    """

    calling_ae: str
    transaction_uid: Uid
    committed: tuple[tuple[str, SopInstanceUid], ...] = field(repr=False)
    failed: tuple[tuple[str, SopInstanceUid, CommitmentAnswer], ...] = field(repr=False)


def request_commitment(
    peer: Peer,
    *,
    calling_ae: str,
    transaction_uid: str,
    instances: Sequence[tuple[str, str]],
    on_report: Callable[[CommitmentReport], bool],
    wait_s: float = 0.0,
    timeouts: Timeouts | None = None,
) -> None:
    """Ask an archive to promise that it keeps some instances.

    Returns once the archive has taken the request. Its report comes at any later time on an
    association of its own, to the listener; or on this one, within `wait_s`.

    Parameters
    ----------
    transaction_uid
        New for every request; stored before this is called, for the report may be faster.
    instances
        SOP class and instance UIDs, one or more.
    on_report
        Called in the caller's thread with a report that comes on this association, which is
        answered with success for True. What it raises is raised here.
    wait_s
        How long to keep the association open for a report, s.

    Raises
    ------
    ArchiveUnreachable
        No association or no answer, or the archive failed to take the request.
    AssociationRejected
        The archive rejects us or does not offer storage commitment.

    Notes
    -----
    Source: PS3.4 annex J.3 (Storage Commitment Push Model).
    """
    timeouts = timeouts or Timeouts()
    request = Dataset()
    request.TransactionUID = transaction_uid
    request.ReferencedSOPSequence = [reference(*instance) for instance in instances]
    inbox = _Inbox(timeouts.dimse_s)
    with open_association(
        peer,
        calling_ae=calling_ae,
        contexts=[service_context(STORAGE_COMMITMENT)],
        timeouts=timeouts,
        handlers=[
            (evt.EVT_N_EVENT_REPORT, inbox.take),
            (evt.EVT_CONN_CLOSE, inbox.take_end),
        ],
        advice=_ADVICE,
    ) as association:
        try:
            answer, _ = association.send_n_action(
                request,
                REQUEST_COMMITMENT,
                STORAGE_COMMITMENT,
                STORAGE_COMMITMENT_INSTANCE,
            )
        except RuntimeError as error:  # the archive was faster to abort
            raise ArchiveUnreachable(f"{peer} broke the association") from error
        _check(answer, peer)
        inbox.hand_over(on_report, peer.ae_title, wait_s)


def read_report(information: Dataset, calling_ae: str) -> CommitmentReport:
    """Read the event information of a storage commitment N-EVENT-REPORT.

    The Event Type ID is not looked at: the sequences say what failed.

    Raises
    ------
    UnreadableInstance
        The Transaction UID or a SOP Instance UID is missing or malformed.
    """
    committed = information.get("ReferencedSOPSequence") or ()
    failed = information.get("FailedSOPSequence") or ()
    try:
        return CommitmentReport(
            calling_ae=calling_ae,
            transaction_uid=Uid(information.TransactionUID),
            committed=tuple(_instance(item) for item in committed),
            failed=tuple(
                (*_instance(item), status.commitment_answer(item.get("FailureReason")))
                for item in failed
            ),
        )
    except (AttributeError, ValueError) as error:
        raise UnreadableInstance(
            f"the storage commitment report of {calling_ae} cannot be read: a UID in it is missing "
            "or malformed"
        ) from error


def reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Return an item of a Referenced SOP Sequence (0008,1199)."""
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def _instance(item: Dataset) -> tuple[str, SopInstanceUid]:
    sop_class_uid = str(item.get("ReferencedSOPClassUID") or "")
    return sop_class_uid, SopInstanceUid(item.ReferencedSOPInstanceUID)


def _check(answer: Dataset, peer: Peer) -> None:
    code = answer.get("Status")
    if code is None:
        raise ArchiveUnreachable(f"{peer} did not answer the storage commitment request")
    if code in status.NOT_OFFERED:
        raise AssociationRejected(f"{peer} answered {status.in_words(code)}: {_ADVICE}")
    if code != status.SUCCESS:
        raise ArchiveUnreachable(
            f"{peer} did not take the storage commitment request: {status.in_words(code)}"
        )


class _Inbox:
    """Hands a report from pynetdicom's thread to the caller's, and the verdict back."""

    def __init__(self, answer_within_s: float) -> None:
        self._answer_within_s = answer_within_s
        self._arrived: queue.Queue[tuple[Dataset, threading.Thread] | None] = queue.Queue()
        self._verdicts: queue.Queue[bool] = queue.Queue()

    def take(self, event: Event) -> tuple[int, None]:
        self._arrived.put((event.event_information, threading.current_thread()))
        try:
            kept = self._verdicts.get(timeout=self._answer_within_s)
        except queue.Empty:
            kept = False
        return status.report_status(taken=kept), None

    def take_end(self, _: Event) -> None:
        self._arrived.put(None)

    def hand_over(
        self, on_report: Callable[[CommitmentReport], bool], archive_ae: str, wait_s: float
    ) -> None:
        try:
            arrived = self._arrived.get(block=wait_s > 0, timeout=wait_s)
        except queue.Empty:
            return
        if arrived is None:
            return
        information, thread = arrived
        kept = False
        try:
            kept = on_report(read_report(information, archive_ae))
        except UnreadableInstance as error:  # asking again is all that can be done about it
            raise ArchiveUnreachable(str(error)) from error
        finally:
            self._verdicts.put(kept)
            # the association must not be released before the answer is on its way
            thread.join(self._answer_within_s)
