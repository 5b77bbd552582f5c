"""The scheduler of one project, put together: what it is asked for from outside, and what it does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.agents import Agents
from freehold.scheduler.attempt import Closed
from freehold.scheduler.callbook import Callbook
from freehold.scheduler.dispatcher import Dispatcher
from freehold.scheduler.edition import Edition
from freehold.scheduler.intake import Intake
from freehold.scheduler.locks import Locks
from freehold.scheduler.notices import Notices
from freehold.scheduler.run_keeper import RunKeeper
from freehold.scheduler.step import Step
from freehold.scheduler.timetable import Timetable
from freehold.store import switches
from freehold.store.database import Beside, Database, nothing
from freehold.wire.runs import RunView

LARGEST_SCALE = 1000


class Scheduler:
    """`run` goes on until cancelled; everything else may be asked meanwhile, and before: what is taken in waits.

    Stopped in any way, the next scheduler goes on from what is in the database; runs go on without it.
    """

    def __init__(
        self,
        database: Database,
        keeper: RunKeeper,
        clock: Clock,
        edition: Edition,
        *,
        on_changed: Callable[[RunView], None] = lambda _view: None,
        on_closed: Callable[[RunView, Closed], None] = lambda _view, _closed: None,
        reached: Callable[[Step, str], None] = lambda _step, _trigger_id: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.keeper = keeper
        self.agents = Agents(edition)
        self.notices = Notices(self.agents)
        self.dispatcher = Dispatcher(
            database,
            keeper,
            clock,
            self.agents,
            self.notices,
            on_changed=on_changed,
            on_closed=on_closed,
            reached=reached,
        )
        self.intake = Intake(database, clock, self.agents, self.dispatcher, self.notices, reached)
        self.timetable = Timetable(database, clock, self.agents, self.intake, self.dispatcher, keeper.kill)
        self.locks = Locks(database, clock, edition.project.config.lock_timeout_s)
        self.calls = Callbook(database, clock, self.agents, self.intake)

    async def run(self) -> None:
        """Begin with what the database holds. Raises what it raises when it cannot be read at all."""
        self.agents.switches = await self._database.read(switches.read)
        await self.dispatcher.load()
        async with asyncio.TaskGroup() as works:
            works.create_task(self.dispatcher.run())
            works.create_task(self.timetable.run())

    def take_over(self, edition: Edition) -> None:
        """Go on with an edited project. Runs under way go on as they began; those of agents that are gone, too."""
        self.agents.edition = edition
        self.locks.ttl_s = edition.project.config.lock_timeout_s
        self.let_go()

    def let_go(self) -> None:
        """Something was edited, or a credential added: what kept agents from beginning may be over."""
        self.agents.let_go()
        self.timetable.reload()
        self.dispatcher.wake()

    async def pause(self, by: str, also: Beside = nothing) -> None:
        """Begin nothing any more; what is asked for waits, and runs go on. Holds across restarts. `also`, here and
        below, is written in the same transaction."""
        await self._switch(lambda connection: switches.set_paused(connection, True, by, self._clock.now()), also)

    async def resume(self, by: str, also: Beside = nothing) -> None:
        await self._switch(lambda connection: switches.set_paused(connection, False, by, self._clock.now()), also)

    async def enable(self, agent: str, enabled: bool, by: str, also: Beside = nothing) -> None:
        """Let an agent begin runs, or not. Raises NOT_FOUND, CONFIG."""
        self.agents.agent(agent)
        now = self._clock.now()
        await self._switch(lambda connection: switches.set_enabled(connection, agent, enabled, by, now), also)

    async def set_scale(self, agent: str, scale: int | None, by: str, also: Beside = nothing) -> None:
        """How many runs the agent may have at a time (None: as configured). Raises NOT_FOUND, CONFIG, USAGE."""
        self.agents.agent(agent)
        if scale is not None and not 0 <= scale <= LARGEST_SCALE:
            raise FreeholdError(Code.USAGE, f"a scale of {scale} is not possible", f"From 0 to {LARGEST_SCALE}.")
        now = self._clock.now()
        await self._switch(lambda connection: switches.set_scale(connection, agent, scale, by, now), also)

    async def _switch(self, change: Beside, also: Beside) -> None:
        def work(connection: Connection) -> switches.Switches:
            change(connection)
            also(connection)
            return switches.read(connection)

        self.agents.switches = await self._database.write(work)
        self.timetable.reload()
        self.dispatcher.wake()
