"""Received instances: added once, found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from screener.domain.arrival import Content
from screener.domain.identifiers import ReceivedInstanceId, ScreeningId, SopInstanceUid
from screener.domain.instance import InstanceHeader
from screener.domain.screening import SILENT
from screener.storage.codec import from_json, to_json
from screener.storage.tables import ReceivedInstanceRow, ScreeningRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """An instance as it arrived, its bytes already in the spool."""

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    transfer_syntax_uid: str
    spool_key: str
    size_bytes: int
    file_digest: str
    calling_ae: str
    called_ae: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """The earlier instance that speaks for a SOP Instance UID."""

    instance_id: ReceivedInstanceId
    screening_id: ScreeningId
    spool_key: str
    content: Content


class Instances:
    """Rows of `received_instances`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, reception: Reception, study_id: int) -> ReceivedInstanceId:
        """Add an arrival; the same SOP Instance UID again is its next revision."""
        last = self._session.scalar(
            select(func.max(ReceivedInstanceRow.revision)).where(
                ReceivedInstanceRow.sop_instance_uid == reception.sop_instance_uid
            )
        )
        row = ReceivedInstanceRow(
            study_id=study_id,
            revision=(last or 0) + 1,
            received_at=self._now,
            sop_class_uid=reception.sop_class_uid,
            sop_instance_uid=reception.sop_instance_uid,
            transfer_syntax_uid=reception.transfer_syntax_uid,
            spool_key=reception.spool_key,
            size_bytes=reception.size_bytes,
            file_digest=reception.file_digest,
            calling_ae=reception.calling_ae,
            called_ae=reception.called_ae,
            address=reception.address,
        )
        self._session.add(row)
        self._session.flush()
        return ReceivedInstanceId(row.id)

    def speaker_before(self, instance_id: ReceivedInstanceId) -> Speaker | None:
        """Return the latest earlier instance of the same UID that still speaks for it."""
        this = self._session.get_one(ReceivedInstanceRow, instance_id)
        found = self._session.execute(
            select(ReceivedInstanceRow, ScreeningRow.id)
            .join(ScreeningRow, ScreeningRow.instance_id == ReceivedInstanceRow.id)
            .where(
                ReceivedInstanceRow.sop_instance_uid == this.sop_instance_uid,
                ReceivedInstanceRow.revision < this.revision,
                ScreeningRow.state.not_in([state.value for state in SILENT]),
            )
            .order_by(ReceivedInstanceRow.revision.desc())
            .limit(1)
        ).first()
        if found is None:
            return None
        row, screening_id = found
        return Speaker(
            instance_id=ReceivedInstanceId(row.id),
            screening_id=ScreeningId(screening_id),
            spool_key=row.spool_key,
            content=Content(
                header_digest=row.header_digest,
                pixel_digest=row.pixel_digest,
                file_digest=row.file_digest,
            ),
        )

    def set_header(self, instance_id: ReceivedInstanceId, header: InstanceHeader) -> None:
        """Keep what was read of an instance's header."""
        self._update(
            instance_id,
            header=to_json(header),
            header_digest=header.digest(),
            patient_id=header.identity.patient_id,
            issuer=header.identity.issuer,
            birth_date=header.identity.birth_date,
            sex=header.identity.sex,
        )

    def set_pixel_digest(self, instance_id: ReceivedInstanceId, pixel_digest: str) -> None:
        """Keep the digest of an instance's decoded pixels."""
        self._update(instance_id, pixel_digest=pixel_digest)

    def spool_keys(self, among: list[str]) -> set[str]:
        """Return which of some spool keys have a row."""
        return set(
            self._session.scalars(
                select(ReceivedInstanceRow.spool_key).where(
                    ReceivedInstanceRow.spool_key.in_(among)
                )
            )
        )

    def _update(self, instance_id: ReceivedInstanceId, **values: object) -> None:
        self._session.execute(
            update(ReceivedInstanceRow)
            .where(ReceivedInstanceRow.id == instance_id)
            .values(**values)
        )


def header_of(row: ReceivedInstanceRow) -> InstanceHeader | None:
    """Return the header that a row holds, or None where it could not be read."""
    return from_json(InstanceHeader, row.header) if row.header else None
