"""One tick of the scheduler, in this process: what is due, and what begins now."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import timedelta

from bench.project import BenchProject
from freehold.base.clock import SystemClock
from freehold.base.ids import new_ulid
from freehold.project.load import load_project
from freehold.project.state import STATE_DIRECTORY
from freehold.scheduler.edition import Edition
from freehold.scheduler.fake_keeper import FakeKeeper
from freehold.scheduler.scheduler import Scheduler
from freehold.store.database import Database
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import TriggerType

WAITING_EACH = 10
DELAYED_EACH = 2
"""Of those that wait, so many were told to: what failed is tried again later."""
ROUNDS = 50


@dataclass(frozen=True)
class Tick:
    """Medians, and the worst by the wall clock."""

    wall_ms: float
    processor_ms: float
    worst_ms: float
    waiting: int


async def tick(project: BenchProject) -> Tick:
    """On the project's database, with a keeper in memory that is asked for nothing: what is decided is not done."""
    clock = SystemClock()
    database = Database.at(project.root / STATE_DIRECTORY / "state.db")
    loaded = load_project(project.root, home=project.home)
    scheduler = Scheduler(database, FakeKeeper(clock), clock, Edition(loaded))
    assert not loaded.broken, "the agents are sound"
    dispatcher, timetable = scheduler.dispatcher, scheduler.timetable
    dispatcher.keeper_problem = ""
    now = clock.now()
    for name in loaded.agents:
        for number in range(WAITING_EACH):
            delay = timedelta(hours=1 if number < DELAYED_EACH else 0)
            dispatcher.queues.add(
                StoredTrigger(
                    id=new_ulid(), agent=name, type=TriggerType.WEBHOOK, created_at=now, not_before=now + delay
                )
            )
    wall, processor = [], []
    try:
        await timetable.look()  # the first one reads every schedule
        for _ in range(ROUNDS):
            began, began_cpu = time.perf_counter(), time.thread_time()
            await timetable.look()
            decision = dispatcher.decide()
            wall.append((time.perf_counter() - began) * 1000)
            processor.append((time.thread_time() - began_cpu) * 1000)
            assert len(decision.begin) == 2 * len(loaded.agents), "each agent has two places"
    finally:
        await database.close()
    return Tick(statistics.median(wall), statistics.median(processor), max(wall), len(dispatcher.queues))
