"""Agents that call agents: answers, refusals, circles, and callers that die."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.callbook import MOST_OPEN, refusal
from freehold.store import triggers
from freehold.store.triggers import TriggerState
from freehold.wire.run_api import CallRequest
from freehold.wire.runs import Result, RunError, TriggerType
from tests.support.scheduling import SchedulerWorld, manual, until

CASES = [
    ("a first call", "a", "b", (), ""),
    ("itself", "a", "a", (), "cannot call itself"),
    ("back to who called", "b", "a", ("a",), "a → b → a"),
    ("round a longer circle", "c", "a", ("a", "b"), "a → b → c → a"),
    ("as deep as may be", "c", "d", ("a", "b"), ""),
    ("deeper", "d", "e", ("a", "b", "c"), "3 deep"),
]


@pytest.mark.parametrize(
    ("caller", "agent", "chain", "why"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_refused(caller: str, agent: str, chain: tuple[str, ...], why: str) -> None:
    told = refusal(caller, agent, chain, deepest=3)
    assert why in told
    assert bool(told) == bool(why)


@pytest.mark.parametrize(
    ("allowed", "why"),
    [(("b", "c"), ""), (("c",), "it may call c (`calls` in agents/a/config.toml)"), ((), "it may call no agent")],
)
def test_whom_an_agent_may_call(allowed: tuple[str, ...], why: str) -> None:
    told = refusal("a", "b", (), deepest=3, allowed=allowed)
    assert why in told
    assert bool(told) == bool(why)


@pytest.fixture(autouse=True)
def agents(world: SchedulerWorld) -> None:
    for name in ("a", "b", "c"):
        world.agent(name)


async def test_the_caller_gets_what_the_agent_returns(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        started = await scheduler.calls.call(caller.run_id, CallRequest("b", "how many?"))
        [callee] = await world.until_runs(1, "b")
        assert callee.trigger.type is TriggerType.CALL
        assert world.keeper.starts[-1].trigger.context == {"caller": "a", "context": "how many?"}
        assert (await scheduler.calls.called(caller.run_id, started.call_id)).status == "running"
        world.keeper.end(callee.run_id, value="42")
        await world.until_closed(1)
        answer = await scheduler.calls.called(caller.run_id, started.call_id)
        assert (answer.status, answer.return_value) == ("completed", "42")


async def test_an_agent_calls_those_that_it_may_and_an_edit_of_that_counts_at_once(world: SchedulerWorld) -> None:
    world.agent("a", 'calls = ["c"]')
    async with world.reloading() as (scheduler, reload):
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        with pytest.raises(FreeholdError) as refused:
            await scheduler.calls.call(caller.run_id, CallRequest("b"))
        assert refused.value.code is Code.CONFLICT
        assert "b is not called: it may call c (`calls` in agents/a/config.toml)" in refused.value.message
        await scheduler.calls.call(caller.run_id, CallRequest("c"))
        world.agent("a", 'calls = ["b", "c"]')
        await reload.look()
        await scheduler.calls.call(caller.run_id, CallRequest("b"))
        await world.until_runs(1, "b")


async def test_the_caller_is_told_why_there_is_no_answer(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        started = await scheduler.calls.call(caller.run_id, CallRequest("b"))
        [callee] = await world.until_runs(1, "b")
        world.keeper.end(callee.run_id, Result.TIMEOUT, error=RunError("timeout", "it took too long"))
        await world.until_closed(1)
        answer = await scheduler.calls.called(caller.run_id, started.call_id)
        assert (answer.status, answer.error) == ("error", f"{callee.run_id}: it took too long")


async def test_callers_that_have_every_place_of_the_project_are_answered(world: SchedulerWorld) -> None:
    """What was called takes the place of its caller, which waits, and does not queue behind what only waits."""
    world.project_config("scale = 1")
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [first] = await world.until_runs(1, "a")
        for agent in ("b", "c"):
            await scheduler.intake.take(manual(agent))
        await scheduler.calls.call(first.run_id, CallRequest("b"))
        [second] = await world.until_runs(1, "b")
        assert second.trigger.source == first.run_id
        await scheduler.calls.call(second.run_id, CallRequest("c"))
        [third] = await world.until_runs(1, "c")
        assert third.trigger.source == second.run_id
        await scheduler.calls.call(first.run_id, CallRequest("c"))
        world.keeper.end(third.run_id)
        await world.until_closed(1)
        assert (len(world.runs_of("b")), len(world.runs_of("c"))) == (1, 1)  # the first one's place is lent already
        world.keeper.end(second.run_id)
        _, again = await world.until_runs(2, "c")
        assert again.trigger.source == first.run_id


async def test_a_call_that_could_never_be_answered_is_refused(world: SchedulerWorld) -> None:
    """Both agents have one place, and each is held by a run that wants the other's."""
    async with world.running() as scheduler:
        for agent in ("a", "b"):
            await scheduler.intake.take(manual(agent))
        [one], [other] = await world.until_runs(1, "a"), await world.until_runs(1, "b")
        await scheduler.calls.call(one.run_id, CallRequest("b"))
        with pytest.raises(FreeholdError, match="through others") as refused:
            await scheduler.calls.call(other.run_id, CallRequest("a"))
        assert refused.value.code is Code.CONFLICT
        world.keeper.end(other.run_id)  # it does without, and makes way
        _, callee = await world.until_runs(2, "b")
        assert callee.trigger.source == one.run_id


