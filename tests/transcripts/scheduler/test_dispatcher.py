"""From a trigger to its one final attempt, with a keeper that goes away and a scheduler that is restarted."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.fake_keeper import FakeKeeper
from freehold.store.triggers import TriggerState
from freehold.wire.keeper import Spent
from freehold.wire.runs import Result, RunError, RunState, RunView, StartRun
from tests.support.scheduling import SchedulerWorld, manual, until


async def test_a_trigger_becomes_a_run_and_is_done(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        taken = await scheduler.intake.take(manual(prompt="Look.", context={"a": 1}))
        [view] = await world.until_runs(1)
        [start] = world.keeper.starts
        assert (start.trigger.prompt, start.trigger.context, start.trigger.id) == ("Look.", {"a": 1}, taken.trigger.id)
        assert (await world.trigger(taken.trigger.id)).state is TriggerState.RUNNING
        world.keeper.end(view.run_id)
        await world.until_closed(1)
        done = await world.trigger(taken.trigger.id)
        assert (done.state, done.result, done.run_id, done.attempts) == ("done", "completed", view.run_id, 1)


async def test_as_many_run_as_the_agent_has_places(world: SchedulerWorld) -> None:
    world.agent(config="scale = 2")
    async with world.running() as scheduler:
        for _ in range(5):
            await scheduler.intake.take(manual())
        first = await world.until_runs(2)
        assert len(scheduler.dispatcher.queues) == 3
        world.keeper.end(first[0].run_id)
        await world.until_runs(3)


async def test_what_is_just_being_begun_is_under_way(world: SchedulerWorld) -> None:
    """It does not wait any more, and nobody who looks may take it for done."""

    class SlowKeeper(FakeKeeper):
        answers = asyncio.Event()

        async def start(self, request: StartRun) -> RunView:
            await self.answers.wait()
            return await super().start(request)

    world.agent()
    world.keeper = SlowKeeper(world.clock)
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        await until(lambda: len(scheduler.dispatcher.queues) == 0)
        assert (len(scheduler.dispatcher.active), scheduler.dispatcher.under_way) == (0, 1)
        SlowKeeper.answers.set()
        await until(lambda: len(scheduler.dispatcher.active) == 1)
        assert (scheduler.dispatcher.under_way, scheduler.dispatcher.active_of("dev")) == (1, 1)


async def test_all_agents_together_have_as_many_places_as_the_project(world: SchedulerWorld) -> None:
    world.project_config("scale = 3")
    for name in ("a", "b"):
        world.agent(name, config="scale = 2")
    async with world.running() as scheduler:
        for name in ("a", "b", "a", "b"):
            await scheduler.intake.take(manual(name))
        await until(lambda: len(world.keeper.runs) == 3)
        await asyncio.sleep(0.02)
        assert len(world.keeper.runs) == 3
        world.keeper.end(next(iter(world.keeper.runs)))
        await until(lambda: len(world.keeper.runs) == 4)


async def test_what_failed_is_repeated_after_a_while_and_only_the_last_attempt_is_final(world: SchedulerWorld) -> None:
    world.agent(config="retries = 1\nretry_delay = 60")
    async with world.running() as scheduler:
        taken = await scheduler.intake.take(manual())
        [first] = await world.until_runs(1)
        world.keeper.end(first.run_id, Result.ERROR, error=RunError("failed", "no"))
        await world.until_closed(1)
        waiting = await world.trigger(taken.trigger.id)
        assert (waiting.state, waiting.reason) == (TriggerState.WAITING, "attempt 1 ended as error")
        world.clock.advance(59)
        await asyncio.sleep(0.02)
        assert len(world.keeper.runs) == 1
        world.clock.advance(1)
        _, second = await world.until_runs(2)
        assert (second.attempt, second.trigger.id) == (2, taken.trigger.id)
        world.keeper.end(second.run_id, Result.ERROR, error=RunError("failed", "no"))
        await world.until_closed(2)
        done = await world.trigger(taken.trigger.id)
        assert (done.state, done.result, done.run_id) == (TriggerState.DONE, "error", second.run_id)


async def test_an_attempt_whose_engine_was_away_before_it_began_is_none_of_those_that_failed(
    world: SchedulerWorld,
) -> None:
    world.agent(config="retries = 1\nretry_delay = 60")
    async with world.running() as scheduler:
        trigger_id = (await scheduler.intake.take(manual())).trigger.id
        for number in (1, 2):
            view = (await world.until_runs(number))[-1]
            world.keeper.show(msgspec.structs.replace(view, state=RunState.STARTING, started_at=None))
            world.keeper.end(view.run_id, Result.LOST, error=RunError("unreachable", "Docker is not running"))
        third = (await world.until_runs(3))[-1]
        world.keeper.end(third.run_id, Result.ERROR, error=RunError("failed", "it broke"))
        await until(lambda: bool(scheduler.dispatcher.queues))
        world.clock.advance(60)
        world.keeper.end((await world.until_runs(4))[-1].run_id, Result.ERROR, error=RunError("failed", "it broke"))
        await world.until_closed(4)
        done = await world.trigger(trigger_id)
        assert (done.state, done.attempts, done.result) == (TriggerState.DONE, 4, "error")


async def test_a_run_that_asks_for_it_is_run_again_at_once(world: SchedulerWorld) -> None:
    world.project_config("maxReruns = 2")
    world.agent()
    async with world.running() as scheduler:
        taken = await scheduler.intake.take(manual(prompt="All of it."))
        for number in (1, 2, 3):
            runs = await world.until_runs(number)
            world.keeper.end(runs[-1].run_id, Result.RERUN)
        await world.until_closed(3)
        assert [start.trigger.prompt for start in world.keeper.starts] == ["All of it."] * 3
        done = await world.trigger(taken.trigger.id)
        assert (done.state, done.result, done.attempts, done.reruns) == (TriggerState.DONE, "rerun", 3, 2)


async def test_a_full_queue_makes_a_dead_letter_of_the_oldest_which_can_be_replayed(world: SchedulerWorld) -> None:
    world.agent(config="maxWorkQueueSize = 2")
    async with world.running() as scheduler:
        taken = [await scheduler.intake.take(manual(prompt=str(number))) for number in range(4)]
        [view] = await world.until_runs(1)
        assert taken[3].buried is not None
        dead = await world.trigger(taken[3].buried.id)
        assert (dead.state, dead.payload.prompt) == (TriggerState.DEAD, "1")
        assert "queue was full" in dead.reason
        await scheduler.intake.replay(dead.id)
        assert (await world.trigger(dead.id)).state is TriggerState.WAITING
        with pytest.raises(FreeholdError) as caught:
            await scheduler.intake.replay(dead.id)
        assert caught.value.code is Code.NOT_FOUND
        world.keeper.end(view.run_id)
        await world.until_runs(2)


async def test_a_full_queue_may_refuse_instead(world: SchedulerWorld) -> None:
    world.agent(config='maxWorkQueueSize = 0\nqueue_full = "refuse"')
    async with world.running() as scheduler:
        with pytest.raises(FreeholdError, match="is busy") as caught:
            await scheduler.intake.take(manual())
        assert caught.value.code is Code.BUSY
        assert "scale" in caught.value.hint


async def test_the_same_one_from_the_same_source_is_taken_once(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        taken = await asyncio.gather(*(scheduler.intake.take(manual(source_id="delivery 7")) for _ in range(20)))
        assert sum(not one.repeated for one in taken) == 1
        await world.until_runs(1)


async def test_a_higher_priority_goes_first(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        await scheduler.intake.take(manual(prompt="running"))
        [view] = await world.until_runs(1)
        await scheduler.intake.take(manual(prompt="later"))
        await scheduler.intake.take(manual(prompt="urgent", priority=5))
        world.keeper.end(view.run_id)
        await world.until_runs(2)
        assert world.keeper.starts[-1].trigger.prompt == "urgent"


async def test_what_is_paused_waits_and_stays_paused_after_a_restart(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        await scheduler.pause("a person")
        await scheduler.intake.take(manual())
    async with world.running() as scheduler:
        assert scheduler.dispatcher.held == "paused"
        await asyncio.sleep(0.02)
        assert world.runs_of() == []
        await scheduler.resume("a person")
        await world.until_runs(1)


async def test_what_a_person_switched_holds_after_a_restart(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        await scheduler.enable("dev", False, "a person")
        await scheduler.set_scale("dev", 2, "a person")
        for _ in range(3):
            await scheduler.intake.take(manual())
    async with world.running() as scheduler:
        await asyncio.sleep(0.02)
        assert world.runs_of() == []
        await scheduler.enable("dev", True, "a person")
        await world.until_runs(2)
        await scheduler.set_scale("dev", None, "a person")
        assert scheduler.agents.scale(scheduler.agents.agent("dev")) == 1


async def test_an_agent_with_no_places_takes_nothing(world: SchedulerWorld) -> None:
    world.agent(config="scale = 0")
    async with world.running() as scheduler:
        with pytest.raises(FreeholdError, match="is switched off") as caught:
            await scheduler.intake.take(manual())
        assert caught.value.code is Code.CONFLICT


async def test_runs_end_while_the_keeper_is_away_and_nothing_is_lost(world: SchedulerWorld) -> None:
    world.agent(config="scale = 2")
    async with world.running() as scheduler:
        taken = [await scheduler.intake.take(manual()) for _ in range(3)]
        first, second = await world.until_runs(2)
        world.keeper.go_away()
        await until(lambda: scheduler.dispatcher.keeper_problem != "")
        world.keeper.end(first.run_id)
        assert (await world.trigger(taken[0].trigger.id)).state is TriggerState.RUNNING
        world.keeper.come_back()
        world.clock.advance(5)
        await world.until_runs(3)
        assert (await world.trigger(taken[0].trigger.id)).state is TriggerState.DONE
        assert (await world.trigger(taken[1].trigger.id)).run_id == second.run_id


async def test_a_keeper_that_fails_one_call_is_not_away_for_ever(world: SchedulerWorld) -> None:
    """The connection that tells of changes may go on, and never say that anything was wrong."""
    world.agent()
    async with world.running() as scheduler:
        world.keeper.away = True
        taken = await scheduler.intake.take(manual())
        await until(lambda: scheduler.dispatcher.keeper_problem != "")
        world.keeper.come_back()
        for _ in range(5):
            world.clock.advance(1)
            await asyncio.sleep(0.01)
        [view] = await world.until_runs(1)
        assert (await world.trigger(taken.trigger.id)).run_id == view.run_id


async def test_runs_end_while_no_scheduler_is_there_and_nothing_is_lost(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        taken = [await scheduler.intake.take(manual()) for _ in range(2)]
        [first] = await world.until_runs(1)
    world.keeper.end(first.run_id)
    async with world.running() as scheduler:
        _, second = await world.until_runs(2)
        assert (await world.trigger(taken[0].trigger.id)).run_id == first.run_id
        assert (await world.trigger(taken[1].trigger.id)).run_id == second.run_id
        assert [view.run_id for view, closed in world.closed if closed.first_time] == [first.run_id]


async def test_what_cannot_begin_waits_and_is_tried_again(world: SchedulerWorld) -> None:
    world.agent()
    world.agent("other")
    async with world.running() as scheduler:
        world.keeper.problem = FreeholdError(Code.CREDENTIAL, "github_token is not stored", "Store it.")
        taken = await scheduler.intake.take(manual())
        await until(lambda: scheduler.agents.held("dev", world.clock.now()) is not None)
        await until(lambda: scheduler.dispatcher.queues.length("dev") == 1)
        waiting = await world.trigger(taken.trigger.id)
        assert (waiting.reason, waiting.attempts) == ("github_token is not stored Store it.", 0)
        world.keeper.problem = None
        await scheduler.intake.take(manual("other"))
        await world.until_runs(1, "other")
        world.clock.advance(31)
        [view] = await world.until_runs(1)
        assert view.attempt == 1


async def test_a_spent_day_holds_everything(world: SchedulerWorld) -> None:
    world.project_config("[budget]\nusd_per_day = 5")
    world.agent()
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        world.keeper.spending = Spent(day_usd=5.0, month_usd=5.0)
        await scheduler.intake.take(manual())
        world.keeper.end(view.run_id)
        await until(lambda: "day's budget of $5 is spent" in scheduler.dispatcher.held)
        assert len(world.keeper.runs) == 1
        world.keeper.spending = Spent(day_usd=0.0, month_usd=5.0)
        await scheduler.dispatcher.look_at_spending()
        scheduler.dispatcher.wake()
        await world.until_runs(2)


async def test_a_waiting_one_can_be_discarded(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running() as scheduler:
        running = await scheduler.intake.take(manual())
        waiting = await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        await scheduler.intake.discard(waiting.trigger.id, "a person")
        with pytest.raises(FreeholdError):
            await scheduler.intake.discard(running.trigger.id, "a person")
        world.keeper.end(view.run_id)
        await world.until_closed(1)
        assert len(world.keeper.runs) == 1
        assert (await world.trigger(waiting.trigger.id)).state is TriggerState.DEAD
