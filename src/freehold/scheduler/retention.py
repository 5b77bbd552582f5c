"""`historyRetentionDays`: once a day, and when the service starts, what is older is forgotten."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import FreeholdError
from freehold.scheduler.run_keeper import KeeperAwayError, RunKeeper
from freehold.scheduler.scheduler import Scheduler
from freehold.store import retention
from freehold.store.database import Database
from freehold.store.retention import BATCH, OLD, Old

EVERY_S = 24 * 3600.0
AWAY_S, RETRY_S = 5.0, 300.0
"""Before it is tried again: after a keeper that was away, and after any other failure."""
PAUSE_S = 0.05
"""Between two batches, so that whatever else is to be written goes first."""
RUNS_AT_ONCE = 200
"""Run folders that the keeper removes in one go."""

_logger = logging.getLogger(__name__)


class Retention:
    """Removes files of runs first, then rows: a run that is listed has its files, unless a person removed them."""

    def __init__(self, database: Database, keeper: RunKeeper, clock: Clock, scheduler: Scheduler) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._scheduler = scheduler

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                removed = await self.forget_old()
            except KeeperAwayError:  # as at every start
                await self._clock.sleep(AWAY_S)
                continue
            except FreeholdError as error:
                _logger.warning("old history stays for now", extra={"error": error.message})
                await self._clock.sleep(RETRY_S)
                continue
            if any(removed.values()):
                _logger.info("old history was removed", extra={"removed": removed})
            await self._clock.sleep(EVERY_S)

    async def forget_old(self) -> dict[str, int]:
        """All that is old now; how many rows of each table, and run folders. Raises what database and keeper raise."""
        now = self._clock.now()
        keep = timedelta(days=self._scheduler.agents.project.config.history_days)
        removed = {"run folders": await self._forget_folders(now - keep)}
        for old in OLD:
            name = old.table.name
            removed[name] = removed.get(name, 0) + await self._forget_rows(old, now, keep)
        return removed

    async def _forget_folders(self, before: datetime) -> int:
        kept = await self._database.read(retention.latest_attempts)
        total = 0
        while count := await self._keeper.prune_runs(rfc3339(before), kept, RUNS_AT_ONCE):
            total += count
            await self._clock.sleep(PAUSE_S)
        return total

    async def _forget_rows(self, old: Old, now: datetime, keep: timedelta) -> int:
        total = 0
        while keys := await self._database.read(lambda c: retention.keys_of(c, old, now, keep)):
            total += await self._database.write(lambda c, keys=keys: retention.forget(c, old, keys, now, keep))  # type: ignore[misc]
            if len(keys) < BATCH:
                break
            await self._clock.sleep(PAUSE_S)
        return total
