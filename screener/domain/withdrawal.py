"""Taking a report back: who may be asked to, and the finding that says so."""

from __future__ import annotations

from dataclasses import replace

from screener.domain.finding import Finding, Verdict
from screener.domain.study import StudyState

#: Longest reason, in characters: it is printed on the result card.
LONGEST_REASON = 300


def refusal(state: StudyState, *, has_report: bool, is_withdrawn: bool) -> str | None:
    """Return why a study's report cannot be withdrawn, as a phrase, or None where it can.

    Parameters
    ----------
    state
        Of the study.
    has_report
        Whether a report of it was ever made.
    is_withdrawn
        Whether its current finding says that its report is withdrawn.
    """
    if state is StudyState.WITHDRAWN:
        return "is withdrawn already"
    if state is StudyState.FAILED and is_withdrawn:
        return "is withdrawn already, and its withdrawing report has failed: `screener retry` it"
    if state is StudyState.WITHDRAWING:
        return "is being withdrawn already"
    if not has_report:
        return "has no report to withdraw"
    return None


def check_reason(because: str) -> str:
    """Return an operator's reason in one line, or raise `ValueError` where it cannot be printed."""
    text = " ".join(because.split())
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        raise ValueError(f"a reason has 1 to {LONGEST_REASON} printable characters")
    return text


def withdrawing_finding(reported: Finding, because: str) -> Finding:
    """Return the finding that takes a reported one back.

    Parameters
    ----------
    reported
        The study's last finding that has a report.
    because
        The operator's reason, one to `LONGEST_REASON` characters in one line.

    Returns
    -------
    Finding
        Without an estimate and without a reason code: it says nothing about the child. What the
        reported one rested on, such as its predictor, stays readable in it.

    Raises
    ------
    ValueError
        There is no reason, or it is too long.
    """
    return replace(
        reported,
        verdict=Verdict.WITHDRAWN,
        reason=None,
        estimate=None,
        not_scored=(),
        withdrawn_because=check_reason(because),
    )
