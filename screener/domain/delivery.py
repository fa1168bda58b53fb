"""The states of a delivery: one result object to one archive, until it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from screener.domain.errors import IllegalTransition


class DeliveryState(StrEnum):
    """Where one result object's way to one archive stands."""

    #: Due to be sent.
    PENDING = "PENDING"
    #: Not sent until an operator releases it; the row says why.
    HELD = "HELD"
    #: A worker holds it and is sending it.
    SENDING = "SENDING"
    #: The archive answered success to C-STORE; not yet promised.
    SENT = "SENT"
    #: Storage commitment is asked for; the archive's report is awaited.
    AWAITING = "AWAITING"
    #: The archive has committed to keep it. An end.
    COMMITTED = "COMMITTED"
    #: An archive without storage commitment lists it by C-FIND. An end.
    VERIFIED = "VERIFIED"
    #: The archive refused it for good; an operator may retry. An end.
    REFUSED = "REFUSED"
    #: Given up after a permanent error; an operator may retry. An end.
    FAILED = "FAILED"
    #: Its report was withdrawn, or its picture replaced, before the archive had it. An end.
    CANCELLED = "CANCELLED"


_D = DeliveryState

DELIVERY_TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    _D.PENDING: frozenset({_D.SENDING, _D.HELD, _D.CANCELLED}),
    _D.HELD: frozenset({_D.PENDING, _D.CANCELLED}),
    _D.SENDING: frozenset({_D.SENT, _D.PENDING, _D.HELD, _D.REFUSED, _D.FAILED, _D.CANCELLED}),
    _D.SENT: frozenset({_D.AWAITING, _D.COMMITTED, _D.VERIFIED, _D.PENDING, _D.FAILED}),
    _D.AWAITING: frozenset({_D.SENT, _D.COMMITTED, _D.VERIFIED, _D.PENDING, _D.FAILED}),
    _D.COMMITTED: frozenset(),
    _D.VERIFIED: frozenset({_D.COMMITTED}),
    _D.REFUSED: frozenset({_D.PENDING, _D.CANCELLED}),
    _D.FAILED: frozenset({_D.PENDING, _D.CANCELLED}),
    _D.CANCELLED: frozenset(),
}

DELIVERY_ENDS = frozenset({_D.COMMITTED, _D.VERIFIED, _D.REFUSED, _D.FAILED, _D.CANCELLED})

#: The archive has the object, or may have it: it is being sent at this moment.
TAKEN = frozenset({_D.SENDING, _D.SENT, _D.AWAITING, _D.COMMITTED, _D.VERIFIED})


class HoldReason(StrEnum):
    """Why a delivery is not sent."""

    #: The archive's mode was `off` when the delivery was due.
    ARCHIVE_OFF = "ARCHIVE_OFF"
    #: The object comes from a synthetic predictor or film, and the archive is `live`.
    SYNTHETIC_NOT_FOR_LIVE = "SYNTHETIC_NOT_FOR_LIVE"
    #: The archive is no longer among the settings.
    ARCHIVE_UNKNOWN = "ARCHIVE_UNKNOWN"


class ArchiveMode(StrEnum):
    """What may be sent to an archive."""

    #: Findings are made and shown; nothing is sent.
    OFF = "off"
    #: Everything is sent; the archive's users know that it is a test.
    TEST = "test"
    #: Only results of a predictor trained on real children are sent.
    LIVE = "live"


class StoreAnswer(StrEnum):
    """What an archive's answer to C-STORE means for the delivery."""

    #: Success, or a warning: the object is kept.
    KEPT = "KEPT"
    #: Out of resources or a processing failure: worth another attempt.
    BUSY = "BUSY"
    #: The archive does not want this object.
    REFUSED = "REFUSED"


class CommitmentAnswer(StrEnum):
    """What an archive's storage commitment report says of one object."""

    #: It is committed.
    COMMITTED = "COMMITTED"
    #: The archive has it not (0x0112): it must be sent again.
    MISSING = "MISSING"
    #: Another failure: asked again later.
    FAILED = "FAILED"


def hold_reason(mode: ArchiveMode | None, *, synthetic: bool) -> HoldReason | None:
    """Return why an object must not be sent to an archive now, or None where it may.

    Parameters
    ----------
    mode
        Of the archive by the rules in force; None where the settings do not know it.
    synthetic
        The object comes from a synthetic predictor or a synthetic film.
    """
    if mode is None:
        return HoldReason.ARCHIVE_UNKNOWN
    if mode is ArchiveMode.OFF:
        return HoldReason.ARCHIVE_OFF
    if mode is ArchiveMode.LIVE and synthetic:
        return HoldReason.SYNTHETIC_NOT_FOR_LIVE
    return None


def advance(state: DeliveryState, to: DeliveryState) -> DeliveryState:
    """Return `to`, or raise `IllegalTransition` where the table does not allow it."""
    if to not in DELIVERY_TRANSITIONS[state]:
        raise IllegalTransition(f"a delivery cannot go from {state.value} to {to.value}")
    return to


class Confirmation(StrEnum):
    """What to do with an object that an archive took and has not confirmed in time."""

    #: The archive lists it, and that is all it can say.
    VERIFIED = "VERIFIED"
    #: Ask (or look) again later.
    ASK_AGAIN = "ASK_AGAIN"
    #: The archive says that it has it not.
    SEND_AGAIN = "SEND_AGAIN"
    #: An operator has to look.
    GIVE_UP = "GIVE_UP"


#: Commitment requests without a report before a look-up that finds the object is enough.
_ASKED_ENOUGH = 3
#: Look-ups that do not find an object before it is sent again: archives index with a delay.
_LOOKED_ENOUGH = 3
#: Look-ups after which sending again has evidently not helped.
_LOOKED_TOO_OFTEN = 9


def after_answer(answer: CommitmentAnswer, *, asked_count: int) -> DeliveryState:
    """Decide where a delivery goes on an archive's word about its commitment.

    Parameters
    ----------
    answer
        What the commitment report says of the object.
    asked_count
        How often commitment has been asked for.
    """
    if answer is CommitmentAnswer.COMMITTED:
        return DeliveryState.COMMITTED
    if asked_count >= _LOOKED_TOO_OFTEN:
        return DeliveryState.FAILED
    return DeliveryState.PENDING if answer is CommitmentAnswer.MISSING else DeliveryState.SENT


def after_overdue(*, asked_count: int, found: bool | None) -> Confirmation:
    """Decide what follows when a storage commitment report is overdue.

    Parameters
    ----------
    asked_count
        How often commitment has been asked for.
    found
        What a C-FIND look-up says; None where the archive could not be queried.
    """
    if found is False:
        too_often = asked_count >= _LOOKED_TOO_OFTEN
        return Confirmation.GIVE_UP if too_often else Confirmation.SEND_AGAIN
    if found and asked_count >= _ASKED_ENOUGH:
        return Confirmation.VERIFIED
    return Confirmation.ASK_AGAIN


def after_look_up(*, asked_count: int, found: bool) -> Confirmation:
    """Decide what follows a look-up in an archive without storage commitment.

    Parameters
    ----------
    asked_count
        Look-ups so far, this one included.
    found
        Whether the archive lists the object.
    """
    if found:
        return Confirmation.VERIFIED
    if asked_count >= _LOOKED_TOO_OFTEN:
        return Confirmation.GIVE_UP
    if asked_count % _LOOKED_ENOUGH == 0:
        return Confirmation.SEND_AGAIN
    return Confirmation.ASK_AGAIN
