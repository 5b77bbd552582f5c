"""Schedules: looks when the next one is due, and takes its moment in as a trigger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import Connection

from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import FreeholdError
from freehold.project.agent import Agent
from freehold.project.triggering import Overlap
from freehold.scheduler.agents import Agents
from freehold.scheduler.dispatcher import RETRY_S, Dispatcher
from freehold.scheduler.due import due, next_moment, zone
from freehold.scheduler.intake import Intake, NewTrigger
from freehold.store import schedules, triggers
from freehold.store.database import Database
from freehold.store.schedules import Considered
from freehold.wire.runs import TriggerType

LONGEST_SLEEP = timedelta(seconds=30)
"""The wall clock may be set while nobody looks at it."""

_logger = logging.getLogger(__name__)


class Timetable:
    """One entry an agent with a schedule. What was missed while no scheduler ran, or while everything was paused, is
    made up for once; what comes while an agent is switched off is not.

    `end_run` ends the run that a schedule began before, for agents whose `overlap` is `replace`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        agents: Agents,
        intake: Intake,
        dispatcher: Dispatcher,
        end_run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._agents = agents
        self._intake = intake
        self._dispatcher = dispatcher
        self._end_run = end_run
        self._considered: dict[str, Considered] = {}
        self._changed = asyncio.Event()
        self.next: dict[str, datetime] = {}
        """When each agent's schedule is due next, in UTC."""
        self.skipped: dict[str, datetime] = {}
        """The last moment that an agent's schedule skipped, because the agent was busy."""

    def reload(self) -> None:
        """Schedules may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                self._considered = await self._database.read(schedules.read)
                break
            except FreeholdError as error:
                _logger.warning("schedules wait for the database", extra={"error": error.message})
                await self._clock.sleep(RETRY_S)
        while True:
            self._changed.clear()
            await self.look()
            await self._until_next()

    async def look(self) -> None:
        """Take in what is due."""
        now = self._clock.now()
        agents = {name: agent for name, agent in self._agents.project.agents.items() if agent.schedule}
        await self._forget(self._considered.keys() - agents.keys() - self._agents.project.broken.keys())
        self.next = {name: moment for name, moment in self.next.items() if name in agents}
        for agent in agents.values():
            known = self._considered.get(agent.name)
            if known is None or (known.expression, known.timezone) != (agent.schedule, agent.timezone):
                # A new schedule, or one that was edited, looks ahead only.
                await self._write(agent, now)
                self.next.pop(agent.name, None)
            elif agent.name not in self.next or self.next[agent.name] <= now:
                await self._look_at(agent, known, now)
            if agent.name not in self.next:
                after = max(now, self._considered[agent.name].until) if agent.name in self._considered else now
                if moment := next_moment(agent.schedule, zone(agent.timezone), after):
                    self.next[agent.name] = moment

    async def _look_at(self, agent: Agent, known: Considered, now: datetime) -> None:
        found = due(agent.schedule, zone(agent.timezone), known.until, now)
        self.next.pop(agent.name, None)
        if found is None:
            return
        scale, overlap = self._agents.scale(agent), agent.triggering.overlap
        busy = self._dispatcher.active_of(agent.name) >= scale
        off = scale == 0 or not self._agents.switches.is_enabled(agent.name)
        if off or (busy and overlap is Overlap.SKIP):
            self.skipped[agent.name] = found.at
            await self._write(agent, found.at)
            return
        new = NewTrigger(agent.name, TriggerType.SCHEDULE, agent.schedule, rfc3339(found.at))
        await self._take(agent, new, found.at)
        if busy and overlap is Overlap.REPLACE:
            await self._end_earlier(agent.name)

    async def _take(self, agent: Agent, new: NewTrigger, moment: datetime) -> None:
        """The moment and that it was considered are written together: it is neither lost nor taken twice."""
        considered = Considered(agent.name, agent.schedule, agent.timezone, moment)

        def also(connection: Connection, _: object) -> None:
            schedules.write(connection, considered)

        waits = await self._database.read(lambda c: triggers.waiting_of(c, agent.name, TriggerType.SCHEDULE))
        try:
            # One that waits already stands for every moment that came since.
            taken = await self._intake.take_with([] if waits else [new], also)
        except FreeholdError as error:  # the database is away: the moment is still due when it is back
            _logger.warning("a schedule is late", extra={"agent": agent.name, "error": error.message})
            return
        for refused in (one for one in taken if isinstance(one, FreeholdError)):
            self.skipped[agent.name] = moment
            _logger.warning("a schedule was refused", extra={"agent": agent.name, "error": refused.message})
        self._considered[agent.name] = considered

    async def _write(self, agent: Agent, moment: datetime) -> None:
        considered = Considered(agent.name, agent.schedule, agent.timezone, moment)
        try:
            await self._database.write(lambda connection: schedules.write(connection, considered))
        except FreeholdError as error:
            _logger.warning("a schedule is late", extra={"agent": agent.name, "error": error.message})
            return
        self._considered[agent.name] = considered

    async def _forget(self, gone: AbstractSet[str]) -> None:
        """Of an agent that comes back, nothing is made up for."""
        for name in gone:
            try:
                await self._database.write(lambda connection, name=name: schedules.forget(connection, name))  # type: ignore[misc]
            except FreeholdError as error:
                _logger.warning("a schedule is not forgotten", extra={"agent": name, "error": error.message})
                return
            del self._considered[name]

    async def _end_earlier(self, agent: str) -> None:
        for view in list(self._dispatcher.active.values()):
            if view.agent == agent and view.trigger.type is TriggerType.SCHEDULE:
                try:
                    await self._end_run(view.run_id, "its schedule is due again (overlap = replace)")
                except FreeholdError as error:
                    _logger.warning("a run was not replaced", extra={"run_id": view.run_id, "error": error.message})

    async def _until_next(self) -> None:
        now = self._clock.now()
        sleep = min((moment - now for moment in self.next.values()), default=LONGEST_SLEEP)
        bounded = min(max(sleep, timedelta(0)), LONGEST_SLEEP)
        # A schedule whose database is away stays due; it is not asked for without a pause.
        waiting = asyncio.create_task(self._clock.sleep(max(bounded.total_seconds(), 0.05)))
        changing = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({waiting, changing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            changing.cancel()
            await asyncio.gather(waiting, changing, return_exceptions=True)
