"""What was used and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection

from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store import usage
from freehold.store.api_keys import Scope
from freehold.store.usage import UsageDay
from freehold.wire.service import UsageReport, UsageSum

MOST_DAYS = 3660
MOST_AGENTS = 100
_SUMMED = [name for name in UsageSum.__struct_fields__ if name != "name"]


async def by_day_and_agent(asked: Asked) -> list[UsageDay]:
    """Today (UTC) is the last of the days."""
    since, agent = _since(asked), asked.text("agent")
    return await asked.service.database.read(lambda connection: usage.days(connection, since.isoformat(), agent))


async def report(asked: Asked) -> UsageReport:
    since, agent, limit = _since(asked), asked.text("agent"), asked.number("limit", MOST_AGENTS)

    def work(connection: Connection) -> tuple[list[UsageSum], list[UsageSum], list[UsageSum]]:
        first = since.isoformat()
        return (
            usage.by_day(connection, first, agent),
            usage.by_agent(connection, first, agent),
            usage.by_model(connection, first, agent),
        )

    days, agents, models = await asked.service.database.read(work)
    scheduler = asked.service.scheduler
    spent, budget = scheduler.dispatcher.spent, scheduler.agents.project.config.budget
    return UsageReport(
        since=since.isoformat(),
        until=_today(asked).isoformat(),
        total=_total(days),
        days=days,
        agents=agents[:limit],
        agent_count=len(agents),
        models=models,
        day_usd=spent.day_usd,
        month_usd=spent.month_usd,
        usd_per_day=budget.usd_per_day,
        usd_per_month=budget.usd_per_month,
    )


def _total(sums: Iterable[UsageSum]) -> UsageSum:
    listed = list(sums)
    return UsageSum(name="", **{name: sum(getattr(one, name) for one in listed) for name in _SUMMED})


def _today(asked: Asked) -> date:
    return asked.service.clock.now().date()


def _since(asked: Asked) -> date:
    return _today(asked) - timedelta(days=asked.number("days", 30, MOST_DAYS) - 1)


ENDPOINTS = (
    Endpoint("GET", "/usage", Scope.READ, "What was used, by day and agent", by_day_and_agent, answer=list[UsageDay],
             query=("days", "agent")),
    Endpoint("GET", "/usage/report", Scope.READ, "What was used and spent: by day, by agent, by model, and of budgets",
             report, answer=UsageReport, query=("days", "agent", "limit")),
)  # fmt: skip
