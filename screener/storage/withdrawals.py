"""What can be withdrawn, what archives have of it, and what their administrators must delete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from screener.domain.delivery import DELIVERY_TRANSITIONS, TAKEN, DeliveryState
from screener.domain.finding import Finding, Verdict
from screener.domain.identifiers import (
    FindingId,
    ResultObjectId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyId,
)
from screener.domain.report import ObjectReference, ResultKind
from screener.domain.study import StudyState
from screener.domain.withdrawal import refusal
from screener.storage.claims import rows_changed
from screener.storage.codec import from_json
from screener.storage.tables import DeletionRow, DeliveryRow, FindingRow, ResultObjectRow, StudyRow

_HAS_IT = or_(
    DeliveryRow.state.in_([state.value for state in TAKEN]), DeliveryRow.sent_at.is_not(None)
)
#: What a later report's own take the place of.
_PICTURES = [
    kind.value for kind in ResultKind if kind not in {ResultKind.REPORT, ResultKind.REJECTION_NOTE}
]
_UNSENT = [
    state.value
    for state, after in DELIVERY_TRANSITIONS.items()
    if DeliveryState.CANCELLED in after and state not in TAKEN
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReport:
    """A study's last report, which can be withdrawn."""

    study_id: StudyId
    finding_id: FindingId
    revision: int
    reported_at: datetime
    finding: Finding
    archives: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenObject:
    """A result object that an archive has, or may have."""

    result_object_id: ResultObjectId
    reference: ObjectReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A withdrawn object that an archive's administrator must delete, or has deleted."""

    archive: str
    study_id: StudyId
    study_instance_uid: str
    kind: str
    sop_instance_uid: str
    series_instance_uid: str
    vault_key: str
    opened_at: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None


