"""Through the agent's models: order, waits, circuits, and what is said when none of them answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.models.answers.speech import Speech
from freehold.models.budget import Budgets
from freehold.models.fake_upstream import OK, Behaviour
from freehold.models.policy import ModelPolicy
from freehold.models.tokens import Tokens
from freehold.project.budget import Budget
from freehold.project.wire_formats import WireFormat
from freehold.wire.runs import Usage
from tests.support.models import Bench, ask, gateway_bench, model_at, until

FORMATS = list(WireFormat)
ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
BUSY = Behaviour(status=429, headers={"retry-after": "3"})
DOWN = Behaviour(status=500)


def told(bench: Bench) -> list[tuple[str, int, str]]:
    return [(fact.model, fact.status, fact.fallback_from) for fact in bench.facts]


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("first", [BUSY, Behaviour(status=503), Behaviour(status=529), DOWN, Behaviour(status=502)])
async def test_the_next_model_answers(tmp_path: Path, wire_format: WireFormat, first: Behaviour) -> None:
    async with gateway_bench(
        tmp_path, wire_format=wire_format, behaviours=[first, OK], names=("main", "second")
    ) as bench:
        got = await ask(bench, wire_format, stream=True, tools=True)
        assert got.status == 200
        await until(lambda: len(bench.facts) == 2)
        assert told(bench) == [("main", first.status, ""), ("second", 200, "main")]
        assert [fact.usage for fact in bench.facts] == [Usage(), Usage(input=100, output=20, requests=1, turns=1)]
        assert bench.clock.waits == []
        assert bench.gateway.rate_limited == ""


async def test_a_busy_model_is_left_alone_for_a_minute(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[BUSY, OK], names=("main", "second")) as bench:
        for _ in range(3):
            await ask(bench, ANTHROPIC)
        assert [model for model, _, _ in told(bench)] == ["main", "second", "second", "second"]


async def test_a_model_that_is_down_is_asked_again_next_time(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[DOWN, OK], names=("main", "second")) as bench:
        for _ in range(2):
            await ask(bench, ANTHROPIC)
        assert [model for model, _, _ in told(bench)] == ["main", "second", "main"]


async def test_an_overload_told_inside_the_stream_is_one_too(tmp_path: Path) -> None:
    overloaded = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    first = Behaviour(body=overloaded, content_type="text/event-stream")
    async with gateway_bench(tmp_path, behaviours=[first, OK], names=("main", "second")) as bench:
        got = await ask(bench, ANTHROPIC, stream=True)
        assert b"Overloaded" not in got.body
        await until(lambda: len(bench.facts) == 2)
        assert told(bench) == [("main", 529, ""), ("second", 200, "main")]


async def test_a_single_model_is_waited_for(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[BUSY, Behaviour(status=529), OK]) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 200
        assert bench.clock.waits == [3.0, 2.0]


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_when_all_stay_busy_the_harness_hears_429_and_the_run_knows(
    tmp_path: Path, wire_format: WireFormat
) -> None:
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[BUSY], names=("main", "second")) as bench:
        got = await ask(bench, wire_format, stream=True, tools=True)
        assert (got.status, got.headers["x-should-retry"]) == (429, "false")
        assert "every model of this agent is rate limited" in got.body.decode()
        assert sum(bench.clock.waits) <= 120
        assert len(bench.clock.waits) > 3
        assert "main (again in 3 s), second" in bench.gateway.rate_limited
        assert bench.facts[-1].status == 429
        assert bench.ledger.read().holds == {}
        bench.upstream.behave(OK)
        assert (await ask(bench, wire_format, tools=True)).status == 200
        assert bench.gateway.rate_limited == ""


async def test_who_asks_for_an_hour_is_not_waited_for(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(status=429, headers={"retry-after": "3600"})]) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 429
        assert bench.clock.waits == []


async def test_the_fault_of_a_request_is_no_reason_to_ask_another(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(status=400), OK], names=("main", "second")) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 400
        assert told(bench) == [("main", 400, "")]


async def test_when_all_are_down_the_last_failure_is_told(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[DOWN], names=("main", "second")) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 502
        assert '"second" answered with status 500' in got.json["error"]["message"]
        assert bench.clock.waits == []


async def test_after_the_first_byte_there_is_no_way_back(tmp_path: Path) -> None:
    speech = Speech("s", "m", ("a", "b"), tokens=Tokens(1, 1))
    broken = Behaviour(speech=speech, cut=True, stop_after=2)
    async with gateway_bench(tmp_path, behaviours=[broken, OK], names=("main", "second")) as bench:
        got = await ask(bench, ANTHROPIC, stream=True)
        assert b"was cut" in got.body
        await until(lambda: len(bench.facts) == 1)
        assert told(bench) == [("main", 200, "")]


async def test_only_models_of_the_same_wire_format_step_in(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[DOWN]) as bench:
        models = (model_at(bench.upstream_url, ANTHROPIC), model_at(bench.upstream_url, CHAT, "other"))
        async with gateway_bench(tmp_path, policy=ModelPolicy(models)) as mixed:
            await ask(mixed, ANTHROPIC)
            assert [model for model, _, _ in told(mixed)] == ["main"]


async def test_a_fallback_without_a_price_is_passed_over_under_a_budget(tmp_path: Path) -> None:
    """Elsewhere its price is not known; at home (Claude Sonnet's own host) it would be."""
    budgets = Budgets(agent=Budget(usd_per_run=10.0))
    async with gateway_bench(tmp_path, behaviours=[OK], budgets=budgets, names=("main", "second")) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 400
        assert 'the price of the model "main"' in got.json["error"]["message"]
        assert "under [models.main] in config.toml" in got.json["error"]["message"]
        assert bench.upstream.seen == []
