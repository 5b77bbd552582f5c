"""What all tables share: times as integers, JSON as text, and inserting what may be there already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def moment(stored: int) -> datetime:
    return datetime.fromtimestamp(stored / 1000, UTC)


def moment_or_none(stored: int | None) -> datetime | None:
    return None if stored is None else moment(stored)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what becomes of rows that are there already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # with its drivers it takes 2 MB and 50 ms

    return postgresql.insert(table)


def insert_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row; False, and nothing is changed, when one with the same unique values is there already."""
    # Of an INSERT, SQLAlchemy keeps the count only when it is asked to: psycopg's would be lost, and read as "none".
    insert = (
        insert_into(connection, table).values(values).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    )
    done = connection.execute(insert)
    return done.rowcount == 1


def put(connection: Connection, table: Table, values: Mapping[str, Any], fixed: Collection[str] = ()) -> None:
    """Insert a row, or make the one with the same primary key like it. Columns in `fixed` never change: SQLite leaves
    their indexes alone."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in values.items() if name not in keys and name not in fixed}
    insert = insert_into(connection, table).values(values)
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))


def add_up(
    connection: Connection, table: Table, key: Mapping[str, str], more: Mapping[str, float]
) -> None:  # fmt: skip
    """Add to the numbers of the row with this primary key; one that is not there yet begins with them."""
    insert = insert_into(connection, table).values({**key, **more})
    sums = {name: table.c[name] + insert.excluded[name] for name in more}
    connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=sums))
