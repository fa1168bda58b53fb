"""When the demo is all right, and what it says where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from screener.demo.outcome import ChildOutcome, Outcome
from screener.domain.delivery import DeliveryState
from screener.domain.finding import Verdict
from screener.domain.identifiers import SopInstanceUid
from screener.domain.study import StudyState
from screener.storage.queries import ObjectView, StudyView

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def made(number: int, state: DeliveryState = DeliveryState.COMMITTED) -> ObjectView:
    return ObjectView(
        result_object_id=number,
        finding_id=1,
        kind="REPORT",
        variant="",
        sop_instance_uid=f"2.25.{number}",
        vault_key=f"00/{number}.dcm",
        delivery_id=number,
        archive="pacs",
        state=state,
        hold_reason=None,
        attempts=0,
        error_message=None,
        changed_at=NOW,
    )


def child(number: int, *, low: bool, found: bool, objects: Iterable[ObjectView]) -> ChildOutcome:
    study = StudyView(
        study_id=number,
        state=StudyState.REPORTED if found else StudyState.CLOSED,
        films=1,
        finding_id=None,
        verdict=Verdict.LOW.value if found else Verdict.NOT_LOW.value,
        reason=None,
        z=-3.0 if found else 0.0,
        synthetic=True,
        covered_by=None,
        report_state=None,
        last_received_at=NOW,
        error_code=None,
        error_message=None,
    )
    return ChildOutcome(
        number=number,
        true_z=-3.0 if low else 0.0,
        is_low=low,
        entries=(),
        study=study,
        content=None,
        objects=tuple(objects),
    )


def outcome(*, found: int = 12, falsely: int = 0) -> Outcome:
    """Return what comes of 12 low children and 12 others, each report in the archive."""
    children = [
        child(n, low=True, found=n <= found, objects=[made(n)] if n <= found else [])
        for n in range(1, 13)
    ] + [
        child(n, low=False, found=n <= 12 + falsely, objects=[made(n)] if n <= 12 + falsely else [])
        for n in range(13, 25)
    ]
    uids = {SopInstanceUid(one.sop_instance_uid) for c in children for one in c.objects}
    return Outcome(
        rows=(),
        children=tuple(children),
        archived=frozenset(uids),
        before=frozenset(),
        refused=(),
    )


@pytest.mark.parametrize(
    ("found", "falsely", "good"),
    [(12, 0, True), (9, 2, True), (8, 0, False), (12, 3, False)],
)
def test_nine_of_twelve_found_and_two_false_are_just_enough(
    found: int, falsely: int, good: bool
) -> None:
    ended = outcome(found=found, falsely=falsely)

    assert (ended.found, ended.falsely_flagged, ended.low) == (found, falsely, 12)
    assert (ended.problems == ()) is good


def test_a_report_that_is_not_committed_is_a_problem() -> None:
    good = outcome()
    late = replace(good.children[0], objects=(made(1, DeliveryState.AWAITING),))

    (problem,) = replace(good, children=(late, *good.children[1:])).problems

    assert problem == "child 1: objects are AWAITING"


def test_an_object_that_the_archive_does_not_list_is_a_problem() -> None:
    good = outcome()

    (problem,) = replace(good, archived=frozenset(list(good.archived)[1:])).problems

    assert problem == "1 objects are not in the archive"


def test_an_object_for_anybody_else_is_a_problem() -> None:
    good = outcome()

    beside = replace(good, archived=good.archived | {SopInstanceUid("2.25.99")})

    assert beside.problems == ("1 objects in the archive belong to no child found low",)
    assert len(beside.written) == 13


def test_a_child_found_low_without_a_report_is_a_problem() -> None:
    good = outcome()
    bare = replace(good.children[0], objects=())

    problems = replace(good, children=(bare, *good.children[1:])).problems

    assert "child 1 was found low and has no report" in problems


def test_a_second_run_into_the_same_archive_is_as_good_as_the_first() -> None:
    first = outcome()
    other = SopInstanceUid("2.25.77")

    again = replace(first, archived=first.archived | {other}, before=first.archived | {other})

    assert again.problems == ()
    assert again.written == first.archived