async def test_circles_and_depths_are_seen_through_all_calls(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [first] = await world.until_runs(1, "a")
        await scheduler.calls.call(first.run_id, CallRequest("b"))
        [second] = await world.until_runs(1, "b")
        await scheduler.calls.call(second.run_id, CallRequest("c"))
        [third] = await world.until_runs(1, "c")
        for agent, why in (("a", "a → b → c → a"), ("b", "circle"), ("c", "itself")):
            with pytest.raises(FreeholdError, match=why) as caught:
                await scheduler.calls.call(third.run_id, CallRequest(agent))
            assert caught.value.code is Code.CONFLICT


async def test_what_cannot_be_called_is_told(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        with pytest.raises(FreeholdError) as caught:
            await scheduler.calls.call(caller.run_id, CallRequest("nobody"))
        assert caught.value.code is Code.NOT_FOUND
        assert str(world.folder) not in f"{caught.value.message} {caught.value.hint}"
        await scheduler.enable("b", False, "a person")
        with pytest.raises(FreeholdError, match="disabled"):
            await scheduler.calls.call(caller.run_id, CallRequest("b"))


async def test_a_call_is_nobody_elses_business(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        started = await scheduler.calls.call(caller.run_id, CallRequest("b"))
        with pytest.raises(FreeholdError) as caught:
            await scheduler.calls.called("c-01abcdefghijklmnopqrstuvwx", started.call_id)
        assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("call_id", ["", "\0", "../" * 400_000])
async def test_an_id_that_is_none_is_no_call(world: SchedulerWorld, call_id: str) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        with pytest.raises(FreeholdError) as caught:
            await scheduler.calls.called(caller.run_id, call_id)
        assert caught.value.code is Code.NOT_FOUND
        assert len(caught.value.message) < 200


async def test_a_run_has_only_so_many_calls_that_are_not_answered(world: SchedulerWorld) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        for _ in range(MOST_OPEN):
            await scheduler.calls.call(caller.run_id, CallRequest("b"))
        with pytest.raises(FreeholdError) as caught:
            await scheduler.calls.call(caller.run_id, CallRequest("c"))
        assert caught.value.code is Code.BUSY
        assert await world.database.read(lambda c: triggers.waiting_of(c, "c")) == 0
        [callee] = await world.until_runs(1, "b")
        world.keeper.end(callee.run_id)
        await world.until_closed(1)
        await scheduler.calls.call(caller.run_id, CallRequest("c"))


async def test_a_call_buries_nothing_that_others_asked_for(world: SchedulerWorld) -> None:
    world.agent("b", "maxWorkQueueSize = 1")
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("b"))
        await world.until_runs(1, "b")
        waiting = (await scheduler.intake.take(manual("b"))).trigger
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        with pytest.raises(FreeholdError) as caught:
            await scheduler.calls.call(caller.run_id, CallRequest("b"))
        assert caught.value.code is Code.BUSY
        assert (await world.trigger(waiting.id)).state is TriggerState.WAITING


@pytest.mark.parametrize(("result", "state"), [(Result.KILLED, TriggerState.DEAD), (Result.COMPLETED, None)])
async def test_when_the_caller_dies_what_has_not_begun_does_not_begin(
    world: SchedulerWorld, result: Result, state: TriggerState | None
) -> None:
    async with world.running() as scheduler:
        await scheduler.intake.take(manual("b"))
        [busy] = await world.until_runs(1, "b")
        await scheduler.intake.take(manual("a"))
        [caller] = await world.until_runs(1, "a")
        started = await scheduler.calls.call(caller.run_id, CallRequest("b"))
        world.keeper.end(caller.run_id, result)
        await world.until_closed(1)
        called = await world.trigger(started.call_id)
        if state:
            assert called.state is state
            assert caller.run_id in called.reason
            assert (await scheduler.calls.called(caller.run_id, started.call_id)).status == "error"
        world.keeper.end(busy.run_id)
        if not state:
            await until(lambda: len(world.runs_of("b")) == 2)
