"""The small archive's storage commitment reports: kept until the requester has taken them."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom import build_context, build_role
from pynetdicom.association import Association

from screener.domain.errors import ArchiveUnreachable, AssociationRejected, UnreadableInstance
from screener.domain.identifiers import SopInstanceUid, Uid
from screener.network import status
from screener.network.archive_folder import clear_left_overs, write_durably
from screener.network.association import open_association
from screener.network.commitment import ALL_COMMITTED, FAILURES_EXIST, reference
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.sop_classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRequest:
    """What a requester wants committed.

    Parameters
    ----------
    references
        SOP class and instance UIDs.
    """

    transaction_uid: Uid
    references: tuple[tuple[str, SopInstanceUid], ...] = field(repr=False)


class Reporter:
    """Report on commitment requests, one after the other, in a thread of its own.

    Parameters
    ----------
    folder
        Requests are kept here, durably, until they are reported on.
    report_to
        Who is called where the request's own association does not serve; None for nobody.
    judge
        Gives the Failure Reason of each reference, None where it is committed; asked when the
        report is made.
    delays_s
        Waits before each further attempt. After the last one the request is left for the next
        start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str,
        report_to: Peer | None,
        judge: Callable[[CommitmentRequest], Sequence[int | None]],
        delays_s: Sequence[float],
        timeouts: Timeouts,
    ) -> None:
        self._folder = folder
        self._ae_title = ae_title
        self._report_to = report_to
        self._judge = judge
        self._delays_s = tuple(delays_s)
        self._timeouts = timeouts
        self._queue: queue.Queue[tuple[CommitmentRequest, Association | None] | None]
        self._queue = queue.Queue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="CommitmentReporter")

    def start(self) -> None:
        """Begin to report, with what an earlier run left over."""
        clear_left_overs(self._folder)
        for path in sorted(self._folder.glob("*.json")):
            left_over = json.loads(path.read_text())
            references = tuple(
                (sop_class, SopInstanceUid(uid)) for sop_class, uid in left_over["references"]
            )
            uid = Uid(left_over["transaction_uid"])
            self.report(CommitmentRequest(transaction_uid=uid, references=references), None)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempt that is under way."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def keep(self, request: CommitmentRequest) -> None:
        """Write a request down, so that it outlives a crash."""
        record = {
            "transaction_uid": request.transaction_uid,
            "references": [list(one) for one in request.references],
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._path(request), json.dumps(record).encode())

    def report(self, request: CommitmentRequest, association: Association | None) -> None:
        """Report on a request soon, on `association` first where one is given."""
        self._queue.put((request, association))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None and not self._stopping.is_set():
            self._insist(*item)

    def _insist(self, request: CommitmentRequest, association: Association | None) -> None:
        for delay_s in (0.0, *self._delays_s):
            if self._stopping.wait(delay_s):
                return
            if self._try(request, association):
                self._path(request).unlink(missing_ok=True)
                return
            association = None

    def _try(self, request: CommitmentRequest, association: Association | None) -> bool:
        if association is not None:
            return self._send(request, association)
        if self._report_to is None:
            return False
        with (
            suppress(ArchiveUnreachable, AssociationRejected),
            open_association(
                self._report_to,
                calling_ae=self._ae_title,
                contexts=[build_context(STORAGE_COMMITMENT)],
                timeouts=self._timeouts,
                # the caller is the provider here, against the default (PS3.4 section J.3.3)
                roles=[build_role(STORAGE_COMMITMENT, scp_role=True)],
            ) as opened,
        ):
            return self._send(request, opened)
        return False

    def _send(self, request: CommitmentRequest, association: Association) -> bool:
        reasons = self._judge(request)
        information = Dataset()
        information.TransactionUID = request.transaction_uid
        committed, failed = [], []
        for wanted, reason in zip(request.references, reasons, strict=True):
            item = reference(*wanted)
            if reason is None:
                committed.append(item)
            else:
                item.FailureReason = reason
                failed.append(item)
        # each sequence is left out rather than empty (PS3.4 table J.3.3-1)
        if committed:
            information.ReferencedSOPSequence = committed
        if failed:
            information.FailedSOPSequence = failed
        try:
            answer, _ = association.send_n_event_report(
                information,
                FAILURES_EXIST if failed else ALL_COMMITTED,
                STORAGE_COMMITMENT,
                STORAGE_COMMITMENT_INSTANCE,
            )
        except RuntimeError:  # the association is over
            return False
        return bool(answer.get("Status") == status.SUCCESS)

    def _path(self, request: CommitmentRequest) -> Path:
        return self._folder / f"{request.transaction_uid}.json"


def read_request(information: Dataset) -> CommitmentRequest:
    """Read the action information of a storage commitment N-ACTION.

    Raises
    ------
    UnreadableInstance
        A UID is missing or malformed.
    """
    try:
        return CommitmentRequest(
            transaction_uid=Uid(information.TransactionUID),
            references=tuple(
                (str(item.ReferencedSOPClassUID), SopInstanceUid(item.ReferencedSOPInstanceUID))
                for item in information.ReferencedSOPSequence
            ),
        )
    except (AttributeError, ValueError) as error:
        raise UnreadableInstance("the storage commitment request cannot be read") from error
