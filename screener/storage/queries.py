"""Read-only views for people: what the node has, where it stands, what came of a study."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from screener.domain.delivery import DeliveryState
from screener.domain.finding import Finding
from screener.domain.identifiers import FindingId, SopInstanceUid
from screener.domain.instance import InstanceHeader
from screener.domain.prediction import Prediction
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.storage.codec import from_json
from screener.storage.instances import header_of
from screener.storage.tables import (
    DeletionRow,
    DeliveryRow,
    FindingRow,
    PredictionRow,
    ReceivedInstanceRow,
    RejectedAssociationRow,
    ResultObjectRow,
    ScreeningRow,
    StudyRow,
)

#: A row's number is below 2 to the power of 63.
LARGEST_NUMBER = (1 << 63) - 1

#: Studies that are named where something needs a look.
_SOME = 10

#: From the least to the most done: a report is as far as its slowest object.
_PROGRESS = tuple(
    DeliveryState(state)
    for state in (
        "FAILED",
        "REFUSED",
        "HELD",
        "PENDING",
        "SENDING",
        "SENT",
        "AWAITING",
        "VERIFIED",
        "COMMITTED",
        # what is never sent holds nothing up
        "CANCELLED",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows are in which state."""

    screenings: Mapping[str, int]
    studies: Mapping[str, int]
    verdicts: Mapping[str, int]
    deliveries: Mapping[tuple[str, str], int]
    #: When the oldest film that is not at an end came.
    oldest_open: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What an operator has to look at: rows of one kind in one state, and some of their studies."""

    what: str
    state: str
    count: int
    studies: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Who asked for an association in vain."""

    calling_ae: str
    called_ae: str
    address: str
    reason: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmView:
    """One received instance and what came of it."""

    screening_id: int
    study_id: int
    sop_instance_uid: SopInstanceUid
    revision: int
    state: ScreeningState
    reasons: tuple[str, ...]
    rules_version: int | None
    view: str | None
    calling_ae: str
    transfer_syntax_uid: str
    received_at: datetime
    changed_at: datetime
    spool_key: str
    header: InstanceHeader | None
    prediction: Prediction | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """One result object and one of its deliveries; without deliveries the archive is None."""

    result_object_id: int
    finding_id: int
    kind: str
    variant: str
    sop_instance_uid: str
    vault_key: str
    delivery_id: int | None
    archive: str | None
    state: DeliveryState | None
    hold_reason: str | None
    attempts: int
    error_message: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """One study in a list."""

    study_id: int
    state: StudyState
    films: int
    finding_id: FindingId | None
    verdict: str | None
    reason: str | None
    z: float | None
    synthetic: bool
    covered_by: int | None
    report_state: str | None
    last_received_at: datetime
    error_code: str | None
    error_message: str | None


