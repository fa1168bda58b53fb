"""The tables. Rows know; they decide nothing.

A patient's identity stands in `received_instances` (`header` repeats it), `clinical_measurements`
and `corrections`; every other table refers to it by our own numbers.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from screener.domain.delivery import DeliveryState
from screener.domain.finding import Verdict
from screener.domain.patient import MeasuredKind
from screener.domain.report import ResultKind
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState

#: SQLite counts only an INTEGER key up by itself.
_Key = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite has no such type, and keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants: nobody knows which hour they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Give every instant its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ComparedText(TypeDecorator[str]):
    """What a sender wrote, of which nothing but equality is ever asked.

    What the column cannot keep as it is, for it is too long or has a NUL, is kept as its digest: a
    film must not be tried for ever because a scanner breaks the standard.

    Parameters
    ----------
    width
        Of the column, characters.
    """

    impl = String
    cache_ok = True

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.width = width

    def process_bind_param(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        """Return the text, or its digest, as long as the column is wide."""
        if value is None or (len(value) <= self.width and "\0" not in value):
            return value
        return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[: self.width]


class Row(DeclarativeBase):
    """Base of all rows; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012 - SQLAlchemy's own declaration


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


class _Work:
    """Columns of a row that workers claim: the lease is the claim."""

    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime]
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime]


