"""Instances that rejection notes take out of use, whether they have arrived or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from screener.domain.identifiers import ReceivedInstanceId, SopInstanceUid, StudyId
from screener.domain.rejection import NoteTitle
from screener.storage.tables import FindingRow, RejectedInstanceRow, ResultObjectRow

#: Takes the place of a lock on a row that is not there yet.
_NOTE_LOCK = "screener rejection note"


class Rejections:
    """Rows of `rejected_instances`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def lock(self) -> None:
        """Let one transaction at a time name, or ask for, what is rejected."""
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_NOTE_LOCK))))

    def is_rejected(self, sop_instance_uid: SopInstanceUid) -> bool:
        """Return whether a note that came before takes an instance out of use."""
        asked = select(RejectedInstanceRow.id).where(
            RejectedInstanceRow.sop_instance_uid == sop_instance_uid
        )
        return self._session.scalar(asked) is not None

    def add(
        self,
        note_instance_id: ReceivedInstanceId,
        title: NoteTitle,
        instances: Collection[SopInstanceUid],
    ) -> None:
        """Keep what a note names; of what an earlier note named, that one's title stays."""
        known = set(
            self._session.scalars(
                select(RejectedInstanceRow.sop_instance_uid).where(
                    RejectedInstanceRow.sop_instance_uid.in_(instances)
                )
            )
        )
        self._session.add_all(
            RejectedInstanceRow(
                sop_instance_uid=uid,
                title=title.value,
                note_instance_id=note_instance_id,
                rejected_at=self._now,
            )
            for uid in instances
            if uid not in known
        )
        self._session.flush()

    def own_objects(
        self, instances: Collection[SopInstanceUid]
    ) -> Mapping[StudyId, tuple[int, ...]]:
        """Return which of some instances are result objects of this node, by study."""
        found: dict[StudyId, list[int]] = defaultdict(list)
        for study_id, result_object_id in self._session.execute(
            select(FindingRow.study_id, ResultObjectRow.id)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .where(ResultObjectRow.sop_instance_uid.in_(instances))
            .order_by(ResultObjectRow.id)
        ):
            found[StudyId(study_id)].append(result_object_id)
        return {study_id: tuple(objects) for study_id, objects in found.items()}
