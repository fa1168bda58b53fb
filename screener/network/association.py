"""Associations that we open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from screener.domain.errors import ArchiveUnreachable, AssociationRejected
from screener.network.entity import (
    END_S,
    MAXIMUM_PDU_BYTES,
    Hygiene,
    Timeouts,
    await_end,
    give_up,
    new_entity,
)
from screener.network.peers import Peer

#: Result of an A-ASSOCIATE-RJ that trying again does not change (PS3.8 table 9-21).
_REJECTED_PERMANENT = 1


@contextmanager
def open_association(
    peer: Peer,
    *,
    calling_ae: str,
    contexts: Sequence[PresentationContext],
    timeouts: Timeouts,
    handlers: Sequence[EventHandlerType] = (),
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    advice: str = "",
) -> Iterator[Association]:
    """Associate with a peer; release on leaving, or cut the connection when leaving by an error.

    Parameters
    ----------
    contexts
        1 to 128, at least one of which the peer must accept.
    advice
        Added to the message where the peer accepts none of them.

    Raises
    ------
    ArchiveUnreachable
        No connection, no answer in time, or the peer aborted.
    AssociationRejected
        The peer rejected the association, or every context.
    """
    entity = new_entity(calling_ae, timeouts)
    # the time to wait for a caller, not for an archive that is still working on its answer
    entity.network_timeout = None
    hygiene = Hygiene(timeouts.idle_s)
    try:
        association = entity.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            max_pdu=MAXIMUM_PDU_BYTES,
            ext_neg=list(roles),
            evt_handlers=[*hygiene.handlers, *handlers],
        )
    except OSError as error:  # the host's name cannot be resolved
        raise ArchiveUnreachable(
            f"{peer} cannot be reached: {error.strerror or error}; check host and port"
        ) from error
    try:
        _check(association, peer, contexts, advice)
        _leave_answers(association)
        yield association
    except BaseException:
        give_up(association)
        raise
    else:
        association.release()
    finally:
        await_end((association, association.dul), END_S)
        hygiene.close(association)


def kinds_in_words(sop_class_uids: Sequence[str]) -> str:
    """Return SOP classes by their names in the standard, for messages."""
    return ", ".join(dict.fromkeys(UID(uid).name for uid in sop_class_uids))


def _leave_answers(association: Association) -> None:
    """Keep pynetdicom's reactor from taking an answer off the queue before who waits for it.

    Its own pause for that does not hold where one message follows another at once: the reactor may
    only then wake up from the pause before, take the answer, and drop it. We are asked nothing on
    associations of our own but N-EVENT-REPORT, which does not go through the queue.
    """
    take = association.dimse.get_msg

    def get_msg(block: bool = False) -> tuple[int | None, Any]:
        return take(block=True) if block else (None, None)

    association.dimse.get_msg = get_msg  # type: ignore[assignment, method-assign]


def _check(
    association: Association,
    peer: Peer,
    contexts: Sequence[PresentationContext],
    advice: str,
) -> None:
    """Raise what stands in the way of an association."""
    if association.is_established:
        return
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        to_do = (
            f"check that it knows our AE title {association.requestor.ae_title} and that its own "
            f"is {peer.ae_title}"
            if answer.result == _REJECTED_PERMANENT
            else "it may accept us later"
        )
        raise AssociationRejected(f"{peer} rejected our association: {answer.reason_str}; {to_do}")
    if answer is not None and answer.result == 0:
        kinds = kinds_in_words([str(context.abstract_syntax) for context in contexts])
        raise AssociationRejected(f"{peer} accepts none of: {kinds}{advice and '; ' + advice}")
    raise ArchiveUnreachable(
        f"{peer} cannot be reached or did not answer our association request; check that it runs, "
        "and host and port"
    )
