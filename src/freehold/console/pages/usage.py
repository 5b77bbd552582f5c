"""What was used and what it cost: by day, by agent, by model; and what is left of the budgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import UsageReport

_PERIODS = {"month": "This month", "30": "30 days", "90": "90 days"}
_FIRST = "30"
_MOST_AGENTS = "100"


@dataclass(frozen=True)
class Allowance:
    """A budget, and what is spent of it. `share` is of 1, at most 1; without a limit it says nothing."""

    title: str
    spent_usd: float
    limit_usd: float | None

    @property
    def left_usd(self) -> float:
        return max((self.limit_usd or 0.0) - self.spent_usd, 0.0)

    @property
    def share(self) -> float:
        return min(self.spent_usd / self.limit_usd, 1.0) if self.limit_usd else 1.0


async def page(visit: Visit) -> Response:
    chosen = visit.query("period", "agent")
    period = chosen.get("period", _FIRST)
    period = period if period in _PERIODS else _FIRST
    agent = chosen.get("agent", "")
    asked = {"days": str(days_of(period, visit.api.now())), "limit": _MOST_AGENTS, "agent": agent}
    report: UsageReport = await visit.get("/usage/report", asked)
    periods = [(title, address(name, agent), name == period) for name, title in _PERIODS.items()]
    return visit.page(
        "usage.html",
        report=report,
        agent=agent,
        periods=periods,
        of_everybody=address(period, ""),
        allowances=allowances(report),
        dearest_usd=max((one.cost_usd for one in (*report.agents, *report.models)), default=0.0),
        unpriced=report.total.unpriced,
    )


def days_of(period: str, now: datetime) -> int:
    """How many days there are in the period until today (UTC), today included."""
    return now.day if period == "month" else int(period)


def address(period: str, agent: str) -> str:
    """The page of that period, and of that agent where one is named."""
    return "/usage?" + urlencode({"period": period, **({"agent": agent} if agent else {})})


def allowances(report: UsageReport) -> list[Allowance]:
    return [
        Allowance("Today", report.day_usd, report.usd_per_day),
        Allowance("This month", report.month_usd, report.usd_per_month),
    ]
