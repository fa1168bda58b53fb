"""Findings, and the result objects made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from screener.domain.finding import Finding, Verdict
from screener.domain.identifiers import (
    FindingId,
    ResultObjectId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyId,
)
from screener.domain.report import Predecessor, ResultKind, ResultObject
from screener.domain.study import ReportedFinding, StudyState
from screener.storage.codec import from_json, to_json
from screener.storage.tables import FindingRow, ResultObjectRow, StudyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding with its row's facts."""

    finding_id: FindingId
    study_id: StudyId
    finding: Finding
    concluded_at: datetime
    synthetic: bool
    report_revision: int | None
    predecessor_id: FindingId | None
    covered_by: FindingId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """A child's standing LOW finding; its report is made, or due."""

    finding_id: FindingId
    is_reported: bool


class Findings:
    """Rows of `findings` and `result_objects`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(
        self,
        study_id: StudyId,
        finding: Finding,
        *,
        rules_version: int,
        synthetic: bool,
        covered_by: FindingId | None,
        flagged: bool,
        predecessor_id: FindingId | None,
    ) -> FindingId:
        """Add a study's next finding; a flagged one gets the number of its report."""
        row = FindingRow
        last_number = self._session.scalar(
            select(func.max(row.number)).where(row.study_id == study_id)
        )
        last_revision = self._session.scalar(
            select(func.max(row.report_revision)).where(
                row.study_id == study_id, row.reported_at.is_not(None)
            )
        )
        added = FindingRow(
            study_id=study_id,
            number=(last_number or 0) + 1,
            verdict=finding.verdict.value,
            z=finding.estimate.z if finding.estimate else None,
            value=to_json(finding),
            digest=finding.digest(),
            predictor_checksum=finding.predictor.checksum if finding.predictor else None,
            synthetic=synthetic,
            rules_version=rules_version,
            concluded_at=self._now,
            covered_by=covered_by,
            report_revision=(last_revision or 0) + 1 if flagged else None,
            predecessor_id=predecessor_id,
        )
        self._session.add(added)
        self._session.flush()
        return FindingId(added.id)

    def get(self, finding_id: FindingId) -> StoredFinding:
        """Return a finding."""
        row = self._session.get_one(FindingRow, finding_id)
        return StoredFinding(
            finding_id=FindingId(row.id),
            study_id=StudyId(row.study_id),
            finding=from_json(Finding, row.value),
            concluded_at=row.concluded_at,
            synthetic=row.synthetic,
            report_revision=row.report_revision,
            predecessor_id=FindingId(row.predecessor_id) if row.predecessor_id else None,
            covered_by=FindingId(row.covered_by) if row.covered_by else None,
        )

    def current(self, studies: Sequence[StudyId]) -> list[StoredFinding]:
        """Return the current findings of some studies; of one that is not concluded, none."""
        return [
            self.get(FindingId(finding_id))
            for finding_id in self._session.scalars(
                select(StudyRow.finding_id).where(
                    StudyRow.id.in_(studies), StudyRow.finding_id.is_not(None)
                )
            )
            if finding_id is not None
        ]

    def reported(self, finding_id: FindingId | None) -> ReportedFinding | None:
        """Return what a new finding is held against: the study's last one with a report."""
        if finding_id is None:
            return None
        row = self._session.get_one(FindingRow, finding_id)
        return ReportedFinding(finding_id=FindingId(row.id), digest=row.digest)

    def covering(
        self, studies: Sequence[StudyId], *, predictor_checksum: str, since: datetime
    ) -> Covering | None:
        """Return the latest standing LOW finding with a report among some studies.

        A finding that a later one of its study has replaced covers nobody, and neither does one
        whose report is not made and not on its way.
        """
        last = (
            select(func.max(FindingRow.id).label("id"))
            .where(FindingRow.study_id.in_(studies))
            .group_by(FindingRow.study_id)
            .subquery()
        )
        on_its_way = [StudyState.FLAGGED.value, StudyState.REPORTING.value]
        found = self._session.scalar(
            select(FindingRow)
            .join(last, last.c.id == FindingRow.id)
            .join(StudyRow, StudyRow.id == FindingRow.study_id)
            .where(
                or_(FindingRow.reported_at.is_not(None), StudyRow.state.in_(on_its_way)),
                FindingRow.verdict == Verdict.LOW.value,
                FindingRow.report_revision.is_not(None),
                FindingRow.predictor_checksum == predictor_checksum,
                FindingRow.concluded_at >= since,
            )
            .order_by(FindingRow.concluded_at.desc())
            .limit(1)
        )
        if found is None:
            return None
        return Covering(finding_id=FindingId(found.id), is_reported=found.reported_at is not None)

    def covered_studies(self, study_id: StudyId) -> list[StudyId]:
        """Return the studies that have no report because a finding of this study covers them."""
        of_study = select(FindingRow.id).where(FindingRow.study_id == study_id)
        return [
            StudyId(covered)
            for covered in self._session.scalars(
                select(StudyRow.id)
                .join(FindingRow, FindingRow.id == StudyRow.finding_id)
                .where(FindingRow.covered_by.in_(of_study))
            )
        ]

    def vault_keys(self, among: list[str]) -> set[str]:
        """Return which of some vault keys have a row."""
        return set(
            self._session.scalars(
                select(ResultObjectRow.vault_key).where(ResultObjectRow.vault_key.in_(among))
            )
        )

    def mark_reported(self, finding_id: FindingId) -> None:
        """Keep when a finding's report was made."""
        self._session.execute(
            update(FindingRow).where(FindingRow.id == finding_id).values(reported_at=self._now)
        )

    def add_result(
        self,
        finding_id: FindingId,
        made: ResultObject,
        *,
        vault_key: str,
        sha256: str,
        synthetic: bool,
    ) -> ResultObjectId:
        """Add a result object; the same one again is the row that is there."""
        found = self._session.scalar(
            select(ResultObjectRow).where(ResultObjectRow.sop_instance_uid == made.sop_instance_uid)
        )
        if found is not None:
            return ResultObjectId(found.id)
        row = ResultObjectRow(
            finding_id=finding_id,
            kind=made.kind.value,
            variant=made.variant,
            sop_class_uid=made.sop_class_uid,
            sop_instance_uid=made.sop_instance_uid,
            series_instance_uid=made.series_instance_uid,
            vault_key=vault_key,
            sha256=sha256,
            size_bytes=len(made.encoded),
            synthetic=synthetic,
            made_at=self._now,
        )
        self._session.add(row)
        self._session.flush()
        return ResultObjectId(row.id)

    def predecessor(self, finding_id: FindingId, variant: str) -> Predecessor | None:
        """Return the report that was made of a finding in a variant.

        Where the settings have changed since, and there is none, another one of the same finding:
        what is true now must still say what it replaces.
        """
        rows = self._session.scalars(
            select(ResultObjectRow)
            .where(
                ResultObjectRow.finding_id == finding_id,
                ResultObjectRow.kind == ResultKind.REPORT.value,
            )
            .order_by(ResultObjectRow.id)
        ).all()
        if not rows:
            return None
        row = next((row for row in rows if row.variant == variant), rows[0])
        return Predecessor(
            sop_class_uid=row.sop_class_uid,
            sop_instance_uid=SopInstanceUid(row.sop_instance_uid),
            series_instance_uid=SeriesInstanceUid(row.series_instance_uid),
            finding=self.get(finding_id).finding,
        )
