"""The listener: takes instances and storage commitment reports, and answers for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self, TypeVar, cast

from pydicom.dataset import Dataset
from pynetdicom import build_context, evt
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation

from screener.network import status
from screener.network.commitment import CommitmentReport, read_report
from screener.network.entity import Timeouts
from screener.network.peers import (
    AllowedCaller,
    AssociationRejection,
    RejectionReason,
    why_reject,
)
from screener.network.rejections import REJECTIONS
from screener.network.server import Server
from screener.network.sop_classes import STORAGE_COMMITMENT, VERIFICATION, service_context
from screener.network.status import StoreOutcome

_T = TypeVar("_T")
_U = TypeVar("_U")

#: What pynetdicom must find in a C-STORE request; it drops one without, and the sender waits.
_STORE_REQUEST_NEEDS = ("AffectedSOPClassUID", "AffectedSOPInstanceUID", "Priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingInstance:
    """An instance as it came in by C-STORE.

    UIDs are the request's, without padding; nothing says that they are valid, or that the data
    set agrees. Its `repr` holds neither UIDs nor bytes.

    Parameters
    ----------
    transfer_syntax_uid
        Of the accepted presentation context that the request came in.
    calling_ae, called_ae
        AE titles, without padding.
    address
        The sender's IP address.
    data_set
        The encoded data set exactly as received, without file meta information.
    """

    sop_class_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    transfer_syntax_uid: str
    calling_ae: str
    called_ae: str
    address: str
    data_set: bytes = field(repr=False)


class Listener:
    """Accept associations and hand over what comes in.

    Parameters
    ----------
    port
        0 takes a free one, which `port` tells after `start`.
    contexts
        SOP class UIDs and the transfer syntaxes that are accepted for each, in order of
        preference. Verification and storage commitment reports are always accepted.
    callers
        Who may associate; anybody with `allow_any_caller`, which is for test networks.
    on_store
        Called in the association's thread, many at a time. The sender is answered after it
        returned: STORED must mean that the instance is ours.
    on_commitment
        Called with the report of an archive that opened an association of its own; answered after
        it returned, with success for True.
    on_rejected
        Called for every association that is rejected.
    on_error
        Called with what `on_store` or `on_commitment` raised. The sender gets a failure status
        that makes it try again.
    maximum_associations
        Of all callers together.
    """

    def __init__(
        self,
        *,
        contexts: Iterable[tuple[str, Sequence[str]]],
        on_store: Callable[[IncomingInstance], StoreOutcome],
        on_commitment: Callable[[CommitmentReport], bool],
        on_rejected: Callable[[AssociationRejection], None],
        on_error: Callable[[Exception], None],
        ae_title: str = "BMDSCREEN",
        host: str = "127.0.0.1",
        port: int = 11112,
        callers: Sequence[AllowedCaller] = (),
        allow_any_caller: bool = False,
        maximum_associations: int = 32,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._on_store = on_store
        self._on_commitment = on_commitment
        self._on_rejected = on_rejected
        self._on_error = on_error
        self._callers = tuple(callers)
        self._allow_any_caller = allow_any_caller
        self._server = Server(
            ae_title=ae_title,
            host=host,
            port=port,
            contexts=_contexts(contexts),
            handlers=[
                (evt.EVT_REQUESTED, self._check_caller),
                (evt.EVT_REJECTED, self._report_limit),
                (evt.EVT_DIMSE_RECV, self._answer_invalid_store),
                (evt.EVT_C_ECHO, lambda _: status.ECHO_STATUS),
                (evt.EVT_C_STORE, self._take_instance),
                (evt.EVT_N_EVENT_REPORT, self._take_report),
                (evt.EVT_N_ACTION, lambda _: (status.ACTION_STATUS, None)),
            ],
            maximum_associations=maximum_associations,
            timeouts=timeouts or Timeouts(),
        )

    @property
    def port(self) -> int:
        """The port, once started."""
        return self._server.port

    def start(self) -> None:
        """Bind the port and begin to accept; raises `ConfigurationError` where it is taken."""
        self._server.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Accept nothing more, wait for open associations up to `wait_s`, and cut the rest."""
        self._server.stop(wait_s)

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

    def _check_caller(self, event: Event) -> None:
        caller = _caller(event)
        reason = self._why_reject(caller)
        if reason is None:
            return
        answer = REJECTIONS[reason]
        event.assoc.acse.send_reject(answer.result, answer.source, answer.diagnostic)
        self._report_rejection(caller, reason)
        event.assoc.kill()  # returns when the rejection is out and the connection closed

    def _why_reject(self, caller: _Caller) -> RejectionReason | None:
        return self._guarded(
            lambda: why_reject(
                calling_ae=caller.calling_ae,
                called_ae=caller.called_ae,
                address=caller.address,
                our_ae_title=self._server.ae_title,
                callers=self._callers,
                allow_any_caller=self._allow_any_caller,
            ),
            RejectionReason.UNKNOWN_CALLER,  # an error must not let anybody in
        )

    def _report_limit(self, event: Event) -> None:
        # callers are checked above, so that pynetdicom itself rejects only for its limit
        self._report_rejection(_caller(event), RejectionReason.TOO_MANY)

    def _report_rejection(self, caller: _Caller, reason: RejectionReason) -> None:
        rejection = AssociationRejection(
            calling_ae=caller.calling_ae,
            called_ae=caller.called_ae,
            address=caller.address,
            reason=reason,
        )
        self._guarded(lambda: self._on_rejected(rejection), None)

    def _answer_invalid_store(self, event: Event) -> None:
        """Answer a C-STORE request without UIDs, which pynetdicom would leave unanswered."""
        command = event.message.command_set
        if not isinstance(event.message, C_STORE_RQ) or "MessageID" not in command:
            return
        if all(command.get(keyword) not in (None, "") for keyword in _STORE_REQUEST_NEEDS):
            return
        response = C_STORE()
        response.MessageIDBeingRespondedTo = command.MessageID
        response.Status = status.STORE_STATUS[StoreOutcome.UNREADABLE]
        event.assoc.dimse.send_msg(response, cast("int", event.message.context_id))

    def _take_instance(self, event: Event) -> Dataset:
        outcome = self._guarded(lambda: self._on_store(_incoming(event)), StoreOutcome.FAILED)
        answer = Dataset()
        answer.Status = status.STORE_STATUS[outcome]
        if outcome in status.STORE_COMMENT:
            answer.ErrorComment = status.STORE_COMMENT[outcome]
        return answer

    def _take_report(self, event: Event) -> tuple[int, None]:
        calling_ae = _caller(event).calling_ae
        taken = self._guarded(
            lambda: self._on_commitment(read_report(event.event_information, calling_ae)), False
        )
        return status.report_status(taken=taken), None

    def _guarded(self, call: Callable[[], _T], otherwise: _U) -> _T | _U:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the sender must get an answer, whatever broke
            self._on_error(error)
            return otherwise


