"""What status codes mean, and which we give."""

from __future__ import annotations

import pytest

from screener.domain.delivery import CommitmentAnswer, StoreAnswer
from screener.network.status import (
    STORE_COMMENT,
    STORE_STATUS,
    StoreOutcome,
    commitment_answer,
    in_words,
    store_answer,
)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0x0000, StoreAnswer.KEPT),
        (0xB000, StoreAnswer.KEPT),
        (0xB006, StoreAnswer.KEPT),
        (0xB007, StoreAnswer.KEPT),
        (0xBFFF, StoreAnswer.KEPT),
        (0xA700, StoreAnswer.BUSY),
        (0xA7FF, StoreAnswer.BUSY),
        (0x0110, StoreAnswer.BUSY),
        (0x0001, StoreAnswer.REFUSED),
        (0x0111, StoreAnswer.KEPT),
        (0x0122, StoreAnswer.REFUSED),
        (0x0124, StoreAnswer.REFUSED),
        (0xA6FF, StoreAnswer.REFUSED),
        (0xA800, StoreAnswer.REFUSED),
        (0xA900, StoreAnswer.REFUSED),
        (0xAFFF, StoreAnswer.REFUSED),
        (0xC000, StoreAnswer.REFUSED),
        (0xCFFF, StoreAnswer.REFUSED),
        (0xFF00, StoreAnswer.REFUSED),
    ],
)
def test_a_store_status_means_one_thing(status: int, answer: StoreAnswer) -> None:
    assert store_answer(status) is answer


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (0x0112, CommitmentAnswer.MISSING),
        (0x0110, CommitmentAnswer.FAILED),
        (0x0119, CommitmentAnswer.FAILED),
        (0x0122, CommitmentAnswer.FAILED),
        (0x0131, CommitmentAnswer.FAILED),
        (0x0213, CommitmentAnswer.FAILED),
        (None, CommitmentAnswer.FAILED),
    ],
)
def test_only_no_such_instance_says_that_an_object_is_missing(
    reason: int | None, answer: CommitmentAnswer
) -> None:
    assert commitment_answer(reason) is answer


def test_every_outcome_has_a_status_and_only_stored_is_success() -> None:
    assert {outcome for outcome in StoreOutcome if STORE_STATUS[outcome] == 0} == {
        StoreOutcome.STORED
    }


@pytest.mark.parametrize("outcome", [StoreOutcome.LOW_SPACE, StoreOutcome.FAILED])
def test_a_passing_trouble_of_ours_makes_senders_try_again(outcome: StoreOutcome) -> None:
    assert store_answer(STORE_STATUS[outcome]) is StoreAnswer.BUSY


def test_an_unreadable_instance_is_not_worth_sending_again() -> None:
    assert STORE_STATUS[StoreOutcome.UNREADABLE] == 0xC000


def test_every_failure_says_why_within_the_length_of_an_error_comment() -> None:
    assert set(STORE_COMMENT) == set(StoreOutcome) - {StoreOutcome.STORED}
    assert max(map(len, STORE_COMMENT.values())) <= 64


def test_a_status_is_written_as_the_standard_does() -> None:
    assert in_words(0x0110) == "status 0x0110"
