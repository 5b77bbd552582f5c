"""What runs used, in sums by UTC day: a page about a million runs reads none of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, Table, func, select, union_all

from freehold.store.rows import add_up
from freehold.store.tables import usage_days, usage_models, usage_months
from freehold.wire.runs import Result, RunView, Usage
from freehold.wire.service import UsageSum

_BY_AGENT = [column.name for column in usage_months.c if column.name != "month"]
EVERYBODY = ""
"""In the place of an agent: all of them together."""


class UsageDay(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's runs used on one UTC day; `day` is its ISO date. Runs count on the day on which they ended;
    `unpriced` are those whose cost is not known."""

    day: str
    agent: str
    runs: int
    failed: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    requests: int
    cost_usd: float
    duration_s: float
    unpriced: int


def add(connection: Connection, view: RunView) -> None:
    """Count a run that has ended; whoever calls sees to it that it is counted once."""
    ended = view.finished_at or view.queued_at
    began = datetime.fromisoformat(view.started_at or ended)
    day = ended[:10]
    more = {
        **_amounts(view.usage, view.cost_usd),
        "failed": int(view.result not in (Result.COMPLETED, Result.RERUN)),
        "duration_s": max((datetime.fromisoformat(ended) - began).total_seconds(), 0.0),
    }
    add_up(connection, usage_months, {"month": day[:7], "agent": view.agent}, more)
    for agent in (view.agent, EVERYBODY):
        add_up(connection, usage_days, {"day": day, "agent": agent}, more)
        for model, used in view.models.items():
            key = {"agent": agent, "day": day, "model": model}
            add_up(connection, usage_models, key, _amounts(used.usage, used.cost_usd))


def days(connection: Connection, since_day: str, agent: str = "") -> list[UsageDay]:
    """By day and agent, from the day `since_day` (ISO) on, the oldest first."""
    wanted = select(usage_days).where(usage_days.c.day >= since_day).order_by(usage_days.c.day, usage_days.c.agent)
    wanted = wanted.where(usage_days.c.agent == agent if agent else usage_days.c.agent != EVERYBODY)
    return [UsageDay(**row) for row in connection.execute(wanted).mappings()]


def by_day(connection: Connection, since_day: str, agent: str = EVERYBODY) -> list[UsageSum]:
    """The oldest first."""
    wanted = _sums(usage_days.c.day, since_day).where(usage_days.c.agent == agent)
    return sorted(_read(connection, wanted), key=lambda one: one.name)


def by_agent(connection: Connection, since_day: str, agent: str = EVERYBODY) -> list[UsageSum]:
    """What cost most first; of one agent alone when it is given."""
    whole = first_whole_month(since_day)
    days = select(*(usage_days.c[name] for name in _BY_AGENT)).where(
        usage_days.c.day >= since_day, usage_days.c.day < f"{whole}-01", usage_days.c.agent != EVERYBODY
    )
    months = select(*(usage_months.c[name] for name in _BY_AGENT)).where(usage_months.c.month >= whole)
    both = union_all(months, days).subquery()
    sums = (func.sum(both.c[name]).label(name) for name in _BY_AGENT if name != "agent")
    wanted = select(both.c.agent.label("name"), *sums).group_by(both.c.agent)
    if agent:
        wanted = wanted.where(both.c.agent == agent)
    return _dearest_first(_read(connection, wanted))


def first_whole_month(since_day: str) -> str:
    """The first month (`2026-11`) of which every day is `since_day` or later."""
    since = date.fromisoformat(since_day)
    if since.day > 1:
        since = (since.replace(day=1) + timedelta(days=31)).replace(day=1)
    return since.isoformat()[:7]


def by_model(connection: Connection, since_day: str, agent: str = EVERYBODY) -> list[UsageSum]:
    """What cost most first; the name is empty for what names no model."""
    wanted = _sums(usage_models.c.model, since_day).where(usage_models.c.agent == agent)
    return _dearest_first(_read(connection, wanted))


def _sums(group: Column[str], since_day: str) -> Select[*tuple[Any, ...]]:
    table = group.table
    assert isinstance(table, Table)
    keys = table.primary_key.columns.keys()
    sums = [func.sum(column).label(column.name) for column in table.c if column.name not in keys]
    return select(group.label("name"), *sums).where(table.c.day >= since_day).group_by(group)


def _read(connection: Connection, wanted: Select[*tuple[Any, ...]]) -> list[UsageSum]:
    rows = connection.execute(wanted).mappings()
    # PostgreSQL adds up integers to decimals.
    return [UsageSum(**{name: _plain(name, value) for name, value in row.items()}) for row in rows]


def _plain(name: str, value: Any) -> Any:
    return value if name == "name" else float(value) if name in ("cost_usd", "duration_s") else int(value)


def _dearest_first(sums: list[UsageSum]) -> list[UsageSum]:
    return sorted(sums, key=lambda one: (-one.cost_usd, -one.runs, one.name))


def _amounts(usage: Usage, cost_usd: float | None) -> dict[str, float]:
    return {
        "runs": 1,
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "requests": usage.requests,
        "cost_usd": cost_usd or 0.0,
        "unpriced": int(cost_usd is None),
    }
