"""Alembic's entry: runs migrations on the connection that `screener.storage.migrate` gives it."""

from __future__ import annotations

from alembic import context

from screener.storage.tables import Row

config = context.config
connection = config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    # SQLite cannot alter a column: batch mode copies the table
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
