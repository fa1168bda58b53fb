"""Keep clinical measurements: heights and weights that a site imports, and operators' corrections.

Revision ID: 20261127_0001
Revises: 20261126_0001
Create Date: 2026-11-27

"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261127_0001"
down_revision = "20261126_0001"
branch_labels = None
depends_on = None

#: SQLite counts only an INTEGER key up by itself.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "clinical_measurements",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('HEIGHT', 'WEIGHT')", name=op.f("ck_clinical_measurements_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_measurements")),
        sa.UniqueConstraint(
            "patient_id",
            "issuer",
            "measured_on",
            "kind",
            name=op.f("uq_clinical_measurements_patient_id_issuer_measured_on_kind"),
        ),
    )
    op.create_table(
        "corrections",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("study_id", _KEY, nullable=False),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("weight_kg", sa.Double(), nullable=True),
        sa.Column("sex", sa.String(length=1), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("measured_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_corrections_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_study_id", "corrections", ["study_id"])


def downgrade() -> None:
    op.drop_index("ix_corrections_study_id", table_name="corrections")
    op.drop_table("corrections")
    op.drop_table("clinical_measurements")
