"""The states of a screening: our handling of one received instance."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from screener.domain.errors import IllegalTransition


class ScreeningState(StrEnum):
    """Where the handling of one received instance stands."""

    #: On disk with its row; nobody has looked at it yet.
    RECEIVED = "RECEIVED"
    #: Eligible; waits for the predictor.
    WAITING = "WAITING"
    #: A worker holds it and is scoring it.
    SCORING = "SCORING"
    #: Has a prediction. An end.
    SCORED = "SCORED"
    #: Its header says that it must not be scored. An end.
    INELIGIBLE = "INELIGIBLE"
    #: Its pixels do not allow a score. An end.
    NOT_SCORED = "NOT_SCORED"
    #: An earlier instance has the same UID, pixels and attributes. An end.
    DUPLICATE = "DUPLICATE"
    #: An earlier instance has the same UID and other pixels; kept apart, never scored. An end.
    CONFLICTING = "CONFLICTING"
    #: A later revision of the same instance speaks in its place. An end.
    SUPERSEDED = "SUPERSEDED"
    #: A rejection note of the archive takes it out of every finding. An end.
    REJECTED = "REJECTED"
    #: Given up after a permanent error or too many attempts; an operator may retry. An end.
    FAILED = "FAILED"


_S = ScreeningState

#: What may follow what. A new revision supersedes an instance in any state but the kept-apart ones,
#: and a rejection note rejects it in any of those.
#: What is known of the child may change beside the film, by a correction or an import: then every
#: state that speaks goes back to RECEIVED, for judging and scoring rest on it.
SCREENING_TRANSITIONS: Mapping[ScreeningState, frozenset[ScreeningState]] = {
    _S.RECEIVED: frozenset(
        {
            _S.WAITING,
            _S.INELIGIBLE,
            _S.DUPLICATE,
            _S.CONFLICTING,
            _S.SUPERSEDED,
            _S.REJECTED,
            _S.FAILED,
        }
    ),
    _S.WAITING: frozenset({_S.RECEIVED, _S.SCORING, _S.SUPERSEDED, _S.REJECTED}),
    _S.SCORING: frozenset(
        {
            _S.RECEIVED,
            _S.WAITING,
            _S.SCORED,
            _S.NOT_SCORED,
            _S.SUPERSEDED,
            _S.REJECTED,
            _S.FAILED,
        }
    ),
    _S.SCORED: frozenset({_S.RECEIVED, _S.SUPERSEDED, _S.REJECTED}),
    _S.INELIGIBLE: frozenset({_S.RECEIVED, _S.SUPERSEDED, _S.REJECTED}),
    # also judged again where the film with the same pixels that spoke in its place no longer does
    _S.NOT_SCORED: frozenset({_S.RECEIVED, _S.SUPERSEDED, _S.REJECTED}),
    _S.DUPLICATE: frozenset(),
    _S.CONFLICTING: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset({_S.RECEIVED, _S.SUPERSEDED, _S.REJECTED}),
}

#: A study settles only when each of its screenings is in one of these.
SCREENING_ENDS = frozenset(_S) - {_S.RECEIVED, _S.WAITING, _S.SCORING}

#: These do not speak for their study at all: another instance does, or the archive rejects them.
SILENT = frozenset({_S.DUPLICATE, _S.CONFLICTING, _S.SUPERSEDED, _S.REJECTED})


class NotScoredReason(StrEnum):
    """Why an eligible film has no prediction, or an instance does not speak for itself."""

    #: Fewer pixel bytes than the header promises.
    TRUNCATED_PIXELS = "TRUNCATED_PIXELS"
    #: The pixel data cannot be decoded.
    UNREADABLE_PIXELS = "UNREADABLE_PIXELS"
    #: No exposed area, or no contrast in it.
    BLANK_FILM = "BLANK_FILM"
    #: Large parts of the film are at the ends of its grey scale.
    CLIPPED_FILM = "CLIPPED_FILM"
    #: The predictor does not take it for a frontal film of a chest.
    NOT_FRONTAL_CHEST = "NOT_FRONTAL_CHEST"
    #: The field ends above the lumbar spine.
    SPINE_NOT_IN_FIELD = "SPINE_NOT_IN_FIELD"
    #: Rods, screws or other hardware lie over the spine.
    HARDWARE_OVER_SPINE = "HARDWARE_OVER_SPINE"
    #: Contrast medium lies over the spine.
    CONTRAST_MEDIUM = "CONTRAST_MEDIUM"
    #: A brace or a cast lies over the spine.
    BRACE_OR_CAST = "BRACE_OR_CAST"
    #: Marked scoliosis, or a trunk turned far out of the frontal position.
    SCOLIOSIS_OR_ROTATION = "SCOLIOSIS_OR_ROTATION"
    #: The film is unlike those that the predictor was trained on.
    UNLIKE_TRAINING = "UNLIKE_TRAINING"
    #: The same pixels are scored under another SOP Instance UID of the study.
    SAME_PIXELS_IN_STUDY = "SAME_PIXELS_IN_STUDY"
    #: The predictor refuses the input (film and predictor do not fit).
    PREDICTOR_MISMATCH = "PREDICTOR_MISMATCH"
    #: The instance was received before, with equal pixels and attributes.
    SAME_INSTANCE_AGAIN = "SAME_INSTANCE_AGAIN"
    #: The instance was received before, with other pixels.
    PIXELS_DIFFER = "PIXELS_DIFFER"
    #: A rejection note of the archive names the instance.
    REJECTED_BY_NOTE = "REJECTED_BY_NOTE"


def advance(state: ScreeningState, to: ScreeningState) -> ScreeningState:
    """Return `to`, or raise `IllegalTransition` where the table does not allow it."""
    if to not in SCREENING_TRANSITIONS[state]:
        raise IllegalTransition(f"a screening cannot go from {state.value} to {to.value}")
    return to
