"""A small archive that stores, is queried and commits: for the demo and the tests alike."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, cast
from weakref import WeakKeyDictionary

from pydicom import uid
from pydicom.dataset import Dataset
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu import A_RELEASE_RQ
from pynetdicom.presentation import PresentationContext

from screener.domain.errors import UnreadableInstance
from screener.domain.identifiers import AeTitle
from screener.network import status
from screener.network.archive_folder import ArchiveFolder
from screener.network.archive_reports import CommitmentRequest, Reporter, read_request
from screener.network.commitment import REQUEST_COMMITMENT
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.server import Server
from screener.network.sop_classes import STORAGE_COMMITMENT, STUDY_ROOT_FIND, VERIFICATION
from screener.network.status import StoreOutcome

_KINDS = (
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.CTImageStorage,
    uid.MRImageStorage,
    uid.UltrasoundImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
    uid.BasicTextSRStorage,
    uid.EnhancedSRStorage,
    uid.ComprehensiveSRStorage,
    uid.Comprehensive3DSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
    uid.EncapsulatedPDFStorage,
)

_TRANSFER_SYNTAXES = (
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
)

#: Waits before each further attempt to report to a requester that is away, s.
_REPORT_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)

_MAXIMUM_ASSOCIATIONS = 100


class SmallArchive:
    """An archive in a folder.

    It keeps what it is sent, durably, before it says so; an instance sent again replaces the one
    it has. Anybody may associate, under any AE title. Requests for commitment survive a restart,
    and are answered from what is on disk when the report is made. Tests make it misbehave by
    overriding `answer_store` and `answer_commitment`.

    Parameters
    ----------
    port
        0 takes a free one, which `port` tells after `start`.
    report_to
        Who gets commitment reports, each on a new association.
    report_on_same_association
        Report there first, and to `report_to` only where that fails.
    report_delays_s
        Waits before each further attempt to report.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str = "ARCHIVE",
        host: str = "127.0.0.1",
        port: int = 0,
        report_to: Peer | None = None,
        report_on_same_association: bool = False,
        report_delays_s: Sequence[float] = _REPORT_DELAYS_S,
        timeouts: Timeouts | None = None,
    ) -> None:
        timeouts = timeouts or Timeouts()
        #: What is kept.
        self.instances = ArchiveFolder(folder)
        #: How often each status was the answer to C-STORE, since the start.
        self.answers: Counter[int] = Counter()
        #: How many instances replaced one with the same UID, since the start.
        self.replaced_count = 0
        self._ae_title = AeTitle(ae_title)
        self._same_association = report_on_same_association
        self._counting = threading.Lock()
        #: Requests whose answer is on its way.
        self._answered: WeakKeyDictionary[Association, CommitmentRequest] = WeakKeyDictionary()
        self._reporter = Reporter(
            folder / "commitments",
            ae_title=ae_title,
            report_to=report_to,
            judge=self.answer_commitment,
            delays_s=report_delays_s,
            timeouts=timeouts,
        )
        self._server = Server(
            ae_title=ae_title,
            host=host,
            port=port,
            contexts=_contexts(),
            handlers=[
                (evt.EVT_C_ECHO, lambda _: status.SUCCESS),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_N_ACTION, self._take_request),
                (evt.EVT_PDU_SENT, self._report_after_answer),
                (evt.EVT_PDU_RECV, _wake_on_release),
            ],
            maximum_associations=_MAXIMUM_ASSOCIATIONS,
            timeouts=timeouts,
        )

    @property
    def port(self) -> int:
        """The port, once started."""
        return self._server.port

    @property
    def peer(self) -> Peer:
        """The archive as its callers see it."""
        host = self._server.host
        return Peer(name="archive", ae_title=self._ae_title, host=host, port=self.port)

    def start(self) -> None:
        """Bind the port and begin to accept; raises `ConfigurationError` where it is taken."""
        self.instances.load()
        self._server.start()
        self._reporter.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Accept nothing more, wait for open associations up to `wait_s`, and cut the rest."""
        self._server.stop(wait_s)
        self._reporter.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def answer_store(self, sop_class_uid: str, sop_instance_uid: str) -> int:  # noqa: ARG002 - for overriding
        """Return the status to answer a C-STORE with; kept for success and warnings only."""
        return status.SUCCESS

    def answer_commitment(self, request: CommitmentRequest) -> list[int | None]:
        """Return the Failure Reason of each reference of a request; None where it is kept."""
        return [self._failure_reason(*wanted) for wanted in request.references]

    def _failure_reason(self, sop_class_uid: str, sop_instance_uid: str) -> int | None:
        kept = self.instances.get(sop_instance_uid)
        if kept is None:
            return status.NO_SUCH_INSTANCE
        if kept.sop_class_uid != sop_class_uid:
            return status.CLASS_INSTANCE_CONFLICT
        return None

    def _store(self, event: Event) -> int:
        request = cast("C_STORE", event.request)
        answer = self.answer_store(
            str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        )
        replaced = False
        if answer == status.SUCCESS or status.is_warning(answer):
            try:
                replaced = self.instances.put(event.encoded_dataset())
            except UnreadableInstance:
                answer = status.STORE_STATUS[StoreOutcome.UNREADABLE]
            except OSError:
                answer = status.STORE_STATUS[StoreOutcome.LOW_SPACE]
        with self._counting:
            self.answers[answer] += 1
            self.replaced_count += replaced
        return answer

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        for answer in self.instances.find(event.identifier):
            if event.is_cancelled:
                yield status.CANCELLED, None
                return
            answer.RetrieveAETitle = self._ae_title
            yield status.MATCH, answer

    def _take_request(self, event: Event) -> tuple[int, None]:
        if event.action_type != REQUEST_COMMITMENT:
            return status.NO_SUCH_ACTION, None
        try:
            request = read_request(event.action_information)
            self._reporter.keep(request)
        except UnreadableInstance:
            return status.INVALID_ARGUMENT, None
        except OSError:
            return status.PROCESSING_FAILURE, None
        self._answered[event.assoc] = request
        return status.SUCCESS, None

    def _report_after_answer(self, event: Event) -> None:
        """Report on a request once its answer is out: some requesters cannot take it earlier."""
        request = self._answered.pop(event.assoc, None)
        if request is not None:
            self._reporter.report(request, event.assoc if self._same_association else None)


def serve(
    folder: Path,
    ae_title: str,
    host: str,
    port: int,
    report_to: Peer | None,
    ready: Callable[[int], object],
) -> None:
    """Run a small archive until SIGTERM or SIGINT: what a child process does.

    Parameters
    ----------
    ready
        Called with the port once it accepts.
    """
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    archive = SmallArchive(folder, ae_title=ae_title, host=host, port=port, report_to=report_to)
    with archive:
        ready(archive.port)
        stopping.wait()


def _wake_on_release(event: Event) -> None:
    """End the wait for the answer to a report where the requester leaves instead of answering.

    pynetdicom would not see the release before the wait is over, nor the requester its answer.
    """
    if isinstance(event.pdu, A_RELEASE_RQ):
        event.assoc.dimse.msg_queue.put((None, None))


def _contexts() -> list[PresentationContext]:
    return [
        build_context(VERIFICATION),
        build_context(STUDY_ROOT_FIND),
        build_context(STORAGE_COMMITMENT),
        *(build_context(kind, list(_TRANSFER_SYNTAXES)) for kind in _KINDS),
    ]
