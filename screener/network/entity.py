"""Our application entity: what every association of ours has in common, opened or accepted."""

from __future__ import annotations

import logging
import socket
import threading
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from pydicom.uid import UID
from pynetdicom import _config, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.fsm import AA_4, StateMachine

from screener.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

#: Bytes. DCMTK never sends more; "unlimited" would let the peer dictate our memory.
MAXIMUM_PDU_BYTES = 128 * 1024

#: How long the threads of an association that is over may take to end, s.
END_S = 5.0

#: The state machine's state before anything has happened (PS3.8 section 9.2).
_IDLE = "Sta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long we wait, in seconds.

    Parameters
    ----------
    connect_s
        For the TCP connection.
    acse_s
        For the answer to an association request or release.
    dimse_s
        For the answer to a DIMSE message; to a C-STORE counted from the last byte sent.
    idle_s
        For a caller to send something, and for any peer to go on in the middle of a PDU.
    """

    connect_s: float = 10.0
    acse_s: float = 30.0
    dimse_s: float = 60.0
    idle_s: float = 60.0


def configure_pynetdicom() -> None:
    """Make pynetdicom quiet and lenient; called whenever an entity is made.

    A process that reads data sets in other threads calls it first of all, while it has but one:
    warning filters belong to the process.

    Quiet: its loggers, and pydicom's, print UIDs and whole identifiers, and pydicom repeats a
    malformed value in a warning. Lenient: a UID that breaks the rules must reach our handlers,
    which answer it, rather than end the association with a traceback.
    """
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    _config.VALIDATORS["UI"] = _accept_any
    for name in ("pynetdicom", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(pydicom|pynetdicom)\.")


def new_entity(ae_title: str, timeouts: Timeouts) -> ApplicationEntity:
    """Return an application entity of ours, with its limits set."""
    configure_pynetdicom()
    entity = ApplicationEntity(ae_title)
    entity.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.maximum_pdu_size = MAXIMUM_PDU_BYTES
    entity.connection_timeout = timeouts.connect_s
    entity.acse_timeout = timeouts.acse_s
    entity.dimse_timeout = timeouts.dimse_s
    entity.network_timeout = timeouts.idle_s
    return entity


class Hygiene:
    """What each of our associations needs beyond pynetdicom: to be bound to its events.

    pynetdicom leaves Nagle's algorithm on, and sockets without a timeout, so that a peer that
    stops in the middle of a PDU holds a thread for ever; where shutting a socket down fails
    because the peer was faster, it forgets to close it; and it lets exceptions out of its threads.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._open: WeakKeyDictionary[Association, socket.socket] = WeakKeyDictionary()

    @property
    def handlers(self) -> list[EventHandlerType]:
        """What to bind to an association or server."""
        return [
            (evt.EVT_ACSE_SENT, self._on_request),
            (evt.EVT_CONN_OPEN, self._on_open),
            (evt.EVT_CONN_CLOSE, self._on_close),
        ]

    def close(self, association: Association) -> None:
        """Close the socket of an association that is over."""
        raw = self._open.pop(association, None)
        if raw is not None:
            raw.close()

    def _on_request(self, event: Event) -> None:
        """Take an association of ours in hand before it connects, for that may fail."""
        self._adopt(event.assoc)

    def _on_open(self, event: Event) -> None:
        raw = self._adopt(event.assoc)
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.settimeout(self._idle_s)

    def _on_close(self, event: Event) -> None:
        self.close(event.assoc)

    def _adopt(self, association: Association) -> socket.socket | None:
        machine = association.dul.state_machine
        if not isinstance(machine, _GuardedStateMachine) and machine.current_state == _IDLE:
            association.dul.state_machine = _GuardedStateMachine(association.dul)
        raw = _socket_of(association)
        if raw is not None:
            self._open[association] = raw
        return raw


class _GuardedStateMachine(StateMachine):
    """Treats what pynetdicom cannot digest as a lost connection.

    Without it, a message that cannot be decoded, or an abort that crosses another, ends its thread
    with a traceback, values and all, and leaves others waiting for it.
    """

    def do_action(self, event: str) -> None:
        """Act on an event of the upper layer."""
        try:
            super().do_action(event)
        except Exception:  # noqa: BLE001 - hostile bytes may raise anything; part of the listener's
            self.transition(AA_4(self.dul))


def give_up(*associations: Association) -> None:
    """End associations at once, whatever their threads are waiting for."""
    for association in associations:
        raw = _socket_of(association)
        if raw is not None:
            with suppress(OSError):  # the peer was faster
                raw.shutdown(socket.SHUT_RDWR)
    await_end(associations, END_S)


def await_end(threads: Iterable[threading.Thread], wait_s: float) -> None:
    """Wait for threads to end, `wait_s` for all of them together."""
    deadline = time.monotonic() + wait_s
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))


def _socket_of(association: Association) -> socket.socket | None:
    wrapper = association.dul.socket
    return wrapper.socket if wrapper else None


def _accept_any(_: str) -> tuple[bool, str]:
    return True, ""
