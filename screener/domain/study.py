"""The states of a study, and what a new finding means for its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from screener.domain.errors import IllegalTransition
from screener.domain.finding import Finding, Verdict
from screener.domain.identifiers import FindingId


class StudyState(StrEnum):
    """Where our work on one study stands."""

    #: Instances may still arrive, or some are not at an end.
    GROWING = "GROWING"
    #: Concluded, nothing to report. An end.
    CLOSED = "CLOSED"
    #: Concluded, a report is due.
    FLAGGED = "FLAGGED"
    #: A worker holds it and is making the report.
    REPORTING = "REPORTING"
    #: The report and its deliveries are rows. An end.
    REPORTED = "REPORTED"
    #: An operator has taken its report back, and a withdrawing report is due.
    WITHDRAWING = "WITHDRAWING"
    #: The withdrawing report is made. An end.
    WITHDRAWN = "WITHDRAWN"
    #: Given up; an operator may retry. An end.
    FAILED = "FAILED"


_T = StudyState

#: A late film takes any state but the withdrawn ones back to GROWING; a report can be withdrawn in
#: every state that a study with one can be in.
STUDY_TRANSITIONS: Mapping[StudyState, frozenset[StudyState]] = {
    _T.GROWING: frozenset({_T.CLOSED, _T.FLAGGED, _T.REPORTED, _T.WITHDRAWING, _T.FAILED}),
    _T.CLOSED: frozenset({_T.GROWING}),
    _T.FLAGGED: frozenset({_T.REPORTING, _T.WITHDRAWING, _T.GROWING}),
    _T.REPORTING: frozenset({_T.REPORTED, _T.FLAGGED, _T.WITHDRAWING, _T.GROWING, _T.FAILED}),
    _T.REPORTED: frozenset({_T.GROWING, _T.WITHDRAWING}),
    _T.WITHDRAWING: frozenset({_T.WITHDRAWN, _T.FAILED}),
    _T.WITHDRAWN: frozenset(),
    _T.FAILED: frozenset({_T.GROWING, _T.WITHDRAWING}),
}

STUDY_ENDS = frozenset({_T.CLOSED, _T.REPORTED, _T.WITHDRAWN, _T.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Nothing is written. `covered_by` names another study's finding that covers this child."""

    covered_by: FindingId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The report in the archive still says what is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A report is due; `predecessor` is the finding whose report it replaces."""

    predecessor: FindingId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFinding:
    """A finding that has a report."""

    finding_id: FindingId
    digest: str


def after_finding(
    finding: Finding,
    *,
    reported: ReportedFinding | None,
    covering: FindingId | None,
    report_all: bool,
) -> Close | Keep | Flag:
    """Decide what a study's new finding asks for.

    Parameters
    ----------
    finding
        The new one.
    reported
        The study's last finding that has a report.
    covering
        A recent LOW finding of the same child by the same predictor in another study.
    report_all
        Whether studies that are not LOW are reported, too.

    Returns
    -------
    Close | Keep | Flag
        A study that has a report gets a new one whenever verdict or printed values change, also
        when it is no longer LOW: a report that is no longer true must not stay the last word.
    """
    if reported is not None:
        if reported.digest == finding.digest():
            return Keep()
        return Flag(predecessor=reported.finding_id)
    if finding.verdict is Verdict.LOW:
        return Close(covered_by=covering) if covering is not None else Flag()
    return Flag() if report_all else Close()


def advance(state: StudyState, to: StudyState) -> StudyState:
    """Return `to`, or raise `IllegalTransition` where the table does not allow it."""
    if to not in STUDY_TRANSITIONS[state]:
        raise IllegalTransition(f"a study cannot go from {state.value} to {to.value}")
    return to
