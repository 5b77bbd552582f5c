"""Schedules in a scheduler: what is due begins once, what was missed is made up for once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from freehold.base.errors import FreeholdError
from freehold.store import triggers
from freehold.store.triggers import TriggerState
from freehold.wire.runs import Result, TriggerType
from tests.support.scheduling import SchedulerWorld, manual, until

HOURLY = 'schedule = "0 * * * *"\ntimezone = "UTC"\n'


@pytest.fixture
def world(tmp_path: Path) -> SchedulerWorld:
    return SchedulerWorld(tmp_path, ManualClock())  # begins at midnight UTC


async def pass_time(world: SchedulerWorld, hours: float) -> None:
    """In steps, as time passes: what sleeps wakes in between."""
    for _ in range(int(hours * 60)):
        world.clock.advance(60)
        await asyncio.sleep(0.001)


async def test_it_begins_when_it_is_due(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await until(lambda: "dev" in scheduler.timetable.next)
        assert scheduler.timetable.next["dev"] == world.clock.now() + timedelta(hours=1)
        await pass_time(world, 1.1)
        [view] = await world.until_runs(1)
        assert (view.trigger.type, view.trigger.source) == (TriggerType.SCHEDULE, "0 * * * *")
        world.keeper.end(view.run_id)
        await pass_time(world, 1)
        await world.until_runs(2)


async def test_while_the_agent_is_busy_one_moment_waits_for_all(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await pass_time(world, 5.1)
        [view] = await world.until_runs(1)
        assert scheduler.dispatcher.queues.length("dev") == 1
        world.keeper.end(view.run_id)
        _, second = await world.until_runs(2)
        world.keeper.end(second.run_id)
        await asyncio.sleep(0.02)
        assert len(world.keeper.runs) == 2


async def test_what_was_missed_while_no_scheduler_ran_is_made_up_for_once(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await until(lambda: "dev" in scheduler.timetable.next)
    world.clock.advance(3 * 24 * 3600)
    async with world.running():
        [view] = await world.until_runs(1)
        world.keeper.end(view.run_id)
        await world.until_closed(1)
        await asyncio.sleep(0.02)
        assert len(world.keeper.runs) == 1


async def test_a_new_schedule_makes_nothing_up(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await until(lambda: "dev" in scheduler.timetable.next)
    world.clock.advance(3 * 24 * 3600)
    world.agent(config='schedule = "30 * * * *"\ntimezone = "UTC"')
    async with world.running() as scheduler:
        await until(lambda: "dev" in scheduler.timetable.next)
        await asyncio.sleep(0.02)
        assert world.keeper.runs == {}


async def test_it_may_skip_what_comes_while_the_agent_is_busy(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY + 'overlap = "skip"')
    async with world.running() as scheduler:
        await pass_time(world, 3.1)
        [view] = await world.until_runs(1)
        assert len(scheduler.dispatcher.queues) == 0
        assert scheduler.timetable.skipped["dev"].hour == 3
        world.keeper.end(view.run_id)
        await pass_time(world, 1)
        await world.until_runs(2)


async def test_it_may_replace_the_run_that_it_began_before(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY + 'overlap = "replace"')
    async with world.running():
        await pass_time(world, 2.1)
        first, second = await world.until_runs(2)
        assert world.keeper.runs[first.run_id].result is Result.KILLED
        assert world.keeper.runs[second.run_id].result is None


async def test_a_run_that_a_person_began_is_not_replaced(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY + 'overlap = "replace"')
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        await pass_time(world, 2.1)
        [view] = await world.until_runs(1)
        assert view.result is None


async def test_a_disabled_agent_gathers_nothing(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await scheduler.enable("dev", False, "a person")
        await pass_time(world, 3.1)
        await scheduler.enable("dev", True, "a person")
        await asyncio.sleep(0.02)
        assert world.keeper.runs == {}
        await pass_time(world, 1)
        await world.until_runs(1)


async def test_a_clock_that_is_set_back_repeats_nothing(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running():
        await pass_time(world, 2.1)
        [view] = await world.until_runs(1)
        world.keeper.end(view.run_id)
        _, second = await world.until_runs(2)
        world.keeper.end(second.run_id)
        world.clock.set_back(2 * 3600)
        await pass_time(world, 1.5)
        assert len(world.keeper.runs) == 2
        await pass_time(world, 1.5)
        await world.until_runs(3)


async def test_a_clock_that_jumps_ahead_makes_up_for_it_once(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await until(lambda: "dev" in scheduler.timetable.next)
        world.clock.advance(30 * 3600)
        await pass_time(world, 0.1)  # whoever was about to sleep looks at the clock again
        [view] = await world.until_runs(1)
        world.keeper.end(view.run_id)
        await asyncio.sleep(0.02)
        assert len(world.keeper.runs) == 1


async def test_the_moment_and_that_it_was_considered_are_written_together(world: SchedulerWorld) -> None:
    """A scheduler that dies between would lose the moment, or take it twice."""
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await scheduler.pause("a person")
        await pass_time(world, 1.1)
        await until(lambda: len(scheduler.dispatcher.queues) == 1)
    async with world.running() as scheduler:
        waiting = await world.database.read(lambda c: triggers.in_state(c, TriggerState.WAITING))
        assert [one.source_id for one in waiting] == ["2026-01-01T01:00:00.000Z"]
        await pass_time(world, 0.2)
        assert len(scheduler.dispatcher.queues) == 1


async def test_a_second_one_of_the_same_moment_is_refused_by_the_database(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    async with world.running() as scheduler:
        await scheduler.pause("a person")
        new = manual(source_id="2026-01-01T01:00:00.000Z")
        assert not (await scheduler.intake.take(new)).repeated
        assert (await scheduler.intake.take(new)).repeated
        with pytest.raises(FreeholdError):
            await scheduler.intake.take(manual("nobody"))
