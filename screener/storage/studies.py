"""Studies: growing, settled, concluded, reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session

from screener.domain.errors import ScreenerError
from screener.domain.finding import Verdict
from screener.domain.identifiers import FindingId, StudyId, StudyInstanceUid
from screener.domain.screening import SCREENING_ENDS, SILENT, ScreeningState
from screener.domain.study import STUDY_TRANSITIONS, StudyState, advance
from screener.storage.claims import (
    Lease,
    claim,
    is_due,
    lease_of,
    rows_changed,
    settle,
    settle_failure,
)
from screener.storage.tables import FindingRow, ReceivedInstanceRow, ScreeningRow, StudyRow

_T = StudyState

_TO_REPORT = StudyRow.state.in_([_T.FLAGGED.value, _T.REPORTING.value])
_TO_WITHDRAW = StudyRow.state == _T.WITHDRAWING.value

#: Its report is taken back, in whatever state the study is: nothing may take it up again.
_IS_WITHDRAWN = (
    exists()
    .where(FindingRow.id == StudyRow.finding_id, FindingRow.verdict == Verdict.WITHDRAWN.value)
    .correlate(StudyRow)
)

#: Takes the place of a hash of the child, so that two studies of one child are concluded in turn.
_CHILD_LOCK = "screener child"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedStudy:
    """A study that this worker holds."""

    lease: Lease
    state: StudyState
    study_id: StudyId
    study_instance_uid: StudyInstanceUid
    finding_id: FindingId | None
    reported_finding_id: FindingId | None


class Studies:
    """Rows of `studies`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def receive(self, study_instance_uid: StudyInstanceUid) -> StudyId:
        """Return the study that an instance has just arrived for; its settle time starts again.

        A study at an end stays there until the instance is judged: one that was received before
        changes nothing.
        """
        row = self._session.scalar(
            select(StudyRow)
            .where(StudyRow.study_instance_uid == study_instance_uid)
            .with_for_update()
        )
        if row is None:
            row = StudyRow(
                study_instance_uid=study_instance_uid,
                state=_T.GROWING.value,
                created_at=self._now,
                last_received_at=self._now,
                attempts=0,
                next_attempt_at=self._now,
                changed_at=self._now,
            )
            self._session.add(row)
            self._session.flush()
        row.last_received_at = self._now
        return StudyId(row.id)

    def reopen(self, study_id: StudyId) -> None:
        """Take a study back to GROWING, for what is known of its films has changed.

        Whoever is concluding it by what was known before comes to an end first: it would be GROWING
        here, left alone, and closed then.
        """
        self.lock(study_id)
        before = [s.value for s, after in STUDY_TRANSITIONS.items() if _T.GROWING in after]
        self._session.execute(
            update(StudyRow)
            .where(StudyRow.id == study_id, StudyRow.state.in_(before), ~_IS_WITHDRAWN)
            .values(state=_T.GROWING.value, **self._afresh())
            .execution_options(synchronize_session="fetch")
        )

    def withdraw(self, study_id: StudyId, finding_id: FindingId) -> bool:
        """Have a withdrawing finding reported; whoever holds the study loses it.

        Returns
        -------
        bool
            False where its state does not allow it.
        """
        before = [s.value for s, after in STUDY_TRANSITIONS.items() if _T.WITHDRAWING in after]
        result = self._session.execute(
            update(StudyRow)
            .where(StudyRow.id == study_id, StudyRow.state.in_(before))
            .values(state=_T.WITHDRAWING.value, finding_id=finding_id, **self._afresh())
            .execution_options(synchronize_session="fetch")
        )
        return rows_changed(result) == 1

    def claim_settled(self, *, settle_s: float, limit: int, lease: timedelta) -> list[ClaimedStudy]:
        """Claim growing studies with no new instance for a time and every film at an end."""
        rows = claim(
            self._session,
            StudyRow,
            *self._settled(settle_s),
            now=self._now,
            lease=lease,
            limit=limit,
            failed=_T.FAILED,
        )
        return [_claimed(row, _T.GROWING) for row in rows]

    def any_settled(self, *, settle_s: float) -> bool:
        """Return whether a study is due to be concluded."""
        return is_due(self._session, StudyRow, *self._settled(settle_s), now=self._now)

    def any_flagged(self) -> bool:
        """Return whether a report, or a withdrawing one, is due."""
        return is_due(self._session, StudyRow, or_(_TO_REPORT, _TO_WITHDRAW), now=self._now)

    def lock(self, study_id: StudyId) -> None:
        """Let one transaction at a time change what a study's films say."""
        self._session.execute(select(StudyRow.id).where(StudyRow.id == study_id).with_for_update())

    def still_settled(self, held: ClaimedStudy) -> bool:
        """Lock a claimed study and return whether all its films are still at an end."""
        self.lock(held.study_id)
        working = [s.value for s in ScreeningState if s not in SCREENING_ENDS]
        return not self._session.scalar(
            select(
                exists().where(
                    ScreeningRow.study_id == held.study_id, ScreeningRow.state.in_(working)
                )
            )
        )

    def claim_flagged(self, *, limit: int, lease: timedelta) -> list[ClaimedStudy]:
        """Claim studies that a report is due for."""
        rows = claim(
            self._session,
            StudyRow,
            _TO_REPORT,
            now=self._now,
            lease=lease,
            limit=limit,
            working=_T.REPORTING,
            failed=_T.FAILED,
        )
        return [_claimed(row, _T.REPORTING) for row in rows]

    def claim_withdrawing(self, *, limit: int, lease: timedelta) -> list[ClaimedStudy]:
        """Claim studies that a withdrawing report is due for."""
        rows = claim(
            self._session,
            StudyRow,
            _TO_WITHDRAW,
            now=self._now,
            lease=lease,
            limit=limit,
            failed=_T.FAILED,
        )
        return [_claimed(row, _T.WITHDRAWING) for row in rows]

    def settle(
        self,
        held: ClaimedStudy,
        to: StudyState,
        *,
        finding_id: FindingId | None = None,
        reported_finding_id: FindingId | None = None,
        next_attempt_at: datetime | None = None,
    ) -> bool:
        """Move a claimed study on; False where it is no longer ours."""
        values: dict[str, Any] = {"next_attempt_at": next_attempt_at or self._now}
        if finding_id is not None:
            values["finding_id"] = finding_id
        if reported_finding_id is not None:
            values["reported_finding_id"] = reported_finding_id
        return settle(
            self._session,
            StudyRow,
            held.lease,
            now=self._now,
            held_as=held.state,
            to=to if to is held.state else advance(held.state, to),
            **values,
        )

    def settle_failure(self, held: ClaimedStudy, error: ScreenerError) -> bool:
        """Schedule the next attempt at a claimed study, or give it up."""
        return settle_failure(
            self._session,
            StudyRow,
            held.lease,
            error,
            now=self._now,
            held_as=held.state,
            again=_T.FLAGGED if held.state is _T.REPORTING else held.state,
            failed=_T.FAILED,
        )

    def lock_children(self) -> None:
        """Let one transaction at a time ask whether a child was reported, and then report it."""
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_CHILD_LOCK))))

    def of_child(self, child: tuple[str, str, object, str], *, without: StudyId) -> list[StudyId]:
        """Return the other studies of a child (patient id, issuer, birth date, sex).

        What a film said before it was corrected does not count.
        """
        patient_id, issuer, birth_date, sex = child
        row = ReceivedInstanceRow
        return [
            StudyId(study_id)
            for study_id in self._session.scalars(
                select(row.study_id)
                .join(ScreeningRow, ScreeningRow.instance_id == row.id)
                .where(
                    ScreeningRow.state.not_in([state.value for state in SILENT]),
                    row.patient_id == patient_id,
                    func.coalesce(row.issuer, "") == issuer,
                    row.birth_date == birth_date,
                    row.sex == sex,
                    row.study_id != without,
                )
                .distinct()
            )
        ]

    def _settled(self, settle_s: float) -> tuple[ColumnElement[bool], ...]:
        working = [s.value for s in ScreeningState if s not in SCREENING_ENDS]
        return (
            StudyRow.state == _T.GROWING.value,
            StudyRow.last_received_at <= self._now - timedelta(seconds=settle_s),
            ~exists().where(ScreeningRow.study_id == StudyRow.id, ScreeningRow.state.in_(working)),
        )

    def retry(self, study_id: StudyId) -> bool:
        """Take a FAILED study up again where it failed, as an operator asks."""
        row = self._session.get(StudyRow, study_id)
        if row is None or row.state != _T.FAILED.value:
            return False
        if row.finding_id and self._session.scalar(
            select(StudyRow.id).where(StudyRow.id == study_id, _IS_WITHDRAWN)
        ):
            return self.withdraw(study_id, FindingId(row.finding_id))
        self.reopen(study_id)
        return True

    def _afresh(self) -> dict[str, Any]:
        """Return the columns of a study that nobody holds and whose attempts start again."""
        return {
            "attempts": 0,
            "leased_until": None,
            "error_code": None,
            "error_message": None,
            "next_attempt_at": self._now,
            "changed_at": self._now,
        }


def _claimed(row: StudyRow, state: StudyState) -> ClaimedStudy:
    return ClaimedStudy(
        lease=lease_of(row),
        state=state,
        study_id=StudyId(row.id),
        study_instance_uid=StudyInstanceUid(row.study_instance_uid),
        finding_id=FindingId(row.finding_id) if row.finding_id else None,
        reported_finding_id=FindingId(row.reported_finding_id) if row.reported_finding_id else None,
    )
