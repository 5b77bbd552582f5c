"""Pages of runs: what they hold for every choice, and that a page costs the same however many runs there are."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event

from freehold.store import run_index
from freehold.store.database import Database
from freehold.wire.runs import Result, RunState, RunView, Trigger, TriggerType

AGENTS, KINDS = ("dev", "b"), (TriggerType.WEBHOOK, TriggerType.MANUAL)
OUTCOMES = (Result.COMPLETED, Result.ERROR, Result.TIMEOUT, None)
SAME = "2026-11-21T08:00:00.000Z"


def run(number: int, agent: str, kind: TriggerType, result: Result | None, at: str = "") -> RunView:
    return RunView(
        run_id=f"{agent}-{number:03d}",
        agent=agent,
        attempt=1,
        trigger=Trigger(kind),
        state=RunState.FINISHED if result else RunState.RUNNING,
        queued_at=at or f"2026-11-21T08:{number:02d}:00.000Z",
        result=result,
    )


EVERY = [
    run(number, agent, kind, result)
    for number, (agent, kind, result) in enumerate(product(AGENTS, KINDS, OUTCOMES))
]  # fmt: skip


@pytest.fixture
async def filled(database: Database) -> Database:
    await database.write(lambda connection: [run_index.record(connection, view) for view in EVERY])
    return database


@pytest.mark.parametrize("agent", ["", "dev", "nobody"])
@pytest.mark.parametrize("results", [(), ("error",), ("error", "completed"), ("lost",)])
@pytest.mark.parametrize("kinds", [(), ("webhook",), ("webhook", "manual"), ("chat",)])
async def test_every_choice(
    filled: Database, agent: str, results: tuple[str, ...], kinds: tuple[str, ...]
) -> None:  # fmt: skip
    wanted = [
        view.run_id
        for view in reversed(EVERY)
        if agent in ("", view.agent)
        and (not results or view.result in results)
        and (not kinds or view.trigger.type in kinds)
    ]
    choice: dict[str, Any] = {"agent": agent, "results": results, "trigger_types": kinds}
    found = await filled.read(partial(run_index.page, **choice))
    assert [view.run_id for view in found] == wanted
    first = await filled.read(partial(run_index.page, **choice, limit=3))
    assert [view.run_id for view in first] == wanted[:3]


async def test_runs_of_the_same_moment_are_on_one_page_each(database: Database) -> None:
    """Ten thousand webhooks may come in one second: none is left out between two pages."""
    views = [run(number, "dev", TriggerType.WEBHOOK, Result.ERROR, SAME) for number in range(7)]
    await database.write(lambda connection: [run_index.record(connection, view) for view in views])
    for choice in ({}, {"agent": "dev"}, {"results": ["error", "lost"]}):
        seen: list[str] = []
        before: dict[str, Any] = {}
        for _ in range(4):
            found = await database.read(partial(run_index.page, **choice, **before, limit=2))
            seen += [view.run_id for view in found]
            before = {"before": datetime.fromisoformat(found[-1].queued_at), "before_run": found[-1].run_id}
        assert seen == [f"dev-{number:03d}" for number in reversed(range(7))]
    alone = partial(run_index.page, before=datetime.fromisoformat(SAME))
    assert await database.read(alone) == []


@pytest.mark.parametrize(
    ("choice", "index"),
    [
        ({}, "queued_at"),
        ({"agent": "dev"}, "agent_queued_at"),
        ({"results": ["error", "timeout"]}, "result_queued_at"),
        ({"trigger_types": ["call"]}, "trigger_type_result_queued_at"),
        ({"trigger_types": ["call"], "results": ["budget"]}, "trigger_type_result_queued_at"),
        ({"agent": "dev", "results": ["error"]}, "agent_trigger_type_result_queued_at"),
        ({"agent": "dev", "trigger_types": ["call"]}, "agent_trigger_type_result_queued_at"),
    ],
)
async def test_no_run_is_read_that_is_not_shown(filled: Database, choice: dict[str, Any], index: str) -> None:
    """Each question is one stretch of an index, in its order: nothing is sorted, and nothing left out."""
    if not filled.is_sqlite:
        return  # PostgreSQL reads so small a table as a whole

    def work(connection: Connection) -> list[str]:
        asked: list[tuple[str, Any]] = []

        def note(_c: Any, _k: Any, sql: str, values: Any, _x: Any, _m: Any) -> None:
            asked.append((sql, values))

        event.listen(connection, "before_cursor_execute", note)
        run_index.page(connection, **choice)
        event.remove(connection, "before_cursor_execute", note)
        plans = (connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all() for sql, values in asked[:-1])
        return [" ".join(str(row[-1]) for row in rows) for rows in plans]

    for plan in await filled.write(work):
        assert re.search(rf"INDEX ix_runs_{index}\b", plan), plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan, plan