class Queries:
    """Views on one reading transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def counts(self) -> Counts:
        """Count everything by state."""

        def by(column: object) -> dict[str, int]:
            found = self._session.execute(select(column, func.count()).group_by(column))  # type: ignore[call-overload]
            return {str(value): count for value, count in found}

        open_states = [ScreeningState.RECEIVED, ScreeningState.WAITING, ScreeningState.SCORING]
        deliveries = self._session.execute(
            select(DeliveryRow.archive, DeliveryRow.state, func.count()).group_by(
                DeliveryRow.archive, DeliveryRow.state
            )
        )
        verdicts = self._session.execute(
            select(FindingRow.verdict, func.count())
            .join(StudyRow, StudyRow.finding_id == FindingRow.id)
            .group_by(FindingRow.verdict)
        )
        return Counts(
            screenings=by(ScreeningRow.state),
            studies=by(StudyRow.state),
            verdicts={str(verdict): count for verdict, count in verdicts},
            deliveries={(archive, state): count for archive, state, count in deliveries},
            oldest_open=self._session.scalar(
                select(func.min(ReceivedInstanceRow.received_at))
                .join(ScreeningRow, ScreeningRow.instance_id == ReceivedInstanceRow.id)
                .where(ScreeningRow.state.in_([state.value for state in open_states]))
            ),
        )

    def unsafe_settings(self) -> list[str]:
        """Return which settings that are off let a power cut take what is committed.

        Every connection to SQLite sets its own; those of a PostgreSQL are its administrator's.
        """
        if self._session.get_bind().dialect.name != "postgresql":
            return []
        asked = text(
            "SELECT name FROM pg_settings"
            " WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
        )
        return list(self._session.scalars(asked))

    def attention(self) -> list[Attention]:
        """Return what waits for an operator, each kind with its latest studies."""
        films, deliveries = ScreeningRow, DeliveryRow
        of_delivery = (
            select(FindingRow.study_id)
            .join(ResultObjectRow, ResultObjectRow.finding_id == FindingRow.id)
            .join(deliveries, deliveries.result_object_id == ResultObjectRow.id)
        )
        of_deletion = (
            select(FindingRow.study_id)
            .join(ResultObjectRow, ResultObjectRow.finding_id == FindingRow.id)
            .join(DeletionRow, DeletionRow.result_object_id == ResultObjectRow.id)
        )
        asked = (
            ("film", "CONFLICTING", films.state == "CONFLICTING", select(films.study_id)),
            ("film", "FAILED", films.state == "FAILED", select(films.study_id)),
            ("study", "FAILED", StudyRow.state == "FAILED", select(StudyRow.id)),
            ("delivery", "FAILED", deliveries.state == "FAILED", of_delivery),
            ("delivery", "REFUSED", deliveries.state == "REFUSED", of_delivery),
            ("deletion", "OPEN", DeletionRow.confirmed_at.is_(None), of_deletion),
        )
        found = []
        for what, state, condition, study_ids in asked:
            if count := self._session.scalar(select(func.count()).where(condition)):
                # of many, the database counts all and names the latest
                (study_id,) = study_ids.selected_columns
                latest = study_ids.where(condition).distinct().order_by(study_id.desc())
                studies = self._session.scalars(latest.limit(_SOME))
                found.append(Attention(what=what, state=state, count=count, studies=tuple(studies)))
        return found

    def strangers(self, limit: int = 10) -> list[Stranger]:
        """Return who was rejected, the latest first."""
        row = RejectedAssociationRow
        return [
            Stranger(
                calling_ae=r.calling_ae,
                called_ae=r.called_ae,
                address=r.address,
                reason=r.reason,
                count=r.count,
                last_at=r.last_at,
            )
            for r in self._session.scalars(select(row).order_by(row.last_at.desc()).limit(limit))
        ]

    def study_id(self, text: str) -> int | None:
        """Return our number of the study that a number or a Study Instance UID names."""
        number = int(text) if text.isdecimal() else 0
        if 0 < number <= LARGEST_NUMBER and self._session.get(StudyRow, number) is not None:
            return number
        return self._session.scalar(select(StudyRow.id).where(StudyRow.study_instance_uid == text))

    def studies(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        state: str | None = None,
        verdict: str | None = None,
    ) -> list[StudyView]:
        """Return studies, the newest first; `before` goes on after a page's last number."""
        query = select(StudyRow).order_by(StudyRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(StudyRow.id < before)
        if state is not None:
            query = query.where(StudyRow.state == state)
        if verdict is not None:
            query = query.join(FindingRow, FindingRow.id == StudyRow.finding_id).where(
                FindingRow.verdict == verdict
            )
        return [self._study(row) for row in self._session.scalars(query)]

    def study(self, study_id: int) -> StudyView:
        """Return one study."""
        return self._study(self._session.get_one(StudyRow, study_id))

    def finding(self, study_id: int) -> Finding | None:
        """Return a study's current finding."""
        row = self._session.get_one(StudyRow, study_id)
        if row.finding_id is None:
            return None
        return from_json(Finding, self._session.get_one(FindingRow, row.finding_id).value)

    def films(self, study_id: int | None = None) -> list[FilmView]:
        """Return the films of a study, or all, in order of arrival."""
        query = (
            select(ScreeningRow, ReceivedInstanceRow, PredictionRow.value)
            .join(ReceivedInstanceRow, ReceivedInstanceRow.id == ScreeningRow.instance_id)
            .outerjoin(PredictionRow, PredictionRow.screening_id == ScreeningRow.id)
            .order_by(ScreeningRow.id, PredictionRow.predicted_at, PredictionRow.id)
        )
        if study_id is not None:
            query = query.where(ScreeningRow.study_id == study_id)
        views: dict[int, FilmView] = {}  # the latest prediction of a film comes last
        for screening, instance, prediction in self._session.execute(query):
            views[screening.id] = _film(screening, instance, prediction)
        return list(views.values())

    def objects(self, study_id: int) -> list[ObjectView]:
        """Return the result objects of a study with their deliveries."""
        found = self._session.execute(
            select(ResultObjectRow, DeliveryRow)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .outerjoin(DeliveryRow, DeliveryRow.result_object_id == ResultObjectRow.id)
            .where(FindingRow.study_id == study_id)
            .order_by(ResultObjectRow.id, DeliveryRow.id)
        )
        return [_object(made, delivery) for made, delivery in found]

    def _study(self, row: StudyRow) -> StudyView:
        finding = self._session.get(FindingRow, row.finding_id) if row.finding_id else None
        value = from_json(Finding, finding.value) if finding else None
        films = self._session.scalar(
            select(func.count()).where(ScreeningRow.study_id == row.id).select_from(ScreeningRow)
        )
        return StudyView(
            study_id=row.id,
            state=StudyState(row.state),
            films=films or 0,
            finding_id=FindingId(finding.id) if finding else None,
            verdict=finding.verdict if finding else None,
            reason=value.reason.value if value and value.reason else None,
            z=finding.z if finding else None,
            synthetic=finding.synthetic if finding else False,
            covered_by=finding.covered_by if finding else None,
            report_state=self._report_state(row, finding),
            last_received_at=row.last_received_at,
            error_code=row.error_code,
            error_message=row.error_message,
        )

    def _report_state(self, study: StudyRow, finding: FindingRow | None) -> str | None:
        if finding is not None and finding.covered_by is not None:
            return "COVERED"
        if study.state in {StudyState.FLAGGED, StudyState.REPORTING}:
            return study.state
        if study.reported_finding_id is None:
            return None
        states = self._session.scalars(
            select(DeliveryRow.state)
            .join(ResultObjectRow, ResultObjectRow.id == DeliveryRow.result_object_id)
            .where(ResultObjectRow.finding_id == study.reported_finding_id)
        ).all()
        return report_state(states)


def report_state(states: Sequence[str]) -> str:
    """Return how far a report is: the state of its slowest object, or MADE without deliveries."""
    counted = Counter(states)
    for state in _PROGRESS:
        if counted[state.value]:
            return state.value
    return "MADE"


def _film(
    screening: ScreeningRow, instance: ReceivedInstanceRow, prediction: str | None
) -> FilmView:
    return FilmView(
        screening_id=screening.id,
        study_id=screening.study_id,
        sop_instance_uid=SopInstanceUid(instance.sop_instance_uid),
        revision=instance.revision,
        state=ScreeningState(screening.state),
        reasons=tuple(json.loads(screening.reasons)),
        rules_version=screening.rules_version,
        view=screening.view,
        calling_ae=instance.calling_ae,
        transfer_syntax_uid=instance.transfer_syntax_uid,
        received_at=instance.received_at,
        changed_at=screening.changed_at,
        spool_key=instance.spool_key,
        header=header_of(instance),
        prediction=from_json(Prediction, prediction) if prediction else None,
        error_code=screening.error_code,
        error_message=screening.error_message,
    )


def _object(made: ResultObjectRow, delivery: DeliveryRow | None) -> ObjectView:
    return ObjectView(
        result_object_id=made.id,
        finding_id=made.finding_id,
        kind=made.kind,
        variant=made.variant,
        sop_instance_uid=made.sop_instance_uid,
        vault_key=made.vault_key,
        delivery_id=delivery.id if delivery else None,
        archive=delivery.archive if delivery else None,
        state=DeliveryState(delivery.state) if delivery else None,
        hold_reason=delivery.hold_reason if delivery else None,
        attempts=delivery.attempts if delivery else 0,
        error_message=delivery.error_message if delivery else None,
        changed_at=delivery.changed_at if delivery else made.made_at,
    )
