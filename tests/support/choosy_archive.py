"""A peer of pynetdicom's own, which takes some SOP classes and records what it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer
from tests.support.servers import free_port

EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass
class Asked:
    """What a peer was asked: classes by association, and the kinds of messages that came."""

    peer: Peer
    proposals: list[list[str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    releases: int = 0


@contextmanager
def choosy_archive(
    classes: Iterable[str], *, transfer_syntax: str = EXPLICIT, echo: bool = True
) -> Iterator[Asked]:
    """Run an archive that takes classes in one transfer syntax, and C-ECHO if it may."""
    port = free_port()
    asked = Asked(Peer(name="pacs", ae_title=AeTitle("ARCHIVE"), host="127.0.0.1", port=port))

    def note_proposal(event: Event) -> None:
        requested = event.assoc.requestor.requested_contexts
        asked.proposals.append([str(context.abstract_syntax) for context in requested])

    def note_message(event: Event) -> None:
        asked.messages.append(type(event.message).__name__)

    def note_release(_: Event) -> None:
        asked.releases += 1

    entity = ApplicationEntity("ARCHIVE")
    for uid in classes:
        entity.add_supported_context(uid, transfer_syntax)
    if echo:
        entity.add_supported_context(Verification)
    server = entity.start_server(
        ("127.0.0.1", port),
        block=False,
        evt_handlers=[
            (evt.EVT_REQUESTED, note_proposal),
            (evt.EVT_DIMSE_RECV, note_message),
            (evt.EVT_RELEASED, note_release),
        ],
    )
    try:
        yield asked
    finally:
        if server is not None:
            server.shutdown()
