"""Looking for what came before costs the same, however much came before: SQLite uses the partial indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event

from freehold.base.ids import new_ulid
from freehold.store import receipts, triggers
from freehold.store.database import Database
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import TriggerType
from tests.real.store.conftest import NOW


def plans(connection: Connection, asked: list[tuple[str, Any]]) -> list[str]:
    found = (connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all() for sql, values in asked)
    return [" ".join(str(row[-1]) for row in rows) for rows in found]


async def test_by_origin_and_by_delivery(database: Database) -> None:
    if not database.is_sqlite:
        return  # PostgreSQL looks at the values

    def work(connection: Connection) -> list[str]:
        asked: list[tuple[str, Any]] = []

        def note(_c: Any, _k: Any, sql: str, values: Any, _x: Any, _m: Any) -> None:
            asked.append((sql, values))

        event.listen(connection, "before_cursor_execute", note)
        trigger = StoredTrigger(
            id=new_ulid(), agent="dev", type=TriggerType.WEBHOOK, source="hub", source_id="d", created_at=NOW,
            not_before=NOW,
        )  # fmt: skip
        triggers.same_as(connection, [trigger])
        triggers.of_origin(connection, ["dev"], TriggerType.WEBHOOK, "hub", "d")
        receipts.accepted(connection, [("hub", "d")])
        event.remove(connection, "before_cursor_execute", note)
        return plans(connection, asked)

    found = await database.write(work)
    assert ["uq_triggers_origin" in found[0], "uq_triggers_origin" in found[1], "uq_receipts_delivery" in found[2]] == [
        True, True, True,
    ], found  # fmt: skip
