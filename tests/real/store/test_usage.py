"""Sums of what runs used: by day, by agent and by model, and never twice."""

from __future__ import annotations

import pytest

from freehold.store import run_index, usage
from freehold.store.database import Database
from freehold.wire.runs import ModelUse, Result, RunState, RunView, Trigger, Usage

SMALL, LARGE = Usage(100, 10, 1000, 5, 2, 1), Usage(400, 40, 0, 0, 3, 2)


def ended(run_id: str, agent: str = "dev", *, day: str = "2026-11-20", result: Result = Result.COMPLETED) -> RunView:
    """It asked two models."""
    return RunView(
        run_id=run_id,
        agent=agent,
        attempt=1,
        trigger=Trigger(),
        state=RunState.FINISHED,
        queued_at=f"{day}T08:00:00.000Z",
        started_at=f"{day}T08:00:00.000Z",
        finished_at=f"{day}T08:01:30.000Z",
        result=result,
        usage=SMALL + LARGE,
        cost_usd=0.5,
        models={"small": ModelUse(SMALL, 0.1), "large": ModelUse(LARGE, 0.4)},
    )


async def counted(database: Database, *views: RunView) -> None:
    await database.write(lambda connection: [run_index.record(connection, view) for view in views])


async def test_runs_add_up_by_day_agent_and_model(database: Database) -> None:
    failed = ended("dev-2", result=Result.ERROR)
    other = ended("b-1", "b", day="2026-11-21")
    await counted(database, ended("dev-1"), failed, other, failed)  # the last is told again
    days = await database.read(lambda c: usage.by_day(c, "2026-11-20"))
    assert [(day.name, day.runs, day.failed, day.cost_usd) for day in days] == [
        ("2026-11-20", 2, 1, 1.0),
        ("2026-11-21", 1, 0, 0.5),
    ]
    assert (days[0].input, days[0].output, days[0].cache_read, days[0].cache_write) == (1000, 100, 2000, 10)
    assert (days[0].tokens, days[0].requests, days[0].duration_s) == (3110, 10, 180.0)
    agents = await database.read(lambda c: usage.by_agent(c, "2026-11-20"))
    assert [(agent.name, agent.runs) for agent in agents] == [("dev", 2), ("b", 1)]
    models = await database.read(lambda c: usage.by_model(c, "2026-11-20"))
    assert [(model.name, model.runs, model.input, round(model.cost_usd, 6)) for model in models] == [
        ("large", 3, 1200, 1.2),
        ("small", 3, 300, 0.3),
    ]
    assert all(isinstance(one.input, int) and isinstance(one.cost_usd, float) for one in (*days, *agents, *models))


async def test_a_report_begins_at_a_day_and_may_be_of_one_agent(database: Database) -> None:
    await counted(database, ended("dev-1"), ended("b-1", "b", day="2026-11-21"))
    assert [one.name for one in await database.read(lambda c: usage.by_agent(c, "2026-11-21"))] == ["b"]
    assert [one.name for one in await database.read(lambda c: usage.by_day(c, "2026-11-20", "dev"))] == ["2026-11-20"]
    [large, _small] = await database.read(lambda c: usage.by_model(c, "2026-11-20", "dev"))
    assert (large.name, large.runs) == ("large", 1)
    assert await database.read(lambda c: usage.by_model(c, "2026-11-22")) == []


@pytest.mark.parametrize(
    ("since", "runs"),
    [("2026-11-01", 2), ("2026-11-02", 2), ("2026-11-03", 1), ("2026-10-31", 3), ("2026-09-30", 5), ("2026-09-01", 6),
     ("2026-12-31", 0)],
)  # fmt: skip
async def test_whole_months_and_the_days_before_them_are_each_counted_once(
    database: Database, since: str, runs: int
) -> None:
    days = ("2026-09-01", "2026-09-30", "2026-10-01", "2026-10-31", "2026-11-02", "2026-11-20")
    await counted(database, *(ended(f"dev-{number}", day=day) for number, day in enumerate(days)))
    for agent in ("", "dev"):
        found = await database.read(lambda c, a=agent: usage.by_agent(c, since, a))  # type: ignore[misc]
        assert sum(one.runs for one in found) == runs
    assert sum(day.runs for day in await database.read(lambda c: usage.by_day(c, since))) == runs


@pytest.mark.parametrize(
    ("day", "month"), [("2026-11-01", "2026-11"), ("2026-11-02", "2026-12"), ("2026-12-31", "2027-01")]
)  # fmt: skip
def test_the_first_whole_month(day: str, month: str) -> None:
    assert usage.first_whole_month(day) == month


async def test_a_cost_that_is_not_known_is_said_to_be_so(database: Database) -> None:
    unknown = RunView(
        run_id="dev-1", agent="dev", attempt=1, trigger=Trigger(), state=RunState.FINISHED,
        queued_at="2026-11-20T08:00:00.000Z", result=Result.COMPLETED, usage=SMALL, cost_usd=None,
        models={"mine": ModelUse(SMALL, None)},
    )  # fmt: skip
    await counted(database, unknown, ended("dev-2"))
    [agent] = await database.read(lambda c: usage.by_agent(c, "2026-11-20"))
    assert (agent.runs, agent.unpriced, agent.cost_usd) == (2, 1, 0.5)
    models = await database.read(lambda c: usage.by_model(c, "2026-11-20"))
    assert [(model.name, model.unpriced) for model in models] == [("large", 0), ("small", 0), ("mine", 1)]
    [day] = await database.read(lambda c: usage.days(c, "2026-11-20"))
    assert (day.day, day.agent, day.unpriced) == ("2026-11-20", "dev", 1)
