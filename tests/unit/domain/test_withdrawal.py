from __future__ import annotations

from dataclasses import replace

import pytest

from screener.domain import wording
from screener.domain.catalogue import ENGLISH
from screener.domain.finding import ConclusionRules, Verdict, conclude
from screener.domain.study import StudyState
from screener.domain.withdrawal import (
    LONGEST_REASON,
    refusal,
    withdrawing_finding,
)
from screener.storage.codec import from_json, to_json
from tests.conformance.contents import CASES
from tests.unit.domain.values import BMD, GROWTH, film

T = StudyState

LOW = conclude([film(1, z=-2.5)], rules=ConclusionRules(), reference=BMD, growth=GROWTH)


def test_the_withdrawing_finding_has_a_reason_in_words_and_no_estimate() -> None:
    finding = withdrawing_finding(LOW, "  a wrong\npredictor ")

    assert (finding.verdict, finding.reason, finding.estimate) == (Verdict.WITHDRAWN, None, None)
    assert finding.withdrawn_because == "a wrong predictor"
    assert (finding.predictor, finding.reference) == (LOW.predictor, LOW.reference)
    assert finding.judged_z is None


def test_each_reason_gives_another_digest() -> None:
    one, other = withdrawing_finding(LOW, "one"), withdrawing_finding(LOW, "other")

    assert len({LOW.digest(), one.digest(), other.digest()}) == 3


def test_a_finding_that_nobody_withdrew_keeps_the_digest_that_it_had() -> None:
    assert "withdrawn_because" not in LOW.printed()
    assert replace(LOW, withdrawn_because="").digest() == LOW.digest()


def test_a_finding_of_a_row_from_before_is_one_that_nobody_withdrew() -> None:
    row = to_json(LOW).replace(',"withdrawn_because":""', "")

    assert "withdrawn" not in row
    assert from_json(type(LOW), row) == LOW


@pytest.mark.parametrize("because", ["", " \n", "x" * (LONGEST_REASON + 1), "a\x00b"])
def test_a_reason_that_cannot_be_printed_is_refused(because: str) -> None:
    with pytest.raises(ValueError, match="a reason has"):
        withdrawing_finding(LOW, because)


def test_the_sentences_say_that_and_why_and_what_it_does_not_mean() -> None:
    content = CASES["correction-withdrawn"].content
    finding = withdrawing_finding(LOW, "wrong child.")

    said = " ".join(wording.verdict_sentences(replace(content, finding=finding)))

    assert "Reason: wrong child. The estimate" in said
    assert "must not be used" in said
    assert "says nothing about the child's bone mineral density" in said


@pytest.mark.parametrize("state", [T.GROWING, T.FLAGGED, T.REPORTING, T.REPORTED, T.FAILED])
def test_a_report_can_be_withdrawn_once_it_was_made(state: StudyState) -> None:
    assert refusal(state, has_report=True, is_withdrawn=False) is None
    assert refusal(state, has_report=False, is_withdrawn=False) == "has no report to withdraw"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (T.WITHDRAWING, "is being withdrawn already"),
        (T.WITHDRAWN, "is withdrawn already"),
        (T.FAILED, "screener retry"),
    ],
)
def test_a_report_is_withdrawn_once_only(state: StudyState, why: str) -> None:
    assert why in str(refusal(state, has_report=True, is_withdrawn=True))


def test_the_report_as_text_says_no_more_than_that_it_withdraws() -> None:
    said = wording.report_text(CASES["correction-withdrawn"].content)

    assert said.startswith("Earlier report withdrawn - REVISED 2")
    assert ENGLISH("withdrawn.change") in said
    assert ENGLISH("withdrawn.formation") in said
    assert "Decision threshold" not in said
    assert "Films not scored" not in said
    assert "Z -" not in said
