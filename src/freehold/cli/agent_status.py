"""How agents of a running project stand, in few words: for `status` and the live view (pure)."""

from __future__ import annotations

from datetime import datetime

from freehold.base.plain_text import clipped
from freehold.cli.when import short_time
from freehold.wire.runs import RunState, RunView
from freehold.wire.service import AgentView, ProjectStatus

LONGEST_TEXT = 60


def places(agent: AgentView) -> str:
    """`1/2`: runs under way, and how many there may be; a star where a person changed that."""
    changed = "*" if agent.scale != agent.scale_configured else ""
    return f"{agent.running}/{agent.scale}{changed}"


def starters(agent: AgentView) -> str:
    return clipped(", ".join(agent.triggers), LONGEST_TEXT) or "by hand"


def last_run(agent: AgentView, now: datetime) -> str:
    """`completed 09:00:12`."""
    run = agent.last_run
    if run is None:
        return ""
    return f"{result(run)} {short_time(run.finished_at or run.started_at or run.queued_at, now)}"


def result(run: RunView) -> str:
    return str(run.result) if run.state is RunState.FINISHED and run.result else str(run.state)


def next_run(agent: AgentView, now: datetime) -> str:
    return short_time(agent.next_run_at, now) if agent.next_run_at else ""


def remark(agent: AgentView) -> str:
    """What is to be known of it first: what is wrong, else what it says of itself."""
    return clipped(matter(agent.error) if agent.error else agent.status_text, LONGEST_TEXT)


def matter(error: str) -> str:
    """On one line what an error is about: of a list of errors the first one, not how many there are."""
    first, *rest = error.strip().splitlines() or [""]
    return rest[0].strip() if rest else first


def money(status: ProjectStatus) -> str:
    """`$1.20 of $5.00 today, $20.10 this month`."""
    return f"{_of(status.day_usd, status.usd_per_day)} today, {_of(status.month_usd, status.usd_per_month)} this month"


def _of(spent: float, limit: float | None) -> str:
    return f"${spent:.2f}" if limit is None else f"${spent:.2f} of ${limit:.2f}"
