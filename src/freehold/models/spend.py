"""Amounts that budgets count, and the book they are kept in (pure; `ledger` keeps it on disk)."""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_CEILING, Decimal

import msgspec


class Amount(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money in millionths of a US dollar (whole numbers do not drift), tokens of every kind, turns."""

    usd_micro: int = 0
    tokens: int = 0
    turns: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd_micro + other.usd_micro, self.tokens + other.tokens, self.turns + other.turns)

    @property
    def usd(self) -> float:
        return self.usd_micro / 1_000_000


def micro_usd(usd: Decimal) -> int:
    """Millionths of a dollar, rounded up: a budget is never undercut by rounding."""
    return int((usd * 1_000_000).to_integral_value(ROUND_CEILING))


class Day(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was spent on one day (UTC): by the whole project, and by each agent."""

    project: Amount = Amount()
    agents: dict[str, Amount] = {}


class Hold(msgspec.Struct, frozen=True):
    """An amount set aside for a request that is under way."""

    run_id: str
    agent: str
    day: str
    amount: Amount


class Book(msgspec.Struct, frozen=True):
    """Everything spent and set aside in one project: the content of `spend.json`.

    `days` by date (`2026-11-21`), `runs` by run id until they are closed, `holds` by an id of their own.
    """

    version: int = 1
    days: dict[str, Day] = {}
    runs: dict[str, Amount] = {}
    holds: dict[str, Hold] = {}

    def of_run(self, run_id: str) -> Amount:
        """Spent and set aside by a run."""
        return sum((hold.amount for hold in self._holds(run_id=run_id)), self.runs.get(run_id, Amount()))

    def of_day(self, day: str) -> Amount:
        """Spent and set aside by the whole project on a day."""
        return sum((hold.amount for hold in self._holds(day=day)), self.days.get(day, Day()).project)

    def of_month(self, month: str) -> Amount:
        """Spent and set aside by the whole project in a month (`2026-11`)."""
        return sum((self.of_day(day) for day in self._days(month)), Amount())

    def of_agent_in_month(self, month: str, agent: str) -> Amount:
        return sum((self.of_agent(day, agent) for day in self._days(month)), Amount())

    def _days(self, month: str) -> set[str]:
        known = (*self.days, *(hold.day for hold in self.holds.values()))
        return {day for day in known if day.startswith(f"{month}-")}

    def of_agent(self, day: str, agent: str) -> Amount:
        spent = self.days.get(day, Day()).agents.get(agent, Amount())
        return sum((hold.amount for hold in self._holds(day=day, agent=agent)), spent)

    def _holds(self, **wanted: str) -> list[Hold]:
        return [
            hold for hold in self.holds.values() if all(getattr(hold, key) == value for key, value in wanted.items())
        ]  # fmt: skip

    def with_hold(self, hold_id: str, hold: Hold) -> Book:
        return msgspec.structs.replace(self, holds={**self.holds, hold_id: hold})

    def settled(self, hold_id: str, actual: Amount) -> Book:
        """The hold is gone and `actual` is spent, on the day the request began. A hold that is not known: no change,
        so that settling twice charges once."""
        hold = self.holds.get(hold_id)
        if hold is None:
            return self
        day = self.days.get(hold.day, Day())
        charged = Day(
            project=day.project + actual,
            agents={**day.agents, hold.agent: day.agents.get(hold.agent, Amount()) + actual},
        )
        return msgspec.structs.replace(
            self,
            days={**self.days, hold.day: charged},
            runs={**self.runs, hold.run_id: self.runs.get(hold.run_id, Amount()) + actual},
            holds={key: value for key, value in self.holds.items() if key != hold_id},
        )

    def recovered(self, run_id: str) -> Book:
        """What a dead keeper left set aside for a run is spent in full: nobody knows how far those requests came."""
        book = self
        for hold_id, hold in self.holds.items():
            if hold.run_id == run_id:
                book = book.settled(hold_id, hold.amount)
        return book

    def closed(self, run_id: str) -> Book:
        """The run is over: what it left set aside is spent, and its own account is gone (its days keep it)."""
        book = self.recovered(run_id)
        return msgspec.structs.replace(book, runs={key: value for key, value in book.runs.items() if key != run_id})

    def without_dead(self, alive: Collection[str]) -> Book:
        """Every run but those `alive` is closed."""
        book = self
        for run_id in {*self.runs, *(hold.run_id for hold in self.holds.values())} - set(alive):
            book = book.closed(run_id)
        return book

    def pruned(self, oldest_day: str) -> Book:
        """Without the days before `oldest_day` (dates sort as text)."""
        return msgspec.structs.replace(self, days={day: spent for day, spent in self.days.items() if day >= oldest_day})
