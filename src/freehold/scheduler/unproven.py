"""Keeping what strangers may cause small: of sources that take deliveries without a signature, the newest are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import FreeholdError
from freehold.project.load import Project
from freehold.scheduler.scheduler import Scheduler
from freehold.store import unproven
from freehold.store.database import Database

EVERY_S = 60.0
PAUSE_S = 0.05
"""Between two batches, so that whatever else is to be written goes first."""

_logger = logging.getLogger(__name__)


class Unproven:
    """Beside `Retention`, which goes by age: once a minute, because such a source may be sent much within a day."""

    def __init__(self, database: Database, clock: Clock, scheduler: Scheduler) -> None:
        self._database = database
        self._clock = clock
        self._scheduler = scheduler

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                if removed := await self.forget_excess():
                    _logger.info("what unsigned webhooks left was removed", extra={"rows": removed})
            except FreeholdError as error:
                _logger.warning("what unsigned webhooks left stays for now", extra={"error": error.message})
            await self._clock.sleep(EVERY_S)

    async def forget_excess(self) -> int:
        """How many rows. Raises what the database raises."""
        total = 0
        for source, agents in _unsigned(self._scheduler.agents.project):
            while count := await self._forget_batch(source, agents):
                total += count
                await self._clock.sleep(PAUSE_S)
        return total

    async def _forget_batch(self, source: str, agents: list[str]) -> int:
        def look(connection: Connection) -> tuple[list[str], list[str]]:
            letters = [one for agent in agents for one in unproven.triggers_beyond(connection, source, agent)]
            return unproven.receipts_beyond(connection, source), letters

        receipt_ids, trigger_ids = await self._database.read(look)
        if not receipt_ids and not trigger_ids:
            return 0
        return await self._database.write(lambda c: unproven.forget(c, receipt_ids, trigger_ids))


def _unsigned(project: Project) -> Iterator[tuple[str, list[str]]]:
    """Each source that takes unsigned deliveries, with the agents that it may start."""
    for source in project.config.webhooks.values():
        if source.takes_unsigned:
            listening = (
                agent for agent in project.agents.values() for one in agent.webhooks if one.source == source.name
            )
            yield source.name, list(dict.fromkeys(agent.name for agent in listening))
