"""Runs that began while no scheduler was there, and what is removed after `historyRetentionDays`."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import msgspec
import pytest

from freehold.base.clock import rfc3339
from freehold.base.ids import new_run_id
from freehold.scheduler.catch_up import PAGE, CatchUp
from freehold.scheduler.retention import Retention
from freehold.scheduler.scheduler import Scheduler
from freehold.store import run_index
from freehold.wire.runs import Result, RunState, RunView, Trigger
from tests.support.scheduling import SchedulerWorld, manual, until


def past_runs(world: SchedulerWorld, number: int, days_ago: float = 0) -> list[str]:
    """Runs by hand, which ended; the oldest first."""
    at = rfc3339(world.clock.now() - timedelta(days=days_ago))
    ids: list[str] = []
    for _ in range(number):
        run_id = str(new_run_id("dev"))
        world.keeper.runs[run_id] = RunView(
            run_id=run_id, agent="dev", attempt=1, trigger=Trigger(), state=RunState.FINISHED, queued_at=at,
            finished_at=at, result=Result.COMPLETED,
        )  # fmt: skip
        ids.append(run_id)
    return sorted(ids)


async def take_in(world: SchedulerWorld, scheduler: Scheduler) -> int:
    catching_up = asyncio.create_task(CatchUp(world.database, world.keeper, world.clock, scheduler).take_in())
    while not catching_up.done():
        world.clock.advance(1)
        await asyncio.sleep(0.001)
    return await catching_up


async def listed(world: SchedulerWorld) -> int:
    return len(await world.database.read(lambda connection: run_index.page(connection, limit=10_000)))


async def test_all_past_runs_are_listed_once(world: SchedulerWorld) -> None:
    world.agent()
    past_runs(world, 2 * PAGE + 50)
    async with world.running() as scheduler:
        assert await take_in(world, scheduler) == 2 * PAGE + 50
        assert await listed(world) == 2 * PAGE + 50
    past_runs(world, 3)
    async with world.running() as scheduler:
        assert await take_in(world, scheduler) == 3


async def test_a_keeper_that_does_not_answer_yet_is_waited_for_without_a_word(
    world: SchedulerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.agent()
    past_runs(world, 3)
    world.keeper.away = True
    caplog.set_level(logging.INFO, "freehold")
    async with world.running() as scheduler:
        caplog.clear()
        works = (CatchUp(world.database, world.keeper, world.clock, scheduler).run, Retention(
            world.database, world.keeper, world.clock, scheduler).run)  # fmt: skip
        tasks = [asyncio.create_task(work()) for work in works]
        for _ in range(50):
            world.clock.advance(1)
            await asyncio.sleep(0.001)
        assert caplog.text == ""
        world.keeper.away = False
        while not tasks[0].done():
            world.clock.advance(1)
            await asyncio.sleep(0.001)
        assert await listed(world) == 3
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_that_was_cut_off_is_made_up_for(world: SchedulerWorld) -> None:
    world.agent()
    past_runs(world, 3 * PAGE)
    async with world.running() as scheduler:
        cut_off = asyncio.create_task(CatchUp(world.database, world.keeper, world.clock, scheduler).take_in())
        while await listed(world) < PAGE:
            await asyncio.sleep(0.001)
        cut_off.cancel()  # it sleeps between two pages
        await asyncio.gather(cut_off, return_exceptions=True)
        assert await listed(world) == PAGE
    past_runs(world, PAGE)
    async with world.running() as scheduler:
        assert await take_in(world, scheduler) == 3 * PAGE
        assert await listed(world) == 4 * PAGE


async def test_a_run_that_ended_while_nobody_listened(world: SchedulerWorld) -> None:
    world.agent()
    [by_hand] = past_runs(world, 1)
    ended = world.keeper.runs[by_hand]
    async with world.running() as scheduler:
        await world.database.write(
            lambda connection: run_index.record(
                connection, RunView(run_id=by_hand, agent="dev", attempt=1, trigger=Trigger(), state=RunState.RUNNING,
                                    queued_at=ended.queued_at)
            )
        )  # fmt: skip
        past_runs(world, 2 * PAGE)
        assert await take_in(world, scheduler) == 2 * PAGE + 1
        assert await world.database.read(run_index.unfinished) == []


async def test_what_is_older_than_the_history_is_left_alone(world: SchedulerWorld) -> None:
    world.agent()
    past_runs(world, 2 * PAGE, days_ago=15)
    async with world.running() as scheduler:
        assert await take_in(world, scheduler) == PAGE  # the first page is read; no other is


async def test_old_runs_go_but_for_the_latest_attempts_of_what_waits(world: SchedulerWorld) -> None:
    world.agent(config="retries = 3\nretry_delay = 3600")
    old = past_runs(world, 5, days_ago=15)
    young = past_runs(world, 2, days_ago=13)
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        await until(lambda: bool(world.keeper.under_way))
        [view] = world.keeper.under_way
        old_too = rfc3339(world.clock.now() - timedelta(days=20))
        world.keeper.runs[view.run_id] = msgspec.structs.replace(view, queued_at=old_too)
        world.keeper.end(view.run_id, Result.ERROR)
        await world.until_closed(1)
        await until(lambda: scheduler.dispatcher.queues.length("dev") == 1)
        removing = asyncio.create_task(Retention(world.database, world.keeper, world.clock, scheduler).forget_old())
        while not removing.done():
            world.clock.advance(1)
            await asyncio.sleep(0.001)
        assert (await removing)["run folders"] == 5
        assert not set(old) & set(world.keeper.runs)
        assert {*young, view.run_id} <= set(world.keeper.runs)


async def test_it_is_told_that_past_runs_are_listed_and_not_when_there_were_none(world: SchedulerWorld) -> None:
    world.agent()
    told: list[str] = []
    async with world.running() as scheduler:
        catch_up = CatchUp(world.database, world.keeper, world.clock, scheduler, lambda: told.append("listed"))
        await catch_up.run()
        assert told == []
        past_runs(world, 1)
        await catch_up.run()
        assert told == ["listed"]
