import itertools

import pytest

from screener.domain.errors import IllegalTransition
from screener.domain.finding import ConclusionRules, Finding, conclude
from screener.domain.identifiers import FindingId
from screener.domain.study import (
    STUDY_ENDS,
    STUDY_TRANSITIONS,
    Close,
    Flag,
    Keep,
    ReportedFinding,
    StudyState,
    advance,
    after_finding,
)
from tests.unit.domain.values import BMD, GROWTH, film, unscored

T = StudyState

LEGAL = {
    (T.GROWING, T.CLOSED),
    (T.GROWING, T.FLAGGED),
    (T.GROWING, T.REPORTED),
    (T.GROWING, T.WITHDRAWING),
    (T.GROWING, T.FAILED),
    (T.CLOSED, T.GROWING),
    (T.FLAGGED, T.REPORTING),
    (T.FLAGGED, T.WITHDRAWING),
    (T.FLAGGED, T.GROWING),
    (T.REPORTING, T.REPORTED),
    (T.REPORTING, T.FLAGGED),
    (T.REPORTING, T.WITHDRAWING),
    (T.REPORTING, T.GROWING),
    (T.REPORTING, T.FAILED),
    (T.REPORTED, T.GROWING),
    (T.REPORTED, T.WITHDRAWING),
    (T.WITHDRAWING, T.WITHDRAWN),
    (T.WITHDRAWING, T.FAILED),
    (T.FAILED, T.GROWING),
    (T.FAILED, T.WITHDRAWING),
}


def finding(z: float | None) -> Finding:
    films = [unscored(1)] if z is None else [film(1, z=z)]
    return conclude(films, rules=ConclusionRules(), reference=BMD, growth=GROWTH)


LOW, NOT_LOW, NOT_ASSESSED = finding(-2.5), finding(-1.0), finding(None)
EARLIER = FindingId(7)


@pytest.mark.parametrize(("state", "to"), list(itertools.product(T, T)))
def test_a_study_moves_as_its_table_allows_and_in_no_other_way(
    state: StudyState, to: StudyState
) -> None:
    if (state, to) in LEGAL:
        assert advance(state, to) is to
    else:
        with pytest.raises(IllegalTransition, match=f"from {state.value} to {to.value}"):
            advance(state, to)


def test_every_state_has_a_row_in_the_table_and_can_be_reached() -> None:
    reached, frontier = {T.GROWING}, {T.GROWING}
    while frontier:
        frontier = {to for state in frontier for to in STUDY_TRANSITIONS[state]} - reached
        reached |= frontier

    assert set(STUDY_TRANSITIONS) == reached == set(T)


def test_a_late_film_reopens_a_study_unless_its_report_is_withdrawn() -> None:
    reopened = {state for state in T if T.GROWING in STUDY_TRANSITIONS[state]}

    assert set(T) - reopened == {T.GROWING, T.WITHDRAWING, T.WITHDRAWN}
    assert {T.CLOSED, T.REPORTED, T.WITHDRAWN, T.FAILED} == STUDY_ENDS


def test_a_report_can_be_withdrawn_in_every_state_that_a_study_with_one_can_be_in() -> None:
    withdrawable = {state for state in T if T.WITHDRAWING in STUDY_TRANSITIONS[state]}

    assert withdrawable == {T.GROWING, T.FLAGGED, T.REPORTING, T.REPORTED, T.FAILED}


@pytest.mark.parametrize(
    ("new", "report_all", "then"),
    [
        (LOW, False, Flag()),
        (LOW, True, Flag()),
        (NOT_LOW, False, Close()),
        (NOT_LOW, True, Flag()),
        (NOT_ASSESSED, False, Close()),
        (NOT_ASSESSED, True, Flag()),
    ],
)
def test_a_first_finding_is_reported_when_it_is_low_or_when_all_are(
    new: Finding, report_all: bool, then: Close | Flag
) -> None:
    assert after_finding(new, reported=None, covering=None, report_all=report_all) == then


def test_a_child_reported_low_lately_gets_no_second_report() -> None:
    then = after_finding(LOW, reported=None, covering=EARLIER, report_all=False)

    assert then == Close(covered_by=EARLIER)


def test_an_earlier_low_finding_says_nothing_of_a_study_that_is_not_low() -> None:
    assert after_finding(NOT_LOW, reported=None, covering=EARLIER, report_all=False) == Close()


@pytest.mark.parametrize("new", [LOW, NOT_LOW])
def test_a_report_that_still_says_what_is_true_is_kept(new: Finding) -> None:
    reported = ReportedFinding(finding_id=EARLIER, digest=new.digest())

    assert after_finding(new, reported=reported, covering=None, report_all=False) == Keep()


@pytest.mark.parametrize("new", [finding(-2.8), NOT_LOW, NOT_ASSESSED])
@pytest.mark.parametrize("covering", [None, FindingId(9)])
def test_a_report_that_is_no_longer_true_is_replaced_whatever_the_verdict(
    new: Finding, covering: FindingId | None
) -> None:
    reported = ReportedFinding(finding_id=EARLIER, digest=LOW.digest())

    then = after_finding(new, reported=reported, covering=covering, report_all=False)

    assert then == Flag(predecessor=EARLIER)
