"""Budgets at the gateway: refused in the harness's words, told once, and never overspent together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from freehold.base.clock import SystemClock
from freehold.models.answers.speech import Speech
from freehold.models.bill import open_bill
from freehold.models.budget import Budgets
from freehold.models.call import parse_call
from freehold.models.fake_upstream import Behaviour
from freehold.models.guard import BudgetGuard
from freehold.models.ledger import Ledger
from freehold.models.policy import provider_model
from freehold.models.routes import Operation, Route
from freehold.models.tokens import Tokens
from freehold.project.budget import Budget
from freehold.project.price import TokenPrice
from freehold.project.providers import PROVIDERS
from freehold.project.wire_formats import WireFormat
from tests.support.models import RUN_ID, ask, gateway_bench, until

FORMATS = list(WireFormat)
ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
PRICE = TokenPrice(Decimal(10), Decimal(100))
"""100 read and 20 written tokens, as the fake counts, are 0.003 USD."""


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_spent_budget_is_told_in_the_harnesss_words_and_once(
    tmp_path: Path, wire_format: WireFormat, stream: bool
) -> None:
    budgets = Budgets(agent=Budget(turns_per_run=2))
    async with gateway_bench(tmp_path, wire_format=wire_format, budgets=budgets) as bench:
        for number in range(2):
            assert (await ask(bench, wire_format, stream=stream, tools=True)).status == 200
            await until(lambda: len(bench.facts) == number + 1)  # noqa: B023
        assert bench.spent == []
        assert (await ask(bench, wire_format, tools=False)).status == 200  # a title is no turn
        for _ in range(2):
            got = await ask(bench, wire_format, stream=stream, tools=True)
            assert (got.status, got.headers["x-should-retry"]) == (400, "false")
            message = str(got.json["error"]["message"])
            assert "the budget is spent: agents/dev/config.toml: budget.turns_per_run = 2" in message
            assert "raise budget.turns_per_run" in message
        assert len(bench.spent) == 1
        assert len(bench.upstream.seen) == 3
        assert [fact.status for fact in bench.facts] == [200, 200, 200, 400, 400]


async def test_money_is_charged_as_the_price_says(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, price=PRICE, budgets=Budgets(project=Budget(usd_per_day=1.0))) as bench:
        await ask(bench, ANTHROPIC)
        assert bench.facts[0].cost_usd == pytest.approx(0.003)
        day = bench.ledger.read().of_day(bench.ledger.today())
        assert (day.usd_micro, day.tokens) == (3000, 120)


async def test_requests_together_stay_below_the_budget(tmp_path: Path) -> None:
    """Each could cost 0.1 USD and costs 0.003: they take turns, and all of them are answered."""
    budgets = Budgets(agent=Budget(usd_per_run=0.25))
    async with gateway_bench(tmp_path, price=PRICE, budgets=budgets, behaviours=[Behaviour(interval_s=0.01)]) as bench:
        most = 0

        async def one() -> int:
            nonlocal most
            got = await ask(bench, ANTHROPIC, stream=True)
            most = max(most, bench.ledger.read().of_run(bench.guard.run_id).usd_micro)
            return got.status

        assert await asyncio.gather(*(one() for _ in range(12))) == [200] * 12
        assert most <= 250_000
        assert bench.spent == []


@pytest.mark.parametrize(
    ("wire_format", "body", "place"),
    [
        (ANTHROPIC, {"max_tokens": 64_000}, "max_tokens"),
        (CHAT, {}, "max_completion_tokens"),
        (RESPONSES, {}, "max_output_tokens"),
        (GOOGLE, {}, "maxOutputTokens"),
    ],
)
async def test_an_answer_is_bounded_by_what_the_budget_pays_for(
    tmp_path: Path, wire_format: WireFormat, body: dict[str, int], place: str
) -> None:
    budgets = Budgets(agent=Budget(usd_per_run=1.0))
    async with gateway_bench(tmp_path, wire_format=wire_format, price=PRICE, budgets=budgets) as bench:
        assert (await ask(bench, wire_format, body=dict(body))).status == 200
        sent = bench.upstream.seen[0].body
        bound = sent.get("generationConfig", sent)[place]
        assert 9_000 < bound < 10_000  # 1 USD at 100 USD a million, less the request itself


async def test_without_a_budget_requests_are_not_touched(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, wire_format=RESPONSES, price=PRICE) as bench:
        await ask(bench, RESPONSES)
        assert "max_output_tokens" not in bench.upstream.seen[0].body


async def test_a_budget_too_small_for_any_answer_says_what_it_would_take(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, price=PRICE, budgets=Budgets(agent=Budget(usd_per_run=0.05))) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 400
        assert "does not hold another request" in got.json["error"]["message"]
        assert len(bench.spent) == 1


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_on_hardware_of_ones_own_runs_under_any_budget(tmp_path: Path, wire_format: WireFormat) -> None:
    free, nothing = TokenPrice(Decimal(0), Decimal(0)), Budgets(agent=Budget(usd_per_run=0.0))
    async with gateway_bench(tmp_path, wire_format=wire_format, price=free, budgets=nothing) as bench:
        assert (await ask(bench, wire_format)).status == 200
        await until(lambda: len(bench.facts) == 1)
        assert bench.facts[0].cost_usd == 0
        assert bench.spent == []


async def test_an_unknown_price_is_no_cost_without_a_budget_in_dollars(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, budgets=Budgets(agent=Budget(tokens_per_run=1_000_000))) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 200
        assert bench.facts[0].cost_usd is None


async def test_tokens_are_a_budget_too(tmp_path: Path) -> None:
    speech = Speech("s", "m", ("x",), tokens=Tokens(3000, 500))
    budgets = Budgets(project=Budget(tokens_per_run=6_000))
    async with gateway_bench(tmp_path, budgets=budgets, behaviours=[Behaviour(speech=speech)]) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 200
        assert (await ask(bench, ANTHROPIC)).status == 200
        got = await ask(bench, ANTHROPIC)
        assert "config.toml: budget.tokens_per_run = 6000, and 7000 is used" in got.json["error"]["message"]


@pytest.mark.parametrize(
    ("wire_format", "body"),
    [
        (ANTHROPIC, {"speed": "fast"}), (CHAT, {"service_tier": "priority"}), (GOOGLE, {"serviceTier": "PRIORITY"}),
        (GOOGLE, {"serviceTier": 3}),
    ],
)  # fmt: skip
async def test_what_may_cost_more_than_is_known_is_refused_under_a_budget_in_dollars(
    tmp_path: Path, wire_format: WireFormat, body: dict[str, object]
) -> None:
    for budget, status in ((Budget(usd_per_run=1.0), 400), (Budget(tokens_per_run=1_000_000), 200)):
        budgets = Budgets(agent=budget)
        async with gateway_bench(tmp_path, wire_format=wire_format, price=PRICE, budgets=budgets) as bench:
            got = await ask(bench, wire_format, body=body)
            assert got.status == status
            assert len(bench.upstream.seen) == int(status == 200)


async def test_a_prediction_is_refused_where_an_answer_must_be_bounded(tmp_path: Path) -> None:
    body = {"prediction": {"type": "content", "content": "x" * 1000}}
    for budget, status in ((Budget(tokens_per_run=1_000_000), 403), (Budget(turns_per_run=5), 200)):
        async with gateway_bench(tmp_path, wire_format=CHAT, budgets=Budgets(agent=budget)) as bench:
            assert (await ask(bench, CHAT, body=body)).status == status


async def test_a_tier_that_costs_less_is_reserved_at_the_usual_price(tmp_path: Path) -> None:
    """Nobody promises that it can be had."""
    list_price = provider_model("main", PROVIDERS["openai"], "gpt-5", None)
    bills = []
    for body in (b'{"model": "gpt-5"}', b'{"model": "gpt-5", "service_tier": "flex"}'):
        ledger = Ledger(tmp_path / "spend.json", SystemClock())
        guard = BudgetGuard(RUN_ID, Budgets(agent=Budget(usd_per_run=5.0)), ledger, SystemClock(), pytest.fail)
        call = replace(parse_call(Route(CHAT, Operation.GENERATE), body), most_text=100_000)
        bill = await open_bill(guard, SystemClock(), call, list_price)
        assert bill.reservation is not None
        bills.append(bill.reservation.amount)
        await guard.release(bill.reservation)
    assert bills[0] == bills[1]