def _incoming(event: Event) -> IncomingInstance:
    """Take an instance out of pynetdicom's hands: the one place that knows where its bytes are."""
    request = cast("C_STORE", event.request)
    caller = _caller(event)
    return IncomingInstance(
        sop_class_uid=str(request.AffectedSOPClassUID),
        sop_instance_uid=str(request.AffectedSOPInstanceUID),
        transfer_syntax_uid=str(event.context.transfer_syntax),
        calling_ae=caller.calling_ae,
        called_ae=caller.called_ae,
        address=caller.address,
        data_set=event.encoded_dataset(include_meta=False),
    )


class _Caller(NamedTuple):
    """Who asks for what, from where; AE titles without padding."""

    calling_ae: str
    called_ae: str
    address: str


def _caller(event: Event) -> _Caller:
    requestor = event.assoc.requestor
    request = cast("A_ASSOCIATE", requestor.primitive)
    address = cast("AddressInformation", requestor.address_info).address
    calling, called = request.calling_ae_title, request.called_ae_title
    return _Caller(calling.strip(" "), called.strip(" "), address)


def _contexts(wanted: Iterable[tuple[str, Sequence[str]]]) -> list[PresentationContext]:
    commitment = service_context(STORAGE_COMMITMENT)
    # an archive that reports on an association of its own is the provider there (PS3.4 J.3.3)
    commitment.scu_role = True
    commitment.scp_role = True
    storage = [build_context(sop_class, list(syntaxes)) for sop_class, syntaxes in wanted]
    return [service_context(VERIFICATION), commitment, *storage]
