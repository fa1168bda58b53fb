"""Tables of status codes, both ways, and of what follows them."""

from __future__ import annotations

from itertools import count, pairwise

from screener.conformance.markdown import hexadecimal, table
from screener.conformance.remarks import remarks
from screener.domain.delivery import (
    DELIVERY_ENDS,
    DELIVERY_TRANSITIONS,
    CommitmentAnswer,
    Confirmation,
    DeliveryState,
    StoreAnswer,
    after_answer,
    after_look_up,
    after_overdue,
)
from screener.domain.retry import delay
from screener.network import status
from screener.network.status import ReportOutcome, StatusRange, StoreOutcome

_SENT = ("Service", "Status", "Meaning", "When", "Error Comment")
_READ = ("Status", "Meaning", "What follows")
_MOST_TRIES = 100
_NO_COMMITMENT = (
    'the archive offers no storage commitment; the operator is told to set `confirm_by = "query"`'
)

#: By the words of the standard (PS3.4 table B.2-1, annex C.4.1, PS3.7 annex C).
_MEANINGS = {
    status.SUCCESS: "success",
    status.PROCESSING_FAILURE: "processing failure",
    status.OUT_OF_RESOURCES: "refused: out of resources",
    status.CANNOT_UNDERSTAND: "error: cannot understand",
    status.UNRECOGNISED_OPERATION: "unrecognised operation",
    status.NO_SUCH_INSTANCE: "no such object instance",
    status.CLASS_INSTANCE_CONFLICT: "class-instance conflict",
    status.INVALID_ARGUMENT: "invalid argument value",
    status.NO_SUCH_ACTION: "no such action",
    status.CANCELLED: "matching terminated by a cancel request",
    status.MATCH: "pending: a match is supplied",
}


def sent_statuses() -> str:
    """Return every status that we answer with as SCP."""
    rows = [("C-ECHO", *_status(status.ECHO_STATUS), "always", "")]
    rows += [
        (
            "C-STORE",
            *_status(status.STORE_STATUS[outcome]),
            _small(remarks(StoreOutcome)[outcome.name]),
            status.STORE_COMMENT.get(outcome, ""),
        )
        for outcome in StoreOutcome
    ]
    rows += [
        (
            "N-EVENT-REPORT",
            *_status(status.REPORT_STATUS[outcome]),
            _small(remarks(ReportOutcome)[outcome.name]),
            "",
        )
        for outcome in ReportOutcome
    ]
    rows.append(("N-ACTION", *_status(status.ACTION_STATUS), "always: we commit to nothing", ""))
    return table(_SENT, rows)


def store_answers() -> str:
    """Return what an archive's answer to C-STORE means."""
    said = remarks(StoreAnswer)
    rows = [
        (_range(known), known.meaning, _then(answer.name, said[answer.name]))
        for known, answer in status.STORE_ANSWERS
    ]
    refused = StoreAnswer.REFUSED
    rows.append(("any other", "failure", _then(refused.name, said[refused.name])))
    return table(_READ, rows)


def action_answers() -> str:
    """Return what an archive's answer to N-ACTION means."""
    rows = [(hexadecimal(status.SUCCESS), "success", "the report is awaited")]
    rows += [
        (
            hexadecimal(code),
            meaning,
            _NO_COMMITMENT,
        )
        for code, meaning in status.NOT_OFFERED.items()
    ]
    rows.append(("any other, or none", "failure", "the archive is away: asked again later"))
    return table(_READ, rows)


def commitment_answers() -> str:
    """Return what a storage commitment report says of one object."""
    said = remarks(CommitmentAnswer)
    committed, failed = CommitmentAnswer.COMMITTED, CommitmentAnswer.FAILED
    rows = [
        (
            "listed in Referenced SOP Sequence",
            "committed",
            _then(committed.name, said[committed.name]),
        )
    ]
    rows += [
        (f"Failure Reason {hexadecimal(reason)}", meaning, _then(answer.name, said[answer.name]))
        for reason, (meaning, answer) in status.COMMITMENT_ANSWERS.items()
    ]
    such_as = hexadecimal(status.CLASS_INSTANCE_CONFLICT)
    other = f"any other Failure Reason, such as {such_as}, or none"
    rows.append((other, "failed", _then(failed.name, said[failed.name])))
    return table(("The report says", "Meaning", "What follows"), rows)


def find_answers() -> str:
    """Return what an archive's answers to C-FIND mean."""
    rows = [(hexadecimal(code), "pending", "one more match") for code in sorted(status.PENDING)]
    rows.insert(0, (hexadecimal(status.SUCCESS), "success", "the list is complete"))
    rows.append(
        (
            "any other, or none",
            "failure",
            "nothing is known; the archive is away: asked again later",
        )
    )
    return table(_READ, rows)


def archive_of_the_demo() -> str:
    """Return the statuses that the small archive of demo and tests knows beside the node's."""
    codes = (
        ("C-FIND", status.MATCH),
        ("C-FIND", status.CANCELLED),
        ("N-ACTION", status.NO_SUCH_ACTION),
        ("N-ACTION", status.INVALID_ARGUMENT),
        ("N-ACTION", status.PROCESSING_FAILURE),
        ("Failure Reason", status.NO_SUCH_INSTANCE),
        ("Failure Reason", status.CLASS_INSTANCE_CONFLICT),
    )
    return table(("Service", "Status", "Meaning"), [(name, *_status(code)) for name, code in codes])


def delivery_states() -> str:
    """Return the states of a delivery."""
    rows = [
        (
            state.value + (" (end)" if state in DELIVERY_ENDS else ""),
            _small(remarks(DeliveryState)[state.name]),
            ", ".join(sorted(to.value for to in DELIVERY_TRANSITIONS[state])),
        )
        for state in DeliveryState
    ]
    return table(("State", "What is true in it", "May become"), rows)


def numbers() -> dict[str, str]:
    """Return the numbers of the confirmation and the retry ladder, found by asking the rules."""
    tries = range(1, _MOST_TRIES)
    again = next(n for n in tries if _looked(n) is Confirmation.SEND_AGAIN)
    given_up = next(n for n in tries if _looked(n) is Confirmation.GIVE_UP)
    listed_after = next(
        n for n in tries if after_overdue(asked_count=n, found=True) is Confirmation.VERIFIED
    )
    failed_after = next(
        n
        for n in tries
        if after_answer(CommitmentAnswer.MISSING, asked_count=n) is DeliveryState.FAILED
    )
    return {
        "looks_before_sending_again": str(again),
        "looks_before_giving_up": str(given_up),
        "requests_before_listed_is_enough": str(listed_after),
        "requests_before_giving_up": str(failed_after),
        "waits": ladder(),
    }


def ladder() -> str:
    """Return the waits between attempts in words."""
    steps = []
    for before, after in pairwise(delay(n).total_seconds() for n in count(1)):
        steps.append(_seconds(before))
        if before == after:
            break
    return f"{', '.join(steps[:-1])}, then {steps[-1]} each time"


def _looked(times: int) -> Confirmation:
    return after_look_up(asked_count=times, found=False)


def _status(code: int) -> tuple[str, str]:
    return hexadecimal(code), _MEANINGS.get(code, "")


def _range(known: StatusRange) -> str:
    if known.first == known.last:
        return hexadecimal(known.first)
    return f"{hexadecimal(known.first)} to {hexadecimal(known.last)}"


def _then(name: str, sentence: str) -> str:
    return f"{name}: {_small(sentence)}"


def _small(sentence: str) -> str:
    return sentence.rstrip(".")


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"  # noqa: PLR2004 - of a minute
