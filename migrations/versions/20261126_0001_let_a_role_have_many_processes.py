"""Let a role have many processes: several workers, on several machines, share one database.

Revision ID: 20261126_0001
Revises: 20261124_0001
Create Date: 2026-11-26

"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_0001"
down_revision = "20261124_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("processes") as table:
        # signs of the first release come from one machine, whose name nobody wrote down
        table.add_column(sa.Column("host", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("slots", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True))
        table.drop_constraint("pk_processes", type_="primary")
        table.create_primary_key("pk_processes", ["role", "host", "pid"])
    with op.batch_alter_table("processes") as table:
        table.alter_column("host", existing_type=sa.String(length=64), server_default=None)
        table.alter_column("slots", existing_type=sa.Integer(), server_default=None)


def downgrade() -> None:
    # one sign of each role has to do: the last one
    op.execute(
        "DELETE FROM processes WHERE EXISTS (SELECT 1 FROM processes later"
        " WHERE later.role = processes.role"
        " AND (later.alive_at > processes.alive_at OR (later.alive_at = processes.alive_at"
        " AND (later.pid > processes.pid OR (later.pid = processes.pid"
        " AND later.host > processes.host)))))"
    )
    with op.batch_alter_table("processes") as table:
        table.drop_constraint("pk_processes", type_="primary")
        table.create_primary_key("pk_processes", ["role"])
        table.drop_column("worked_at")
        table.drop_column("slots")
        table.drop_column("host")
