"""What people are told: written with what happened, once, to the channels that want it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.store import notices
from freehold.store.notices import StoredNotice
from freehold.wire.keeper import Spent
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.runs import Result, RunError, StartRun
from tests.support.scheduling import SchedulerWorld, manual, until

CHANNELS = """
[notices.team]
type = "slack"

[notices.log]
type = "webhook"
url = "https://example.com/notices"
kinds = ["completed", "failed"]
default = false
"""
YES, NO = PermissionOption("y", "Allow", "allow_once"), PermissionOption("n", "Reject", "reject_once")
ASKED = OpenPermission("p1", "rm -rf build", (YES, NO), until="2026-01-01T00:05:00.000Z", default="n")


@pytest.fixture
def world(world: SchedulerWorld) -> SchedulerWorld:
    world.project_config(CHANNELS)
    return world


async def written(world: SchedulerWorld) -> list[StoredNotice]:
    found = await world.database.read(notices.page)
    return sorted(found, key=lambda one: one.id)


async def told(world: SchedulerWorld) -> list[tuple[str, str, str]]:
    return sorted((one.channel, one.notice.kind, one.notice.title) for one in await written(world))


async def until_told(world: SchedulerWorld, number: int) -> list[tuple[str, str, str]]:
    for _ in range(2000):
        if len(await told(world)) >= number:
            break
        await asyncio.sleep(0.002)
    return await told(world)


async def test_a_final_failure_is_told_once_and_a_repeated_one_not_before(world: SchedulerWorld) -> None:
    world.agent(config="retries = 1\nretry_delay = 60")
    async with world.running() as scheduler:
        woken: list[int] = []
        scheduler.notices.on_written = lambda: woken.append(1)
        await scheduler.intake.take(manual())
        [first] = await world.until_runs(1)
        world.keeper.end(first.run_id, Result.ERROR, error=RunError("failed", "no such file", "Look."))
        await world.until_closed(1)
        assert await told(world) == []
        world.clock.advance(60)
        _, second = await world.until_runs(2)
        world.keeper.end(second.run_id, Result.ERROR, error=RunError("failed", "no such file", "Look."), cost_usd=0.5)
        await world.until_closed(2)
        assert await told(world) == [("team", "failed", "dev failed")]
        [one] = await written(world)
        assert (one.notice.text, one.notice.hint) == ("no such file", "Look.")
        assert (one.notice.run_id, one.notice.trigger_id) == (second.run_id, second.trigger.id)
        assert one.notice.facts == {"trigger": "manual a person", "attempt": "2", "took": "0.0 s", "cost": "$0.50"}
        assert woken == [1]


RESULTS = [
    (Result.COMPLETED, None, [("log", "completed", "dev is done")]),
    (Result.TIMEOUT, None, [("log", "failed", "dev took too long")]),
    (Result.LOST, None, [("log", "failed", "dev was lost")]),
    (Result.BUDGET, None, []),
    (Result.KILLED, RunError(Code.INTERRUPTED, "by a person"), []),
    (Result.KILLED, RunError(Code.DENIED, "secrets"), [("log", "failed", "dev was shut down at its own wish")]),
]


@pytest.mark.parametrize(("result", "error", "expected"), RESULTS)
async def test_what_is_told_goes_where_the_agent_says(
    world: SchedulerWorld, result: Result, error: RunError | None, expected: list[tuple[str, str, str]]
) -> None:
    world.agent(config='notices = ["log"]')
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        world.keeper.end(view.run_id, result, error=error)
        await world.until_closed(1)
        assert await told(world) == expected


async def test_a_run_that_was_begun_by_hand_is_told_to_nobody(world: SchedulerWorld) -> None:
    world.agent()
    async with world.running():
        await world.keeper.start(StartRun("dev-01arz3ndektsv4rrffq69g5fav", "dev"))
        show(world, "dev-01arz3ndektsv4rrffq69g5fav", (ASKED,))
        world.keeper.end("dev-01arz3ndektsv4rrffq69g5fav", Result.ERROR)
        await world.until_closed(1)
        assert await told(world) == []


def show(world: SchedulerWorld, run_id: str, waiting: tuple[OpenPermission, ...]) -> None:
    world.keeper.show(msgspec.structs.replace(world.keeper.runs[run_id], waiting_for=waiting))


async def test_a_question_is_told_once_and_whoever_looks_sees_it(world: SchedulerWorld) -> None:
    world.agent(config='permissions = "ask"')
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        assert world.keeper.starts[0].options.interactive
        for _ in range(3):
            show(world, view.run_id, (ASKED,))
        await until(lambda: bool(scheduler.dispatcher.active[view.run_id].waiting_for))
        assert await until_told(world, 1) == [("team", "permission", "dev asks for permission")]
        [one] = await written(world)
        assert one.notice.permission == ASKED
        assert one.notice.text == "rm -rf build"
        assert one.notice.hint == "Without an answer until 2026-01-01 00:05 UTC, the answer is: Reject."
    async with world.running():  # the next one hears of it again, and tells nobody again
        assert await told(world) == [("team", "permission", "dev asks for permission")]


async def test_a_question_that_the_next_keeper_asks_again_is_told_again(world: SchedulerWorld) -> None:
    """It has another deadline, and an answer to the first one may not have come through."""
    world.agent(config='permissions = "ask"')
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        show(world, view.run_id, (ASKED,))
        assert len(await until_told(world, 1)) == 1
        show(world, view.run_id, (msgspec.structs.replace(ASKED, until="2026-01-01T00:07:00.000Z"),))
        assert len(await until_told(world, 2)) == 2
        assert "00:07 UTC" in (await written(world))[-1].notice.hint


async def test_a_question_that_came_while_no_scheduler_ran_is_told(world: SchedulerWorld) -> None:
    world.agent(config='permissions = "ask"')
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        await until(lambda: view.run_id in scheduler.dispatcher.active)
    show(world, view.run_id, (ASKED,))
    async with world.running():
        assert await until_told(world, 1) == [("team", "permission", "dev asks for permission")]


async def test_what_gave_way_in_a_full_queue_is_told(world: SchedulerWorld) -> None:
    world.agent(config="maxWorkQueueSize = 1")
    async with world.running() as scheduler:
        for _ in range(4):
            await scheduler.intake.take(manual())
            await until(lambda: len(world.keeper.runs) == 1)
        assert await told(world) == [("team", "dead_letter", "a trigger of dev was given up")] * 2
        [one, _] = await written(world)
        assert one.notice.text == "its queue was full, and a newer one came"


async def test_a_run_that_cannot_begin_is_told_once_a_day(world: SchedulerWorld) -> None:
    world.agent()
    world.keeper.problem = FreeholdError(Code.CREDENTIAL, "anthropic_key is not stored", "Store it.")
    async with world.running() as scheduler:
        taken = await scheduler.intake.take(manual())
        for begun in (1, 2, 3):
            await until(lambda begun=begun: len(world.keeper.starts) == begun)  # type: ignore[misc]
            await until(lambda: scheduler.dispatcher.queues.length("dev") == 1)
            world.clock.advance(31)
        assert await told(world) == [("team", "failed", "dev cannot begin")]
        assert (await written(world))[0].notice.trigger_id == taken.trigger.id


SPENDING = [
    (Spent(7.9, 0), []),
    (Spent(8, 8), ["80% of the day's budget is spent"]),
    (Spent(10.1, 81), ["80% of the month's budget is spent", "the day's budget is spent"]),
    (Spent(0, 100), ["the month's budget is spent"]),
]


@pytest.mark.parametrize(("spent", "titles"), SPENDING)
async def test_the_projects_money_is_told_of_before_and_when_it_is_spent(
    world: SchedulerWorld, spent: Spent, titles: list[str]
) -> None:
    world.project_config(CHANNELS + "[budget]\nusd_per_day = 10\nusd_per_month = 100\n")
    world.keeper.spending = spent
    async with world.running() as scheduler:
        await scheduler.dispatcher.look_at_spending()
        await scheduler.dispatcher.look_at_spending()
        assert await told(world) == [("team", "budget", title) for title in titles]


async def test_spending_is_looked_at_while_nothing_ends_and_a_new_day_begins(world: SchedulerWorld) -> None:
    world.project_config(CHANNELS + "[budget]\nusd_per_day = 10\n")
    world.agent()
    world.keeper.spending = Spent(10, 10)
    async with world.running() as scheduler:
        await until(lambda: bool(scheduler.dispatcher.held))
        await scheduler.intake.take(manual())
        world.keeper.spending = Spent(0, 10)
        world.clock.advance(60)
        await world.until_runs(1)


async def test_nothing_is_written_where_there_are_no_channels(world: SchedulerWorld) -> None:
    world.project_config("")
    world.agent()
    async with world.running() as scheduler:
        await scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        world.keeper.end(view.run_id, Result.ERROR)
        await world.until_closed(1)
        assert await told(world) == []
