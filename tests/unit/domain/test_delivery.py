import itertools

import pytest

from screener.domain.delivery import (
    DELIVERY_ENDS,
    DELIVERY_TRANSITIONS,
    ArchiveMode,
    CommitmentAnswer,
    Confirmation,
    DeliveryState,
    HoldReason,
    advance,
    after_answer,
    after_look_up,
    after_overdue,
    hold_reason,
)
from screener.domain.errors import IllegalTransition

D = DeliveryState

LEGAL = {
    (D.PENDING, D.SENDING),
    (D.PENDING, D.HELD),
    (D.HELD, D.PENDING),
    (D.SENDING, D.SENT),
    (D.SENDING, D.PENDING),
    (D.SENDING, D.HELD),
    (D.SENDING, D.REFUSED),
    (D.SENDING, D.FAILED),
    (D.SENT, D.AWAITING),
    (D.SENT, D.COMMITTED),
    (D.SENT, D.VERIFIED),
    (D.SENT, D.PENDING),
    (D.SENT, D.FAILED),
    (D.AWAITING, D.SENT),
    (D.AWAITING, D.COMMITTED),
    (D.AWAITING, D.VERIFIED),
    (D.AWAITING, D.PENDING),
    (D.AWAITING, D.FAILED),
    (D.VERIFIED, D.COMMITTED),
    (D.REFUSED, D.PENDING),
    (D.FAILED, D.PENDING),
    *((d, D.CANCELLED) for d in (D.PENDING, D.HELD, D.SENDING, D.REFUSED, D.FAILED)),
}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(D, D)))
def test_a_delivery_moves_as_its_table_allows_and_in_no_other_way(
    state: DeliveryState, to: DeliveryState
) -> None:
    if (state, to) in LEGAL:
        assert advance(state, to) is to
    else:
        with pytest.raises(IllegalTransition, match=f"from {state.value} to {to.value}"):
            advance(state, to)


def test_every_state_has_a_row_in_the_table_and_can_be_reached() -> None:
    reached, frontier = {D.PENDING}, {D.PENDING}
    while frontier:
        frontier = {to for state in frontier for to in DELIVERY_TRANSITIONS[state]} - reached
        reached |= frontier

    assert set(DELIVERY_TRANSITIONS) == reached == set(D)


def test_what_is_committed_stays_so_and_a_look_up_never_counts_as_commitment() -> None:
    assert not DELIVERY_TRANSITIONS[D.COMMITTED]
    assert {D.COMMITTED} == DELIVERY_TRANSITIONS[D.VERIFIED]
    assert {D.COMMITTED, D.VERIFIED, D.REFUSED, D.FAILED, D.CANCELLED} == DELIVERY_ENDS


@pytest.mark.parametrize(
    ("mode", "synthetic", "reason"),
    [
        (None, False, HoldReason.ARCHIVE_UNKNOWN),
        (None, True, HoldReason.ARCHIVE_UNKNOWN),
        (ArchiveMode.OFF, False, HoldReason.ARCHIVE_OFF),
        (ArchiveMode.OFF, True, HoldReason.ARCHIVE_OFF),
        (ArchiveMode.TEST, False, None),
        (ArchiveMode.TEST, True, None),
        (ArchiveMode.LIVE, False, None),
        (ArchiveMode.LIVE, True, HoldReason.SYNTHETIC_NOT_FOR_LIVE),
    ],
)
def test_an_object_is_held_unless_its_archive_may_get_it(
    mode: ArchiveMode | None, synthetic: bool, reason: HoldReason | None
) -> None:
    assert hold_reason(mode, synthetic=synthetic) is reason


@pytest.mark.parametrize(
    ("answer", "asked_count", "state"),
    [
        (CommitmentAnswer.COMMITTED, 1, D.COMMITTED),
        (CommitmentAnswer.COMMITTED, 99, D.COMMITTED),
        (CommitmentAnswer.MISSING, 1, D.PENDING),
        (CommitmentAnswer.MISSING, 8, D.PENDING),
        (CommitmentAnswer.MISSING, 9, D.FAILED),
        (CommitmentAnswer.FAILED, 1, D.SENT),
        (CommitmentAnswer.FAILED, 9, D.FAILED),
    ],
)
def test_an_object_is_sent_again_only_when_the_archive_says_that_it_has_it_not(
    answer: CommitmentAnswer, asked_count: int, state: DeliveryState
) -> None:
    assert after_answer(answer, asked_count=asked_count) is state
    assert state in DELIVERY_TRANSITIONS[D.AWAITING]


@pytest.mark.parametrize(
    ("asked_count", "found", "then"),
    [
        (1, False, Confirmation.SEND_AGAIN),
        (8, False, Confirmation.SEND_AGAIN),
        (9, False, Confirmation.GIVE_UP),
        (1, True, Confirmation.ASK_AGAIN),
        (2, True, Confirmation.ASK_AGAIN),
        (3, True, Confirmation.VERIFIED),
        (1, None, Confirmation.ASK_AGAIN),
        (50, None, Confirmation.ASK_AGAIN),
    ],
)
def test_an_overdue_commitment_is_asked_for_again_until_a_look_up_is_enough(
    asked_count: int, found: bool | None, then: Confirmation
) -> None:
    assert after_overdue(asked_count=asked_count, found=found) is then


@pytest.mark.parametrize(
    ("asked_count", "found", "then"),
    [
        (1, True, Confirmation.VERIFIED),
        (9, True, Confirmation.VERIFIED),
        (1, False, Confirmation.ASK_AGAIN),
        (2, False, Confirmation.ASK_AGAIN),
        (3, False, Confirmation.SEND_AGAIN),
        (4, False, Confirmation.ASK_AGAIN),
        (6, False, Confirmation.SEND_AGAIN),
        (8, False, Confirmation.ASK_AGAIN),
        (9, False, Confirmation.GIVE_UP),
    ],
)
def test_an_archive_without_commitment_is_looked_into_until_it_lists_the_object(
    asked_count: int, found: bool, then: Confirmation
) -> None:
    assert after_look_up(asked_count=asked_count, found=found) is then