class StudyRow(_Work, Row):
    """One study: where our work on it stands."""

    __tablename__ = "studies"
    __table_args__ = (
        _one_of("state", StudyState),
        Index("ix_studies_state_next_attempt_at", "state", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    #: When its last instance came; the settle time counts from here.
    last_received_at: Mapped[datetime]
    #: Its current finding.
    finding_id: Mapped[int | None] = mapped_column(_Key)
    #: Its last finding that has a report.
    reported_finding_id: Mapped[int | None] = mapped_column(_Key)


class ReceivedInstanceRow(Row):
    """One instance on our disk, as it arrived; a later revision of it is another row."""

    __tablename__ = "received_instances"
    __table_args__ = (
        UniqueConstraint("sop_instance_uid", "revision"),
        Index("ix_received_instances_child", "patient_id", "birth_date"),
        Index("ix_received_instances_study_id", "study_id"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    study_id: Mapped[int] = mapped_column(_Key, ForeignKey("studies.id"))
    sop_class_uid: Mapped[str] = mapped_column(String(64))
    sop_instance_uid: Mapped[str] = mapped_column(String(64))
    #: Counts the arrivals of one SOP Instance UID from 1.
    revision: Mapped[int]
    transfer_syntax_uid: Mapped[str] = mapped_column(String(64))
    spool_key: Mapped[str] = mapped_column(String(80), unique=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    calling_ae: Mapped[str] = mapped_column(String(16))
    called_ae: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    #: SHA-256 of the data set's bytes.
    file_digest: Mapped[str] = mapped_column(String(64))
    #: Set when it is judged; None where the header cannot be read.
    header_digest: Mapped[str | None] = mapped_column(String(64))
    #: Set when its pixels are decoded.
    pixel_digest: Mapped[str | None] = mapped_column(String(64))
    header: Mapped[str | None] = mapped_column(Text)
    patient_id: Mapped[str | None] = mapped_column(ComparedText(64))
    issuer: Mapped[str | None] = mapped_column(ComparedText(64))
    birth_date: Mapped[date | None]
    sex: Mapped[str | None] = mapped_column(ComparedText(16))


class ScreeningRow(_Work, Row):
    """Our handling of one received instance."""

    __tablename__ = "screenings"
    __table_args__ = (
        _one_of("state", ScreeningState),
        Index("ix_screenings_state_next_attempt_at", "state", "next_attempt_at"),
        Index("ix_screenings_study_id", "study_id"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    instance_id: Mapped[int] = mapped_column(_Key, ForeignKey("received_instances.id"), unique=True)
    study_id: Mapped[int] = mapped_column(_Key, ForeignKey("studies.id"))
    state: Mapped[str] = mapped_column(String(16))
    #: Coded reasons, a JSON list, the plainest first.
    reasons: Mapped[str] = mapped_column(Text, default="[]")
    #: The rules that judged it.
    rules_version: Mapped[int | None]
    view: Mapped[str | None] = mapped_column(String(16))
    #: `ClinicalVariables` as JSON.
    clinical: Mapped[str | None] = mapped_column(Text)


class PredictionRow(Row):
    """One predictor's estimate for one film."""

    __tablename__ = "predictions"
    __table_args__ = (UniqueConstraint("screening_id", "predictor_checksum"),)

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    screening_id: Mapped[int] = mapped_column(_Key, ForeignKey("screenings.id"))
    predictor_checksum: Mapped[str] = mapped_column(String(64))
    abmd_g_cm2: Mapped[float]
    #: `Prediction` as JSON.
    value: Mapped[str] = mapped_column(Text)
    predicted_at: Mapped[datetime]


class FindingRow(Row):
    """The clinical statement on one study; a changed one is another row."""

    __tablename__ = "findings"
    __table_args__ = (
        _one_of("verdict", Verdict),
        UniqueConstraint("study_id", "number"),
        Index("ix_findings_verdict_concluded_at", "verdict", "concluded_at"),
        Index("ix_findings_covered_by", "covered_by"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    study_id: Mapped[int] = mapped_column(_Key, ForeignKey("studies.id"))
    #: Counts a study's findings from 1.
    number: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(16))
    z: Mapped[float | None]
    #: `Finding` as JSON.
    value: Mapped[str] = mapped_column(Text)
    #: Of the printed values.
    digest: Mapped[str] = mapped_column(String(64))
    predictor_checksum: Mapped[str | None] = mapped_column(String(64))
    synthetic: Mapped[bool]
    rules_version: Mapped[int]
    concluded_at: Mapped[datetime]
    #: Another study's finding that covers this child.
    covered_by: Mapped[int | None] = mapped_column(_Key, ForeignKey("findings.id"))
    #: Counts a study's reports from 1; None where the finding has none.
    report_revision: Mapped[int | None]
    #: The finding whose report this one's replaces.
    predecessor_id: Mapped[int | None] = mapped_column(_Key, ForeignKey("findings.id"))
    reported_at: Mapped[datetime | None]


class ResultObjectRow(Row):
    """A DICOM instance that we made."""

    __tablename__ = "result_objects"
    __table_args__ = (
        _one_of("kind", ResultKind),
        UniqueConstraint("finding_id", "kind", "variant"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    finding_id: Mapped[int] = mapped_column(_Key, ForeignKey("findings.id"))
    kind: Mapped[str] = mapped_column(String(16))
    #: Of captures: which film, or nothing; of reports: SOP class and language.
    variant: Mapped[str] = mapped_column(String(40))
    sop_class_uid: Mapped[str] = mapped_column(String(64))
    sop_instance_uid: Mapped[str] = mapped_column(String(64), unique=True)
    series_instance_uid: Mapped[str] = mapped_column(String(64))
    vault_key: Mapped[str] = mapped_column(String(80), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    synthetic: Mapped[bool]
    made_at: Mapped[datetime]


class DeliveryRow(_Work, Row):
    """One result object to one archive, until it is kept."""

    __tablename__ = "deliveries"
    __table_args__ = (
        _one_of("state", DeliveryState),
        UniqueConstraint("result_object_id", "archive"),
        Index("ix_deliveries_archive_state_next_attempt_at", "archive", "state", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    result_object_id: Mapped[int] = mapped_column(_Key, ForeignKey("result_objects.id"))
    archive: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    hold_reason: Mapped[str | None] = mapped_column(String(32))
    #: The archive's refusals of this object.
    refusals: Mapped[int] = mapped_column(default=0)
    #: The last C-STORE status.
    store_status: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    #: When storage commitment was last asked for, and how often.
    asked_at: Mapped[datetime | None]
    asked_count: Mapped[int] = mapped_column(default=0)
    kept_at: Mapped[datetime | None]


class DeletionRow(Row):
    """A withdrawn object that an archive without rejection notes still has, until it is deleted."""

    __tablename__ = "deletions"
    __table_args__ = (UniqueConstraint("result_object_id", "archive"),)

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    result_object_id: Mapped[int] = mapped_column(_Key, ForeignKey("result_objects.id"))
    archive: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime]
    #: When somebody said that the archive has it no longer, and who.
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))


class RejectedInstanceRow(Row):
    """An instance that a rejection note takes out of use; it may not have arrived yet."""

    __tablename__ = "rejected_instances"

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(String(64), unique=True)
    #: The note's title: a DCM code.
    title: Mapped[str] = mapped_column(String(16))
    note_instance_id: Mapped[int] = mapped_column(_Key, ForeignKey("received_instances.id"))
    rejected_at: Mapped[datetime]


class CommitmentRequestRow(Row):
    """One storage commitment transaction; its id is on disk before the archive hears of it."""

    __tablename__ = "commitment_requests"

    transaction_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    archive: Mapped[str] = mapped_column(String(32))
    requested_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class ArchiveHealthRow(Row):
    """How an archive has answered of late: the back-off is the archive's, not the object's."""

    __tablename__ = "archive_health"

    archive: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: Failures in a row.
    failures: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)
    last_success_at: Mapped[datetime | None]


class ClinicalMeasurementRow(Row):
    """A height or weight of a patient that the site imported; one a day."""

    __tablename__ = "clinical_measurements"
    __table_args__ = (
        _one_of("kind", MeasuredKind),
        UniqueConstraint("patient_id", "issuer", "measured_on", "kind"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    patient_id: Mapped[str] = mapped_column(ComparedText(64))
    #: Empty where the table names none: a missing issuer is one of its own.
    issuer: Mapped[str] = mapped_column(ComparedText(64))
    kind: Mapped[str] = mapped_column(String(16))
    #: Metres or kilograms.
    value: Mapped[float]
    measured_on: Mapped[date]
    imported_at: Mapped[datetime]


class CorrectionRow(Row):
    """What an operator says of a study's child in place of its films' headers. Appended."""

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_study_id", "study_id"),)

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    study_id: Mapped[int] = mapped_column(_Key, ForeignKey("studies.id"))
    height_m: Mapped[float | None]
    weight_kg: Mapped[float | None]
    sex: Mapped[str | None] = mapped_column(String(1))
    birth_date: Mapped[date | None]
    #: Of height and weight; None stands for each film's own day.
    measured_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(Text)
    operator: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SiteRulesRow(Row):
    """One version of the site's rules."""

    __tablename__ = "site_rules"

    version: Mapped[int] = mapped_column(_Key, primary_key=True, autoincrement=False)
    #: `RulesDocument` as JSON.
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)


class AuditRow(Row):
    """Who did what to which row, when. Appended, never changed."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(Text, default="{}")


class RejectedAssociationRow(Row):
    """Who asked for an association and did not get it, how often."""

    __tablename__ = "rejected_associations"
    __table_args__ = (UniqueConstraint("calling_ae", "called_ae", "address", "reason"),)

    id: Mapped[int] = mapped_column(_Key, primary_key=True)
    calling_ae: Mapped[str] = mapped_column(String(16))
    called_ae: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class ProcessRow(Row):
    """A running process of the node and its last sign of life."""

    __tablename__ = "processes"

    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The machine's name, or the container's.
    host: Mapped[str] = mapped_column(String(64), primary_key=True)
    pid: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    alive_at: Mapped[datetime]
    #: When it last ran a stage; None where it never did.
    worked_at: Mapped[datetime | None]
    #: How many stages it can run at a time.
    slots: Mapped[int] = mapped_column(default=1)
    facts: Mapped[str] = mapped_column(Text, default="{}")
