"""Many rows in one statement.

A database's library lets other threads run while a statement is at work, and has to wait for its turn again after each
one: up to 5 ms, where the others are busy. With a statement a row, a burst of rows waits for that once a row. So does
whoever reads what a statement returns, row by row.

The statements are written here, once for each number of rows, and go past SQLAlchemy's compiler: for the few rows of a
batch it took longer to say what is to be done than the database to do it (`docs/why/webhook-speed.md`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row

_MOST_VALUES = 30_000
"""Of one statement: SQLite takes 32,766 (its page "Implementation Limits"), PostgreSQL 65,535."""
_COUNTED = {"preserve_rowcount": True}


def insert_all_new(
    connection: Connection, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> int:  # fmt: skip
    """Insert rows, each the values of `columns`; one that has the unique values of another is left out. How many were
    inserted.
    """
    at_once = _MOST_VALUES // len(columns)
    return sum(_insert(connection, table, columns, rows[at : at + at_once]) for at in range(0, len(rows), at_once))


def rows_among(
    connection: Connection, table: str, columns: tuple[str, ...], among: Mapping[str, Collection[str]], also: str
) -> Sequence[Row[Any]]:
    """The `columns` of the rows of which each column in `among` has one of its values (at least one each), and of which
    `also` is true: a condition without values."""
    given = [_padded(values) for values in among.values()]
    sizes = tuple((column, len(values)) for column, values in zip(among, given, strict=True))
    statement = _selection(table, columns, sizes, also, _mark(connection))
    return connection.exec_driver_sql(statement, tuple(chain.from_iterable(given))).fetchall()


def count_among(connection: Connection, table: str, among: Mapping[str, Collection[str]]) -> int:
    """How many rows there are of which each column in `among` has one of its values."""
    [(found,)] = rows_among(connection, table, ("count(*)",), among, "TRUE")
    return int(found)


def _insert(connection: Connection, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> int:
    statement = _insertion(table, columns, len(rows), _mark(connection))
    done = connection.exec_driver_sql(statement, tuple(chain.from_iterable(rows)), execution_options=_COUNTED)
    return done.rowcount


def _mark(connection: Connection) -> str:
    """What stands for a value."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def _padded(values: Collection[str]) -> list[str]:
    """The last one again, until they are a power of two: so there are few different statements, and each is known."""
    given = list(values)
    missing = (1 << (len(given) - 1).bit_length()) - len(given)
    return given + given[-1:] * missing


@lru_cache(maxsize=512)
def _insertion(table: str, columns: tuple[str, ...], rows: int, mark: str) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    into = f"{table} ({', '.join(columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} ON CONFLICT DO NOTHING"  # noqa: S608  names of ours


@lru_cache(maxsize=512)
def _selection(
    table: str, columns: tuple[str, ...], among: tuple[tuple[str, int], ...], also: str, mark: str
) -> str:  # fmt: skip
    those = [f"{column} IN ({', '.join([mark] * number)})" for column, number in among]
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {' AND '.join([*those, also])}"  # noqa: S608  names of ours