class Withdrawals:
    """Rows of `deletions`, and views on findings and deliveries."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def refusal(self, study_id: StudyId) -> str | None:
        """Return why a study's report cannot be withdrawn, as a phrase, or None where it can."""
        row = self._session.get_one(StudyRow, study_id, populate_existing=True)
        return refusal(
            StudyState(row.state),
            has_report=row.reported_finding_id is not None,
            is_withdrawn=self.is_taken_back(study_id),
        )

    def is_taken_back(self, study_id: StudyId) -> bool:
        """Return whether a study's current finding withdraws its report, made or not."""
        row = self._session.get_one(StudyRow, study_id, populate_existing=True)
        finding = self._session.get(FindingRow, row.finding_id) if row.finding_id else None
        return finding is not None and finding.verdict == Verdict.WITHDRAWN.value

    def standing(
        self,
        *,
        study_id: StudyId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[StandingReport]:
        """Return the reports that can be withdrawn, the oldest study first.

        Parameters
        ----------
        study_id
            Only that of this study.
        since, until
            Only reports made at or after the first and before the second.
        """
        current = FindingRow.__table__.alias("current")
        query = (
            select(StudyRow, FindingRow)
            .join(FindingRow, FindingRow.id == StudyRow.reported_finding_id)
            .join(current, current.c.id == StudyRow.finding_id)
            .where(current.c.verdict != Verdict.WITHDRAWN.value)
            .order_by(StudyRow.id)
        )
        if study_id is not None:
            query = query.where(StudyRow.id == study_id)
        if since is not None:
            query = query.where(FindingRow.reported_at >= since)
        if until is not None:
            query = query.where(FindingRow.reported_at < until)
        return [
            StandingReport(
                study_id=StudyId(study.id),
                finding_id=FindingId(finding.id),
                revision=finding.report_revision or 1,
                reported_at=finding.reported_at or finding.concluded_at,
                finding=from_json(Finding, finding.value),
                archives=self._archives(study.id),
            )
            for study, finding in self._session.execute(query)
        ]

    def taken(
        self, study_id: StudyId, *, without: FindingId
    ) -> Mapping[str, tuple[TakenObject, ...]]:
        """Return the result objects of a study that archives have, by archive.

        Parameters
        ----------
        without
            The withdrawing finding: its own objects are not among them.

        Notes
        -----
        An object that is being sent at this moment counts as one that the archive has.
        """
        # to reject a rejection note is to take what it hides back into use
        is_object = ResultObjectRow.kind != ResultKind.REJECTION_NOTE.value
        return self._taken(FindingRow.study_id == study_id, FindingRow.id != without, is_object)

    def replaced(self, finding_id: FindingId) -> Mapping[str, tuple[TakenObject, ...]]:
        """Return the objects of a replaced finding that archives have, by archive; no reports.

        A report stays: the later one names it as its predecessor. A picture beside another one with
        other numbers would only mislead.
        """
        return self._taken(FindingRow.id == finding_id, ResultObjectRow.kind.in_(_PICTURES))

    def _taken(self, *which: ColumnElement[bool]) -> Mapping[str, tuple[TakenObject, ...]]:
        found: dict[str, list[TakenObject]] = defaultdict(list)
        for archive, made in self._session.execute(
            select(DeliveryRow.archive, ResultObjectRow)
            .join(ResultObjectRow, ResultObjectRow.id == DeliveryRow.result_object_id)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .where(*which, _HAS_IT)
            .order_by(DeliveryRow.archive, ResultObjectRow.id)
        ):
            reference = ObjectReference(
                sop_class_uid=made.sop_class_uid,
                sop_instance_uid=SopInstanceUid(made.sop_instance_uid),
                series_instance_uid=SeriesInstanceUid(made.series_instance_uid),
            )
            found[archive].append(
                TakenObject(result_object_id=ResultObjectId(made.id), reference=reference)
            )
        return {archive: tuple(objects) for archive, objects in found.items()}

    def cancel_unsent(self, study_id: StudyId, *, without: FindingId) -> int:
        """Cancel the deliveries of a withdrawn study that nobody is sending; return how many."""
        objects = (
            select(ResultObjectRow.id)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .where(FindingRow.study_id == study_id, FindingRow.id != without)
        )
        result = self._session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.result_object_id.in_(objects), DeliveryRow.state.in_(_UNSENT))
            .values(
                state=DeliveryState.CANCELLED.value,
                leased_until=None,
                hold_reason=None,
                changed_at=self._now,
            )
            .execution_options(synchronize_session=False)
        )
        return rows_changed(result)

    def is_replaced(self, sop_instance_uid: SopInstanceUid) -> bool:
        """Return whether a result object is a picture of a finding that has a later report."""
        later = FindingRow.__table__.alias("later")
        return bool(
            self._session.scalar(
                select(ResultObjectRow.id)
                .join(later, later.c.predecessor_id == ResultObjectRow.finding_id)
                .where(
                    ResultObjectRow.sop_instance_uid == sop_instance_uid,
                    ResultObjectRow.kind.in_(_PICTURES),
                    later.c.reported_at.is_not(None),
                )
                .limit(1)
            )
        )

    def is_withdrawn(self, sop_instance_uid: SopInstanceUid) -> bool:
        """Return whether a result object belongs to a report that is taken back."""
        current = FindingRow.__table__.alias("current")
        return bool(
            self._session.scalar(
                select(ResultObjectRow.id)
                .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
                .join(StudyRow, StudyRow.id == FindingRow.study_id)
                .join(current, current.c.id == StudyRow.finding_id)
                .where(
                    ResultObjectRow.sop_instance_uid == sop_instance_uid,
                    current.c.verdict == Verdict.WITHDRAWN.value,
                    FindingRow.id != StudyRow.finding_id,
                )
            )
        )

    def open_deletion(self, result_object_id: ResultObjectId, archive: str) -> None:
        """Keep that an archive has an object that must be deleted there; once only."""
        found = self._session.scalar(
            select(DeletionRow.id).where(
                DeletionRow.result_object_id == result_object_id, DeletionRow.archive == archive
            )
        )
        if found is None:
            self._session.add(
                DeletionRow(result_object_id=result_object_id, archive=archive, opened_at=self._now)
            )

    def open_deletion_of(self, sop_instance_uid: SopInstanceUid, archive: str) -> None:
        """Keep that an archive may have an object that must be deleted there."""
        found = self._session.scalar(
            select(ResultObjectRow.id).where(ResultObjectRow.sop_instance_uid == sop_instance_uid)
        )
        if found is not None:
            self.open_deletion(ResultObjectId(found), archive)

    def deletions(self, *, closed: bool = False) -> list[Deletion]:
        """Return what is to be deleted, by archive and study; with what was deleted, if asked."""
        query = (
            select(DeletionRow, ResultObjectRow, StudyRow)
            .join(ResultObjectRow, ResultObjectRow.id == DeletionRow.result_object_id)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .join(StudyRow, StudyRow.id == FindingRow.study_id)
            .order_by(DeletionRow.archive, StudyRow.id, ResultObjectRow.id)
        )
        if not closed:
            query = query.where(DeletionRow.confirmed_at.is_(None))
        return [
            Deletion(
                archive=row.archive,
                study_id=StudyId(study.id),
                study_instance_uid=study.study_instance_uid,
                kind=made.kind,
                sop_instance_uid=made.sop_instance_uid,
                series_instance_uid=made.series_instance_uid,
                vault_key=made.vault_key,
                opened_at=row.opened_at,
                confirmed_at=row.confirmed_at,
                confirmed_by=row.confirmed_by,
            )
            for row, made, study in self._session.execute(query)
        ]

    def confirm_deletions(self, study_id: StudyId, archive: str, *, by: str) -> int:
        """Close a study's open deletions at an archive; return how many there were."""
        objects = (
            select(ResultObjectRow.id)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .where(FindingRow.study_id == study_id)
        )
        is_open: ColumnElement[bool] = DeletionRow.confirmed_at.is_(None)
        result = self._session.execute(
            update(DeletionRow)
            .where(
                DeletionRow.result_object_id.in_(objects), DeletionRow.archive == archive, is_open
            )
            .values(confirmed_at=self._now, confirmed_by=by)
            .execution_options(synchronize_session=False)
        )
        return rows_changed(result)

    def _archives(self, study_id: int) -> tuple[str, ...]:
        return tuple(
            self._session.scalars(
                select(DeliveryRow.archive)
                .join(ResultObjectRow, ResultObjectRow.id == DeliveryRow.result_object_id)
                .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
                .where(FindingRow.study_id == study_id, _HAS_IT)
                .distinct()
                .order_by(DeliveryRow.archive)
            )
        )
