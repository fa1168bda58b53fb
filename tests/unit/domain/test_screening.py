import itertools

import pytest

from screener.domain.errors import IllegalTransition
from screener.domain.screening import (
    SCREENING_ENDS,
    SCREENING_TRANSITIONS,
    SILENT,
    ScreeningState,
    advance,
)

S = ScreeningState

#: Every legal move, written out once more: a change of the table must be meant.
LEGAL = {
    (S.RECEIVED, S.WAITING),
    (S.RECEIVED, S.INELIGIBLE),
    (S.RECEIVED, S.DUPLICATE),
    (S.RECEIVED, S.CONFLICTING),
    (S.RECEIVED, S.SUPERSEDED),
    (S.RECEIVED, S.FAILED),
    (S.WAITING, S.RECEIVED),
    (S.WAITING, S.SCORING),
    (S.WAITING, S.SUPERSEDED),
    (S.SCORING, S.RECEIVED),
    (S.SCORING, S.WAITING),
    (S.SCORING, S.SCORED),
    (S.SCORING, S.NOT_SCORED),
    (S.SCORING, S.SUPERSEDED),
    (S.SCORING, S.FAILED),
    (S.SCORED, S.RECEIVED),
    (S.SCORED, S.SUPERSEDED),
    (S.INELIGIBLE, S.RECEIVED),
    (S.INELIGIBLE, S.SUPERSEDED),
    (S.NOT_SCORED, S.RECEIVED),
    (S.NOT_SCORED, S.SUPERSEDED),
    (S.FAILED, S.RECEIVED),
    (S.FAILED, S.SUPERSEDED),
    *((s, S.REJECTED) for s in (S.RECEIVED, S.WAITING, S.SCORING, S.SCORED)),
    *((s, S.REJECTED) for s in (S.INELIGIBLE, S.NOT_SCORED, S.FAILED)),
}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(S, S)))
def test_a_screening_moves_as_its_table_allows_and_in_no_other_way(
    state: ScreeningState, to: ScreeningState
) -> None:
    if (state, to) in LEGAL:
        assert advance(state, to) is to
    else:
        with pytest.raises(IllegalTransition, match=f"from {state.value} to {to.value}"):
            advance(state, to)


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(SCREENING_TRANSITIONS) == set(S)


def test_every_state_can_be_reached_from_received() -> None:
    reached, frontier = {S.RECEIVED}, {S.RECEIVED}
    while frontier:
        frontier = {to for state in frontier for to in SCREENING_TRANSITIONS[state]} - reached
        reached |= frontier

    assert reached == set(S)


def test_from_an_end_a_screening_moves_only_to_make_way_or_to_be_tried_again() -> None:
    for end in SCREENING_ENDS:
        assert SCREENING_TRANSITIONS[end] <= {S.SUPERSEDED, S.REJECTED, S.RECEIVED}
    assert {S.RECEIVED, S.WAITING, S.SCORING} == set(S) - SCREENING_ENDS
    assert SILENT < SCREENING_ENDS
    assert all(not SCREENING_TRANSITIONS[state] for state in SILENT)
