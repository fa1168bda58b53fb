"""DIMSE status codes: the only module that knows their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from screener.domain.delivery import CommitmentAnswer, StoreAnswer

SUCCESS = 0x0000
#: C-FIND: one more match, without and with a key that the archive does not support.
PENDING = frozenset({0xFF00, 0xFF01})
#: C-FIND: the match supplied with this answer is not the last.
MATCH = 0xFF00
CANCELLED = 0xFE00
PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
#: N-EVENT-REPORT: the report cannot be read.
INVALID_ARGUMENT = 0x0115
#: N-ACTION: the service knows no action of this type.
NO_SUCH_ACTION = 0x0123
UNRECOGNISED_OPERATION = 0x0211
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000

#: Failure Reason (0008,1197) of storage commitment: the archive has no such instance.
NO_SUCH_INSTANCE = 0x0112
#: Failure Reason: the archive has the instance under another SOP class.
CLASS_INSTANCE_CONFLICT = 0x0119

#: N-ACTION: failures that say that a service is not there at all (PS3.7 annex C).
NOT_OFFERED: Mapping[int, str] = {
    0x0118: "no such SOP class",
    0x0122: "SOP class not supported",
    UNRECOGNISED_OPERATION: "unrecognised operation",
}


class StoreOutcome(StrEnum):
    """What we say to the sender of an instance."""

    #: The bytes are on disk and the row is committed: ours from now on.
    STORED = "STORED"
    #: Too little free space to take another instance.
    LOW_SPACE = "LOW_SPACE"
    #: SOP Class, SOP Instance or Study Instance UID cannot be read, or differs from the request's.
    UNREADABLE = "UNREADABLE"
    #: Our own trouble, such as a disk or database error.
    FAILED = "FAILED"


#: FAILED is 0xA700 too, not 0x0110: "out of resources" is the one failure of the Storage service
#: that says "try again later", and senders that sort failures retry it, while many give up on a
#: processing failure. A film is never lost by an error of ours that passes.
STORE_STATUS: Mapping[StoreOutcome, int] = {
    StoreOutcome.STORED: SUCCESS,
    StoreOutcome.LOW_SPACE: OUT_OF_RESOURCES,
    StoreOutcome.UNREADABLE: CANNOT_UNDERSTAND,
    StoreOutcome.FAILED: OUT_OF_RESOURCES,
}

#: Error Comment (0000,0902), at most 64 characters, for whoever reads the sender's log.
STORE_COMMENT: Mapping[StoreOutcome, str] = {
    StoreOutcome.LOW_SPACE: "disk nearly full, send again later",
    StoreOutcome.UNREADABLE: "SOP Class, SOP Instance or Study UID unreadable or mismatched",
    StoreOutcome.FAILED: "internal failure, send again later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRange:
    """Status codes from `first` to `last`, both included, with what the standard calls them."""

    first: int
    last: int
    meaning: str

    def __contains__(self, status: int) -> bool:
        return self.first <= status <= self.last


def _one(status: int, meaning: str) -> StatusRange:
    return StatusRange(first=status, last=status, meaning=meaning)


WARNINGS = StatusRange(first=0xB000, last=0xBFFF, meaning="warning: stored, with a remark")

#: C-STORE: what an archive's status means; any other is a refusal.
STORE_ANSWERS: tuple[tuple[StatusRange, StoreAnswer], ...] = (
    (_one(SUCCESS, "success"), StoreAnswer.KEPT),
    (WARNINGS, StoreAnswer.KEPT),
    (_one(DUPLICATE_INSTANCE, "duplicate SOP instance"), StoreAnswer.KEPT),
    (
        StatusRange(first=0xA700, last=0xA7FF, meaning="refused: out of resources"),
        StoreAnswer.BUSY,
    ),
    (_one(PROCESSING_FAILURE, "processing failure"), StoreAnswer.BUSY),
)

#: Failure Reason (0008,1197) of a commitment report; any other, or none, is `FAILED`.
COMMITMENT_ANSWERS: Mapping[int, tuple[str, CommitmentAnswer]] = {
    NO_SUCH_INSTANCE: ("no such object instance", CommitmentAnswer.MISSING),
}


class ReportOutcome(StrEnum):
    """What we say to the sender of a storage commitment report."""

    #: It is on disk.
    TAKEN = "TAKEN"
    #: It cannot be read, names a transaction that is not ours, or could not be put on disk.
    NOT_TAKEN = "NOT_TAKEN"


REPORT_STATUS: Mapping[ReportOutcome, int] = {
    ReportOutcome.TAKEN: SUCCESS,
    ReportOutcome.NOT_TAKEN: PROCESSING_FAILURE,
}

#: C-ECHO is always answered with it.
ECHO_STATUS = SUCCESS
#: N-ACTION to us: we promise nobody to keep anything.
ACTION_STATUS = UNRECOGNISED_OPERATION


def report_status(*, taken: bool) -> int:
    """Return the status of our answer to a storage commitment report."""
    return REPORT_STATUS[ReportOutcome.TAKEN if taken else ReportOutcome.NOT_TAKEN]


def store_answer(status: int) -> StoreAnswer:
    """Return what an archive's C-STORE status means for the delivery.

    Notes
    -----
    Source: PS3.4 table B.2-1 (Bxxx: stored with a warning; A7xx: out of resources); PS3.7 annex C
    (0x0110: processing failure; 0x0111: the archive has it already, as after a crash between our
    sending and our row: its commitment will tell). Everything else, codes unknown to the standard
    included, is a refusal: an operator looks at it after some attempts.
    """
    return next((said for known, said in STORE_ANSWERS if status in known), StoreAnswer.REFUSED)


def commitment_answer(failure_reason: int | None) -> CommitmentAnswer:
    """Return what the Failure Reason of one instance in a commitment report means.

    Notes
    -----
    Source: PS3.3 section C.14.1.1. Only "no such object instance" says that the archive has it
    not; an instance in another SOP class, a busy archive or a missing reason is asked about again.
    """
    if failure_reason is None or failure_reason not in COMMITMENT_ANSWERS:
        return CommitmentAnswer.FAILED
    return COMMITMENT_ANSWERS[failure_reason][1]


def is_warning(status: int) -> bool:
    """Return whether a C-STORE status says that the object is kept, with a remark."""
    return status in WARNINGS


def in_words(status: int) -> str:
    """Return a status as messages write it, such as ``status 0xA700``."""
    return f"status 0x{status:04X}"
