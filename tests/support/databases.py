"""The two databases of the product, emptied between tests: to make one costs more than a test."""

from __future__ import annotations

from sqlalchemy import Engine

from screener.storage.tables import Row

#: The databases that a node may have.
BACKENDS = ("sqlite", "postgresql")


def remove_rows(engine: Engine) -> None:
    """Empty every table; the next row of each is number 1."""
    # TRUNCATE would make every table's files anew, which takes fifty times as long
    statements = [f"DELETE FROM {table.name}" for table in reversed(Row.metadata.sorted_tables)]  # noqa: S608
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            restart = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
            statements = ["; ".join([*statements, restart])]
        for statement in statements:
            connection.exec_driver_sql(statement)


def remove_tables(engine: Engine) -> None:
    """Take a PostgreSQL database back to where it has nothing."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
