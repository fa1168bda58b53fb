"""Let result objects be presentation states and documents, beside reports and captures.

Revision ID: 20261127_0002
Revises: 20261126_0001
Create Date: 2026-11-27

"""

from __future__ import annotations

from alembic import op

revision = "20261127_0002"
down_revision = "20261127_0001"
branch_labels = None
depends_on = None

_EARLIER = "kind IN ('REPORT', 'OVERLAY', 'CARD')"
_NOW = "kind IN ('REPORT', 'OVERLAY', 'CARD', 'PRESENTATION', 'DOCUMENT')"


def _allow(kinds: str) -> None:
    name = op.f("ck_result_objects_kind")
    with op.batch_alter_table("result_objects") as table:
        table.drop_constraint(name, type_="check")
        table.create_check_constraint(name, kinds)


def upgrade() -> None:
    _allow(_NOW)


def downgrade() -> None:
    # the version before does not know them; what the archives have of them stays there
    gone = "SELECT id FROM result_objects WHERE kind IN ('PRESENTATION', 'DOCUMENT')"
    op.execute(f"DELETE FROM deliveries WHERE result_object_id IN ({gone})")  # noqa: S608
    op.execute("DELETE FROM result_objects WHERE kind IN ('PRESENTATION', 'DOCUMENT')")
    _allow(_EARLIER)
