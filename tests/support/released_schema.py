"""What a release's program and its database look like: frozen when it is released, so that what comes later is held to
it. `scripts/freeze-database VERSION` writes `tests/data/database/VERSION.json`.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from freehold.store import migrate
from freehold.store.tables import metadata
from freehold.wire.runs import RunState, RunView, Trigger, TriggerType

FOLDER = Path(__file__).parents[1] / "data" / "database"
SCRIPTS = Path(migrate.__file__).parent / "migrations" / "versions"
ROWS = 2
Row = dict[str, Any]


class UsedColumn(msgspec.Struct, frozen=True):
    """`needed`: a row that says nothing about it is refused."""

    type: str
    needed: bool


class UsedTable(msgspec.Struct, frozen=True):
    columns: dict[str, UsedColumn]
    unique: list[list[str]]


class Released(msgspec.Struct, frozen=True):
    """`scripts` are the migrations up to `revision`, with a hash of each; `tables` what the program uses, `rows` some
    of each, bytes as base64."""

    version: str
    revision: str
    scripts: dict[str, str]
    tables: dict[str, UsedTable]
    rows: dict[str, list[Row]]


def frozen(version: str, revision: str, used: MetaData = metadata, scripts: Path = SCRIPTS) -> Released:
    """The program as it is now, as a release."""
    hashes = {path.name: _hash(path) for path in sorted(scripts.glob("v*.py"))}
    tables = {table.name: used_table(table) for table in used.sorted_tables}
    rows = {table.name: [_sample(table, number) for number in range(ROWS)] for table in used.sorted_tables}
    return Released(version, revision, hashes, tables, rows)


def released() -> list[Released]:
    """Every release, the oldest first; none before the first one."""
    found = [msgspec.json.decode(path.read_bytes(), type=Released) for path in FOLDER.glob("*.json")]
    return sorted(found, key=lambda one: [int(part) for part in one.version.split(".")])


def used_table(table: Table) -> UsedTable:
    columns = {
        column.name: UsedColumn(_kind(column), not column.nullable and column.server_default is None)
        for column in table.columns
    }
    together = [item.columns for item in table.constraints if isinstance(item, UniqueConstraint)]
    together += [index.columns for index in table.indexes if index.unique]
    return UsedTable(columns, sorted(sorted(str(column.name) for column in several) for several in together))


def changed_scripts(release: Released, scripts: Path = SCRIPTS) -> list[str]:
    """Migrations that were released and are not what they were then."""
    return [
        name
        for name, known in release.scripts.items()
        if not (scripts / name).exists() or _hash(scripts / name) != known
    ]


def contracted(release: Released, now: dict[str, UsedTable]) -> list[str]:
    """What in a database as it is `now` the program of `release` could not live with. Pure."""
    problems = []
    for name, before in release.tables.items():
        after = now.get(name)
        if after is None:
            problems.append(f"{name} is gone")
            continue
        for column, used in before.columns.items():
            there = after.columns.get(column)
            if there is None:
                problems.append(f"{name}.{column} is gone")
            elif there.type != used.type:
                problems.append(f"{name}.{column} was {used.type}, and is {there.type}")
            elif there.needed and not used.needed:
                problems.append(f"{name}.{column} has to be said, and had not to")
        added = {column: there for column, there in after.columns.items() if column not in before.columns}
        problems += [f"{name}.{column} is new and has no default" for column, there in added.items() if there.needed]
        problems += [f"{name}: {', '.join(one)} may not repeat any more" for one in after.unique
                     if one not in before.unique]  # fmt: skip
    return problems


def insert_rows(connection: Connection, rows: dict[str, list[Row]]) -> None:
    """Write them as the program of that release did: with the columns that it knew."""
    now = reflected(connection)
    for name, several in rows.items():
        for row in several:
            connection.execute(now.tables[name].insert().values(**_from_json(now.tables[name], row)))


def changed_rows(connection: Connection, rows: dict[str, list[Row]]) -> list[str]:
    """Rows that are not there any more, or not as they were, in the columns that there still are."""
    now = reflected(connection)
    problems = []
    for name, several in rows.items():
        table = now.tables.get(name)
        if table is None:
            continue
        for row in several:
            kept = {key: value for key, value in _from_json(table, row).items() if key in table.columns}
            keys = [column == kept[column.name] for column in table.primary_key.columns]
            there = connection.execute(table.select().where(*keys)).mappings().first()
            if there is None or any(there[key] != value for key, value in kept.items()):
                problems.append(f"{name}: {row} has become {dict(there) if there else 'nothing'}")
    return problems


def reflected(connection: Connection) -> MetaData:
    """The tables that the database has."""
    found = MetaData()
    found.reflect(connection)
    return found


def tables_of(connection: Connection) -> dict[str, UsedTable]:
    return {table.name: used_table(table) for table in reflected(connection).sorted_tables}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _kind(column: Column[Any]) -> str:
    """The same word for a type on both databases."""
    kinds = {
        "bytes": (LargeBinary,),
        "boolean": (Boolean,),
        "number": (Integer, BigInteger),
        "float": (Float,),
    }
    return next((kind for kind, classes in kinds.items() if isinstance(column.type, classes)), "text")


def _sample(table: Table, number: int) -> Row:
    return {column.name: _SAID.get((table.name, column.name), _value(column, number)) for column in table.columns}


def _value(column: Column[Any], number: int) -> Any:
    match _kind(column):
        case "bytes":
            return b64encode(f"{column.name} {number}".encode()).decode()
        case "boolean":
            return bool(number % 2)
        case "number":
            return 1_795_000_000_000 + number
        case "float":
            return number + 0.5
    return f"{column.name} {number}"


def _from_json(table: Table, row: Row) -> Row:
    return {
        key: b64decode(value) if key in table.columns and _kind(table.columns[key]) == "bytes" else value
        for key, value in row.items()
    }


_VIEW = RunView(
    run_id="dev-1", agent="dev", attempt=1, trigger=Trigger(TriggerType.WEBHOOK, "hub", "t1"), state=RunState.FINISHED,
    queued_at="2026-11-21T09:00:00.000Z",
)  # fmt: skip
_SAID = {
    ("triggers", "type"): "webhook",
    ("triggers", "state"): "waiting",
    ("triggers", "payload"): '{"prompt": "go"}',
    ("runs", "state"): "finished",
    ("runs", "exit_code"): 0,
    ("runs", "view"): msgspec.json.encode(_VIEW).decode(),
    ("receipts", "headers"): "{}",
    ("audit", "detail"): "{}",
}
"""What the program reads as more than text."""
