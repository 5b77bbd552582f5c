"""A run's budget at work: concurrent requests, waiting, telling once, cancellation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.models.budget import Budgets
from freehold.models.guard import BudgetGuard
from freehold.models.ledger import Ledger
from freehold.models.spend import Amount
from freehold.project.budget import Budget

RUN = "dev-01k0000000000000000000000x"


def guard_at(folder: Path, budget: Budget, spent: list[str], run_id: str = RUN) -> BudgetGuard:
    clock = FakeClock()
    return BudgetGuard(run_id, Budgets(agent=budget), Ledger(folder / "spend.json", clock), clock, spent.append)


async def test_requests_under_way_together_do_not_overspend(tmp_path: Path) -> None:
    spent: list[str] = []
    guard = guard_at(tmp_path, Budget(usd_per_run=1.0), spent)
    most_at_once = 0
    under_way = 0

    async def request() -> None:
        nonlocal most_at_once, under_way
        reservation = await guard.reserve(Amount(300_000), 0, 0)
        under_way += 1
        most_at_once = max(most_at_once, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        await guard.settle(reservation, Amount(10_000))

    await asyncio.gather(*(request() for _ in range(12)))
    assert most_at_once <= 3
    assert guard.recover() == Amount(120_000)
    assert spent == []


async def test_a_spent_budget_is_told_once(tmp_path: Path) -> None:
    spent: list[str] = []
    guard = guard_at(tmp_path, Budget(turns_per_run=1), spent)
    await guard.settle(await guard.reserve(Amount(turns=1), 0, 0), Amount(turns=1))
    for _ in range(3):
        with pytest.raises(FreeholdError, match="turns_per_run = 1") as failure:
            await guard.reserve(Amount(turns=1), 0, 0)
        assert failure.value.code is Code.BUDGET
    assert len(spent) == 1


async def test_a_day_is_shared_by_runs_and_a_run_is_not(tmp_path: Path) -> None:
    spent: list[str] = []
    first = guard_at(tmp_path, Budget(usd_per_day=1.0, usd_per_run=1.0), spent, "dev-" + "a" * 26)
    second = guard_at(tmp_path, Budget(usd_per_day=1.0, usd_per_run=1.0), spent, "dev-" + "b" * 26)
    await first.settle(await first.reserve(Amount(900_000), 0, 0), Amount(900_000))
    with pytest.raises(FreeholdError, match="usd_per_day"):
        await second.reserve(Amount(200_000), 0, 0)
    await second.release(await second.reserve(Amount(100_000), 0, 0))
    assert second.recover() == Amount()


async def test_what_is_cancelled_while_it_waits_for_the_disk_is_not_left_set_aside(tmp_path: Path) -> None:
    guard = guard_at(tmp_path, Budget(usd_per_run=1.0), [])
    request = asyncio.ensure_future(guard.reserve(Amount(900_000), 0, 0))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert Ledger(tmp_path / "spend.json", FakeClock()).read().holds == {}


async def test_a_charge_is_made_although_its_request_is_cancelled(tmp_path: Path) -> None:
    guard = guard_at(tmp_path, Budget(usd_per_run=1.0), [])
    reservation = await guard.reserve(Amount(900_000), 0, 0)
    settling = asyncio.ensure_future(guard.settle(reservation, Amount(5)))
    for _ in range(3):  # the harness leaves, the run ends, the keeper stops
        await asyncio.sleep(0)
        settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert guard.recover() == Amount(5)


async def test_who_waits_too_long_for_others_is_refused_and_the_budget_is_not_spent(tmp_path: Path) -> None:
    spent: list[str] = []
    guard = guard_at(tmp_path, Budget(usd_per_run=1.0), spent)
    await guard.reserve(Amount(900_000), 0, 0)
    with pytest.raises(FreeholdError, match="requests under way hold the rest of the budget") as failure:
        await guard.reserve(Amount(900_000), 0, 0)
    assert (failure.value.code, spent) == (Code.RATE_LIMITED, [])


async def test_a_closed_run_keeps_nothing_but_its_day(tmp_path: Path) -> None:
    guard = guard_at(tmp_path, Budget(usd_per_run=1.0), [])
    await guard.reserve(Amount(300_000), 0, 0)
    guard.close()
    book = Ledger(tmp_path / "spend.json", FakeClock()).read()
    assert (book.runs, book.holds, book.of_day("2026-01-01")) == ({}, {}, Amount(300_000))
