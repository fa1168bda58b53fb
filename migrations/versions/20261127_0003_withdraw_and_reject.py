"""Withdraw reports and reject films: new states, deletions, and what rejection notes name.

Revision ID: 20261127_0003
Revises: 20261127_0002
Create Date: 2026-11-27

"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261127_0003"
down_revision = "20261127_0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)

_SCREENING = (
    "RECEIVED WAITING SCORING SCORED INELIGIBLE NOT_SCORED DUPLICATE CONFLICTING SUPERSEDED"
)

#: Table, column, the values that it had before in their order, and the new one with its place.
_WIDENED = (
    (
        "screenings",
        "state",
        f"{_SCREENING} FAILED",
        f"{_SCREENING} REJECTED FAILED",
    ),
    (
        "deliveries",
        "state",
        "PENDING HELD SENDING SENT AWAITING COMMITTED VERIFIED REFUSED FAILED",
        "PENDING HELD SENDING SENT AWAITING COMMITTED VERIFIED REFUSED FAILED CANCELLED",
    ),
    (
        "findings",
        "verdict",
        "LOW NOT_LOW INDETERMINATE NOT_ASSESSED",
        "LOW NOT_LOW INDETERMINATE NOT_ASSESSED WITHDRAWN",
    ),
    (
        "result_objects",
        "kind",
        "REPORT OVERLAY CARD PRESENTATION DOCUMENT",
        "REPORT OVERLAY CARD PRESENTATION DOCUMENT REJECTION_NOTE",
    ),
)


def upgrade() -> None:
    for table, column, _, after in _WIDENED:
        _allow(table, column, after)
    op.create_table(
        "deletions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("result_object_id", _KEY, nullable=False),
        sa.Column("archive", sa.String(length=32), nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("confirmed_at", _AT, nullable=True),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["result_object_id"],
            ["result_objects.id"],
            name=op.f("fk_deletions_result_object_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint(
            "result_object_id", "archive", name=op.f("uq_deletions_result_object_id_archive")
        ),
    )
    op.create_table(
        "rejected_instances",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=16), nullable=False),
        sa.Column("note_instance_id", _KEY, nullable=False),
        sa.Column("rejected_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["note_instance_id"],
            ["received_instances.id"],
            name=op.f("fk_rejected_instances_note_instance_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_instances")),
        sa.UniqueConstraint(
            "sop_instance_uid", name=op.f("uq_rejected_instances_sop_instance_uid")
        ),
    )


def downgrade() -> None:
    op.drop_table("rejected_instances")
    op.drop_table("deletions")
    # an earlier version knows none of these: each becomes what it takes for an end that it leaves
    # alone. A withdrawn study stays WITHDRAWN, a state that it always had
    op.execute("UPDATE screenings SET state = 'SUPERSEDED' WHERE state = 'REJECTED'")
    op.execute("UPDATE deliveries SET state = 'REFUSED' WHERE state = 'CANCELLED'")
    op.execute(
        "UPDATE findings SET verdict = 'NOT_ASSESSED', value = replace(value,"
        ' \'"verdict":"WITHDRAWN"\', \'"verdict":"NOT_ASSESSED"\') WHERE verdict = \'WITHDRAWN\''
    )
    # a note's variant is its archive's name, which no other card has
    op.execute("UPDATE result_objects SET kind = 'CARD' WHERE kind = 'REJECTION_NOTE'")
    for table, column, before, _ in _WIDENED:
        _allow(table, column, before)


def _allow(table: str, column: str, values: str) -> None:
    allowed = ", ".join(f"'{value}'" for value in values.split())
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
        batch.create_check_constraint(
            op.f(f"ck_{table}_{column}"), sa.text(f"{column} IN ({allowed})")
        )
