"""Screenings: add, claim, settle, and what they say of their study."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from screener.domain.eligibility import View
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import (
    ReceivedInstanceId,
    ScreeningId,
    SopInstanceUid,
    StudyId,
)
from screener.domain.instance import InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction
from screener.domain.screening import (
    SCREENING_TRANSITIONS,
    SILENT,
    NotScoredReason,
    ScreeningState,
    advance,
)
from screener.storage.claims import (
    Lease,
    claim,
    is_due,
    lease_of,
    rows_changed,
    settle,
    settle_failure,
)
from screener.storage.codec import from_json, to_json
from screener.storage.instances import header_of
from screener.storage.tables import PredictionRow, ReceivedInstanceRow, ScreeningRow, StudyRow

_S = ScreeningState

_TO_JUDGE = ScreeningRow.state == _S.RECEIVED.value
_TO_SCORE = ScreeningRow.state.in_([_S.WAITING.value, _S.SCORING.value])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedScreening:
    """A screening that this worker holds."""

    lease: Lease
    state: ScreeningState
    screening_id: ScreeningId
    study_id: StudyId
    instance_id: ReceivedInstanceId
    sop_instance_uid: SopInstanceUid
    file_digest: str
    spool_key: str
    received_at: datetime
    header: InstanceHeader | None
    clinical: ClinicalVariables | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFilm:
    """A film that speaks for its study, with all that is known of it."""

    screening_id: ScreeningId
    state: ScreeningState
    reasons: tuple[str, ...]
    view: View | None
    clinical: ClinicalVariables | None
    header: InstanceHeader | None
    prediction: Prediction | None
    spool_key: str


class Screenings:
    """Rows of `screenings` and `predictions`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, instance_id: ReceivedInstanceId, study_id: StudyId) -> ScreeningId:
        """Add the screening of an instance that has just been received."""
        row = ScreeningRow(
            instance_id=instance_id,
            study_id=study_id,
            state=_S.RECEIVED.value,
            reasons="[]",
            attempts=0,
            next_attempt_at=self._now,
            changed_at=self._now,
        )
        self._session.add(row)
        self._session.flush()
        return ScreeningId(row.id)

    def claim_received(self, *, limit: int, lease: timedelta) -> list[ClaimedScreening]:
        """Claim films that nobody has judged."""
        rows = claim(
            self._session,
            ScreeningRow,
            _TO_JUDGE,
            now=self._now,
            lease=lease,
            limit=limit,
            failed=_S.FAILED,
        )
        return [self._claimed(row, _S.RECEIVED) for row in rows]

    def claim_waiting(self, *, limit: int, lease: timedelta) -> list[ClaimedScreening]:
        """Claim films that wait for the predictor."""
        rows = claim(
            self._session,
            ScreeningRow,
            _TO_SCORE,
            now=self._now,
            lease=lease,
            limit=limit,
            working=_S.SCORING,
            failed=_S.FAILED,
        )
        return [self._claimed(row, _S.SCORING) for row in rows]

    def any_received(self) -> bool:
        """Return whether a film is due to be judged."""
        return is_due(self._session, ScreeningRow, _TO_JUDGE, now=self._now)

    def any_waiting(self) -> bool:
        """Return whether a film is due to be scored."""
        return is_due(self._session, ScreeningRow, _TO_SCORE, now=self._now)

    def settle(
        self,
        held: ClaimedScreening,
        to: ScreeningState,
        *,
        reasons: Sequence[str] = (),
        rules_version: int | None = None,
        view: View | None = None,
        clinical: ClinicalVariables | None = None,
    ) -> bool:
        """Move a claimed screening on; False where it is no longer ours."""
        values: dict[str, Any] = {"reasons": json.dumps([str(r) for r in reasons])}
        if rules_version is not None:
            values |= {
                "rules_version": rules_version,
                "view": view.value if view else None,
                "clinical": to_json(clinical) if clinical else None,
            }
        return settle(
            self._session,
            ScreeningRow,
            held.lease,
            now=self._now,
            held_as=held.state,
            to=advance(held.state, to),
            **values,
        )

    def settle_failure(self, held: ClaimedScreening, error: ScreenerError) -> bool:
        """Schedule the next attempt at a claimed screening, or give it up."""
        return settle_failure(
            self._session,
            ScreeningRow,
            held.lease,
            error,
            now=self._now,
            held_as=held.state,
            again=_S.RECEIVED if held.state is _S.RECEIVED else _S.WAITING,
            failed=_S.FAILED,
        )

    def add_prediction(self, screening_id: ScreeningId, prediction: Prediction) -> None:
        """Keep a prediction; one predictor's earlier one for the same film is replaced."""
        row = self._session.scalar(
            select(PredictionRow).where(
                PredictionRow.screening_id == screening_id,
                PredictionRow.predictor_checksum == prediction.predictor.checksum,
            )
        ) or PredictionRow(
            screening_id=screening_id, predictor_checksum=prediction.predictor.checksum
        )
        row.abmd_g_cm2 = prediction.abmd_g_cm2
        row.value = to_json(prediction)
        row.predicted_at = self._now
        self._session.add(row)

    def same_pixels_scored(self, held: ClaimedScreening, pixel_digest: str) -> bool:
        """Return whether another film of the study with these pixels is scored already."""
        return bool(
            self._session.scalar(
                select(
                    exists().where(
                        ScreeningRow.study_id == held.study_id,
                        ScreeningRow.id != held.screening_id,
                        ScreeningRow.state == _S.SCORED.value,
                        ReceivedInstanceRow.id == ScreeningRow.instance_id,
                        ReceivedInstanceRow.pixel_digest == pixel_digest,
                    )
                )
            )
        )

    def supersede(self, held: ClaimedScreening) -> set[StudyId]:
        """Silence every earlier instance of the same UID; return the studies that had one."""
        earlier = self._session.execute(
            select(ScreeningRow.id, ScreeningRow.study_id)
            .join(ReceivedInstanceRow, ReceivedInstanceRow.id == ScreeningRow.instance_id)
            .where(
                ReceivedInstanceRow.sop_instance_uid == held.sop_instance_uid,
                ReceivedInstanceRow.id < held.instance_id,
                ScreeningRow.state.not_in([state.value for state in SILENT]),
            )
        ).all()
        self._lock_studies({held.study_id, *(study_id for _, study_id in earlier)})
        self._session.execute(
            update(ScreeningRow)
            .where(
                ScreeningRow.id.in_([screening_id for screening_id, _ in earlier]),
                ScreeningRow.state.in_(_may_become(_S.SUPERSEDED)),
            )
            .values(state=_S.SUPERSEDED.value, leased_until=None, changed_at=self._now)
        )
        return {StudyId(study_id) for _, study_id in earlier}

    def reject(self, note: ClaimedScreening, instances: Collection[SopInstanceUid]) -> set[StudyId]:
        """Silence what a rejection note names; return the studies that had one of it."""
        named = self._session.execute(
            select(ScreeningRow.id, ScreeningRow.study_id)
            .join(ReceivedInstanceRow, ReceivedInstanceRow.id == ScreeningRow.instance_id)
            .where(
                ReceivedInstanceRow.sop_instance_uid.in_(instances),
                ScreeningRow.state.in_(_may_become(_S.REJECTED)),
            )
        ).all()
        self._lock_studies({note.study_id, *(study_id for _, study_id in named)})
        self._session.execute(
            update(ScreeningRow)
            .where(
                ScreeningRow.id.in_([screening_id for screening_id, _ in named]),
                ScreeningRow.state.in_(_may_become(_S.REJECTED)),
            )
            .values(
                state=_S.REJECTED.value,
                reasons=json.dumps([NotScoredReason.REJECTED_BY_NOTE.value]),
                leased_until=None,
                changed_at=self._now,
            )
        )
        return {StudyId(study_id) for _, study_id in named}

    def _lock_studies(self, studies: Collection[int]) -> None:
        """Lock studies before any film, as whoever scores or concludes does, in one order."""
        self._session.execute(
            select(StudyRow.id)
            .where(StudyRow.id.in_(studies))
            .order_by(StudyRow.id)
            .with_for_update()
        )

    def judge_twins_again(self, study_id: StudyId) -> None:
        """Take up again what a study did not score because another film had the same pixels."""
        self._session.execute(
            update(ScreeningRow)
            .where(
                ScreeningRow.study_id == study_id,
                ScreeningRow.state == _S.NOT_SCORED.value,
                ScreeningRow.reasons == json.dumps([NotScoredReason.SAME_PIXELS_IN_STUDY.value]),
            )
            .values(
                state=advance(_S.NOT_SCORED, _S.RECEIVED).value,
                reasons="[]",
                next_attempt_at=self._now,
                changed_at=self._now,
            )
        )

    def judge_again(self, screening_ids: Collection[ScreeningId]) -> list[ScreeningId]:
        """Take films that speak back to RECEIVED, for more is known of their child.

        The study is locked, or reopened, before. Whoever holds one of them loses it: what he read
        before is no longer what is known. Returns those that were taken back.
        """
        taken = []
        for screening_id in sorted(screening_ids):
            result = self._session.execute(
                update(ScreeningRow)
                .where(
                    ScreeningRow.id == screening_id,
                    ScreeningRow.state.in_([_S.RECEIVED.value, *_may_become(_S.RECEIVED)]),
                )
                .values(
                    state=_S.RECEIVED.value,
                    reasons="[]",
                    attempts=0,
                    leased_until=None,
                    error_code=None,
                    error_message=None,
                    next_attempt_at=self._now,
                    changed_at=self._now,
                )
            )
            if rows_changed(result):
                taken.append(screening_id)
        return taken

    def films_of(self, study_id: StudyId) -> list[StudyFilm]:
        """Return the films that speak for a study, in order of arrival."""
        return self._films(study_id, [state for state in _S if state not in SILENT])

    def rejected_films_of(self, study_id: StudyId) -> list[StudyFilm]:
        """Return the films of a study that the archive rejects, in order of arrival."""
        return self._films(study_id, [_S.REJECTED])

    def superseded_films_of(self, study_id: StudyId) -> list[StudyFilm]:
        """Return what a study's films were before they were corrected, in order of arrival."""
        return self._films(study_id, [_S.SUPERSEDED])

    def _films(self, study_id: StudyId, states: Sequence[ScreeningState]) -> list[StudyFilm]:
        found = self._session.execute(
            select(ScreeningRow, ReceivedInstanceRow)
            .join(ReceivedInstanceRow, ReceivedInstanceRow.id == ScreeningRow.instance_id)
            .where(
                ScreeningRow.study_id == study_id,
                ScreeningRow.state.in_([state.value for state in states]),
            )
            .order_by(ScreeningRow.id)
        ).all()
        return [self._film(screening, instance) for screening, instance in found]

    def retry(self, screening_id: ScreeningId) -> bool:
        """Take a FAILED screening up again from the start, as an operator asks."""
        row = self._session.get(ScreeningRow, screening_id)
        if row is None or row.state != _S.FAILED.value:
            return False
        row.state = advance(_S.FAILED, _S.RECEIVED).value
        row.attempts = 0
        row.leased_until = None
        row.error_code = row.error_message = None
        row.next_attempt_at = row.changed_at = self._now
        return True

    def _claimed(self, row: ScreeningRow, state: ScreeningState) -> ClaimedScreening:
        instance = self._session.get_one(ReceivedInstanceRow, row.instance_id)
        return ClaimedScreening(
            lease=lease_of(row),
            state=state,
            screening_id=ScreeningId(row.id),
            study_id=StudyId(row.study_id),
            instance_id=ReceivedInstanceId(row.instance_id),
            sop_instance_uid=SopInstanceUid(instance.sop_instance_uid),
            file_digest=instance.file_digest,
            spool_key=instance.spool_key,
            received_at=instance.received_at,
            header=header_of(instance),
            clinical=from_json(ClinicalVariables, row.clinical) if row.clinical else None,
        )

    def _film(self, screening: ScreeningRow, instance: ReceivedInstanceRow) -> StudyFilm:
        prediction = self._session.scalar(
            select(PredictionRow)
            .where(PredictionRow.screening_id == screening.id)
            .order_by(PredictionRow.predicted_at.desc(), PredictionRow.id.desc())
            .limit(1)
        )
        scored = screening.state == _S.SCORED.value and prediction is not None
        return StudyFilm(
            screening_id=ScreeningId(screening.id),
            state=ScreeningState(screening.state),
            reasons=tuple(json.loads(screening.reasons)),
            view=View(screening.view) if screening.view else None,
            clinical=from_json(ClinicalVariables, screening.clinical)
            if screening.clinical
            else None,
            header=header_of(instance),
            prediction=from_json(Prediction, prediction.value) if scored and prediction else None,
            spool_key=instance.spool_key,
        )


def _may_become(state: ScreeningState) -> list[str]:
    return [before.value for before, after in SCREENING_TRANSITIONS.items() if state in after]
