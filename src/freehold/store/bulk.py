"""Many rows in one statement.

A database's library lets other threads run while a statement is at work, and has to wait for its turn again after each
one: up to 5 ms, where the others are busy. With a statement a row, a burst of rows waits for that once a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from freehold.store.rows import insert_into


def insert_all_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert rows that have the same columns; one that has the unique values of another is left out. The primary keys
    of those that were inserted. The table has a primary key of one column, a text.
    """
    if not rows:
        return set()
    [key] = table.primary_key.columns
    # With RETURNING, SQLAlchemy makes one statement of many rows; without, it would execute one a row.
    insert = insert_into(connection, table).on_conflict_do_nothing().returning(key)
    return set(connection.execute(insert, list(rows)).scalars())
