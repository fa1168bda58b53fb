"""Deliveries: claimed per archive, settled one by one; and what commitment reports say of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from screener.domain.delivery import (
    CommitmentAnswer,
    DeliveryState,
    HoldReason,
    advance,
    after_answer,
)
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import (
    DeliveryId,
    FindingId,
    ResultObjectId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
)
from screener.domain.retry import delay
from screener.storage.claims import (
    Lease,
    claim,
    is_due,
    lease_of,
    rows_changed,
    settle,
    settle_failure,
)
from screener.storage.tables import (
    CommitmentRequestRow,
    DeliveryRow,
    FindingRow,
    ResultObjectRow,
    StudyRow,
)

_D = DeliveryState

_TO_SEND = DeliveryRow.state.in_([_D.PENDING.value, _D.SENDING.value])
_TO_CONFIRM = DeliveryRow.state == _D.SENT.value
_TO_CHASE = DeliveryRow.state == _D.AWAITING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this worker holds, with the object that it is about."""

    lease: Lease
    state: DeliveryState
    delivery_id: DeliveryId
    archive: str
    synthetic: bool
    vault_key: str
    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    series_instance_uid: SeriesInstanceUid
    study_instance_uid: StudyInstanceUid
    refusals: int
    asked_count: int


class Deliveries:
    """Rows of `deliveries` and `commitment_requests`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, result_object_id: ResultObjectId, archive: str, hold: HoldReason | None) -> None:
        """Add the delivery of an object to an archive, due at once or held; once only."""
        found = self._session.scalar(
            select(DeliveryRow.id).where(
                DeliveryRow.result_object_id == result_object_id, DeliveryRow.archive == archive
            )
        )
        if found is not None:
            return
        self._session.add(
            DeliveryRow(
                result_object_id=result_object_id,
                archive=archive,
                state=(_D.HELD if hold else _D.PENDING).value,
                hold_reason=hold.value if hold else None,
                attempts=0,
                refusals=0,
                asked_count=0,
                next_attempt_at=self._now,
                changed_at=self._now,
            )
        )

    def archives_of(self, finding_id: FindingId) -> frozenset[str]:
        """Return the archives that objects of a finding are on their way to, or held for."""
        return frozenset(
            self._session.scalars(
                select(DeliveryRow.archive)
                .join(ResultObjectRow, ResultObjectRow.id == DeliveryRow.result_object_id)
                .where(ResultObjectRow.finding_id == finding_id)
                .distinct()
            )
        )

    def claim_to_send(self, archive: str, *, limit: int, lease: timedelta) -> list[ClaimedDelivery]:
        """Claim an archive's deliveries that are due to be sent."""
        rows = claim(
            self._session,
            DeliveryRow,
            DeliveryRow.archive == archive,
            _TO_SEND,
            now=self._now,
            lease=lease,
            limit=limit,
            working=_D.SENDING,
            failed=_D.FAILED,
        )
        return [self._claimed(row, _D.SENDING) for row in rows]

    def claim_to_confirm(
        self, archive: str, *, limit: int, lease: timedelta
    ) -> list[ClaimedDelivery]:
        """Claim an archive's deliveries that are sent and not yet asked about."""
        return self._claim_in(_D.SENT, _TO_CONFIRM, archive, limit, lease)

    def claim_overdue(self, archive: str, *, limit: int, lease: timedelta) -> list[ClaimedDelivery]:
        """Claim an archive's deliveries whose commitment report is overdue."""
        return self._claim_in(_D.AWAITING, _TO_CHASE, archive, limit, lease)

    def any_to_send(self, archive: str) -> bool:
        """Return whether something is due to be sent to an archive."""
        return self._any(archive, _TO_SEND)

    def any_to_confirm(self, archive: str) -> bool:
        """Return whether an archive is due to be asked about what it took."""
        return self._any(archive, _TO_CONFIRM)

    def any_overdue(self, archive: str) -> bool:
        """Return whether an archive's commitment report is overdue."""
        return self._any(archive, _TO_CHASE)

    def is_served(self, archive: str) -> bool:
        """Return whether a worker holds deliveries to an archive at this moment."""
        return bool(
            self._session.scalar(
                select(
                    exists().where(
                        DeliveryRow.archive == archive,
                        or_(_TO_SEND, _TO_CONFIRM, _TO_CHASE),
                        DeliveryRow.leased_until > self._now,
                    )
                )
            )
        )

    def settle(self, held: ClaimedDelivery, to: DeliveryState, **values: Any) -> bool:
        """Move a claimed delivery on; False where it is no longer ours."""
        return settle(
            self._session,
            DeliveryRow,
            held.lease,
            now=self._now,
            held_as=held.state,
            to=to if to is held.state else advance(held.state, to),
            **values,
        )

    def settle_failure(
        self,
        held: ClaimedDelivery,
        error: ScreenerError,
        *,
        again: DeliveryState,
        **values: Any,
    ) -> bool:
        """Schedule the next attempt at a claimed delivery, or give it up."""
        return settle_failure(
            self._session,
            DeliveryRow,
            held.lease,
            error,
            now=self._now,
            held_as=held.state,
            again=again,
            failed=_D.FAILED,
            **values,
        )

    def put_back(self, held: ClaimedDelivery, to: DeliveryState, **values: Any) -> bool:
        """Give a claim back untouched: the archive is away, which is not the object's fault."""
        return settle(
            self._session,
            DeliveryRow,
            held.lease,
            now=self._now,
            held_as=held.state,
            to=to,
            **values,
        )

    def begin_asking(self, held: ClaimedDelivery, *, lease: timedelta) -> ClaimedDelivery | None:
        """Go on holding a delivery as one whose report may come; None where it is no longer ours.

        The archive may report before it has answered the request.
        """
        until, asked_count = self._now + lease, held.asked_count + 1
        ours = self.settle(
            held,
            _D.AWAITING,
            keep_attempts=True,
            leased_until=until,
            asked_at=self._now,
            asked_count=asked_count,
        )
        if not ours:
            return None
        return replace(
            held,
            state=_D.AWAITING,
            lease=replace(held.lease, until=until),
            asked_count=asked_count,
        )

    def hold_unknown(self, archives: Collection[str]) -> int:
        """Hold what is due to archives that the settings no longer know."""
        was_being_sent = and_(
            DeliveryRow.state == _D.SENDING.value, DeliveryRow.leased_until <= self._now
        )
        result = self._session.execute(
            update(DeliveryRow)
            .where(
                DeliveryRow.archive.not_in(archives),
                or_(DeliveryRow.state == _D.PENDING.value, was_being_sent),
            )
            .values(
                state=_D.HELD.value,
                leased_until=None,
                hold_reason=HoldReason.ARCHIVE_UNKNOWN.value,
                changed_at=self._now,
            )
            .execution_options(synchronize_session=False)
        )
        return rows_changed(result)

    def request_commitment(self, transaction_uid: str, archive: str) -> None:
        """Keep a transaction before the archive hears of it."""
        self._session.add(
            CommitmentRequestRow(
                transaction_uid=transaction_uid, archive=archive, requested_at=self._now
            )
        )

    def archive_of(self, transaction_uid: str) -> str | None:
        """Return the archive that a transaction was opened with, or None for an unknown one."""
        return self._session.scalar(
            select(CommitmentRequestRow.archive).where(
                CommitmentRequestRow.transaction_uid == transaction_uid
            )
        )

    def answer(
        self,
        transaction_uid: str,
        archive: str,
        answers: Sequence[tuple[SopInstanceUid, CommitmentAnswer]],
    ) -> int:
        """Settle deliveries by an archive's commitment report; return how many moved.

        A report may come before the request's own answer is settled, twice, or for a transaction
        that was asked again since: what it says of an object is true in each case.
        """
        moved = sum(self._answer_one(archive, uid, said) for uid, said in answers)
        self._session.execute(
            update(CommitmentRequestRow)
            .where(CommitmentRequestRow.transaction_uid == transaction_uid)
            .values(answered_at=self._now)
        )
        return moved

    def retry(self, delivery_id: DeliveryId) -> bool:
        """Take a HELD, REFUSED or FAILED delivery up again, as an operator asks."""
        row = self._session.get(DeliveryRow, delivery_id)
        if row is None or row.state not in {_D.HELD, _D.REFUSED, _D.FAILED}:
            return False
        row.state = advance(_D(row.state), _D.PENDING).value
        row.attempts = row.refusals = row.asked_count = 0
        row.hold_reason = row.error_code = row.error_message = None
        row.leased_until = None
        row.next_attempt_at = row.changed_at = self._now
        return True

    def _any(self, archive: str, condition: ColumnElement[bool]) -> bool:
        return is_due(
            self._session, DeliveryRow, DeliveryRow.archive == archive, condition, now=self._now
        )

    def _claim_in(
        self,
        state: DeliveryState,
        condition: ColumnElement[bool],
        archive: str,
        limit: int,
        lease: timedelta,
    ) -> list[ClaimedDelivery]:
        rows = claim(
            self._session,
            DeliveryRow,
            DeliveryRow.archive == archive,
            condition,
            now=self._now,
            lease=lease,
            limit=limit,
        )
        return [self._claimed(row, state) for row in rows]

    def _answer_one(
        self, archive: str, sop_instance_uid: SopInstanceUid, said: CommitmentAnswer
    ) -> int:
        # a failure that an old transaction repeats must not disturb an object that is being sent
        # again: only what is awaited can fail
        committed = said is CommitmentAnswer.COMMITTED
        states = [_D.AWAITING, _D.SENT, _D.VERIFIED] if committed else [_D.AWAITING]
        row = self._session.scalar(
            select(DeliveryRow)
            .join(ResultObjectRow, ResultObjectRow.id == DeliveryRow.result_object_id)
            .where(
                DeliveryRow.archive == archive,
                ResultObjectRow.sop_instance_uid == sop_instance_uid,
                DeliveryRow.state.in_([state.value for state in states]),
            )
            .with_for_update()
        )
        if row is None:
            return 0
        to = after_answer(said, asked_count=row.asked_count)
        row.state = advance(_D(row.state), to).value
        row.changed_at = row.next_attempt_at = self._now
        row.leased_until = None
        # whoever holds a claim on it loses it
        row.attempts += 1
        if committed:
            row.kept_at = self._now
            row.error_code = row.error_message = None
        else:
            row.next_attempt_at += delay(row.asked_count)
            row.error_code = f"COMMITMENT_{said.value}"
            row.error_message = "the archive's storage commitment report says that it failed"
        return 1

    def _claimed(self, row: DeliveryRow, state: DeliveryState) -> ClaimedDelivery:
        found = self._session.execute(
            select(ResultObjectRow, StudyRow.study_instance_uid)
            .join(FindingRow, FindingRow.id == ResultObjectRow.finding_id)
            .join(StudyRow, StudyRow.id == FindingRow.study_id)
            .where(ResultObjectRow.id == row.result_object_id)
        ).one()
        made, study_instance_uid = found
        return ClaimedDelivery(
            lease=lease_of(row),
            state=state,
            delivery_id=DeliveryId(row.id),
            archive=row.archive,
            synthetic=made.synthetic,
            vault_key=made.vault_key,
            sop_class_uid=made.sop_class_uid,
            sop_instance_uid=SopInstanceUid(made.sop_instance_uid),
            series_instance_uid=SeriesInstanceUid(made.series_instance_uid),
            study_instance_uid=StudyInstanceUid(study_instance_uid),
            refusals=row.refusals,
            asked_count=row.asked_count,
        )
