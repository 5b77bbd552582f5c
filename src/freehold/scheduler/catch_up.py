"""Runs that were started by hand while no scheduler was there: taken into the index, the newest first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import FreeholdError
from freehold.scheduler.run_keeper import KeeperAwayError, RunKeeper
from freehold.scheduler.scheduler import Scheduler
from freehold.store import run_index, switches
from freehold.store.database import Database
from freehold.wire.runs import RunState, RunView

PAGE = 100
PAUSE_S = 0.1
"""Between two pages: nobody waits for this."""
MOST_PAGES = 500
"""At one start. The rest is taken in at the next one, or is older than the history that is kept."""
AWAY_S, RETRY_S = 1.0, 5.0
"""Before it is tried again: after a keeper that was away, and after any other failure."""

_logger = logging.getLogger(__name__)


class CatchUp:
    """Goes back to the first page that is known already. One that was cut off before it came there is noted in the
    database, and then the next one goes past what is known, too.
    """

    def __init__(
        self,
        database: Database,
        keeper: RunKeeper,
        clock: Clock,
        scheduler: Scheduler,
        on_listed: Callable[[], object] = lambda: None,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._scheduler = scheduler
        self._on_listed = on_listed

    async def run(self) -> None:
        """Until all is taken in."""
        while True:
            try:
                taken = await self.take_in()
            except KeeperAwayError:  # as at every start
                await self._clock.sleep(AWAY_S)
                continue
            except FreeholdError as error:
                _logger.info("past runs are not all listed yet", extra={"error": error.message})
                await self._clock.sleep(RETRY_S)
                continue
            if taken:
                _logger.info("past runs are listed", extra={"runs": taken})
                self._on_listed()
            return

    async def take_in(self) -> int:
        """How many runs were not known, or not known to have ended. Raises what database and keeper raise."""
        cut_off = await self._database.write(self._begin)
        oldest = self._clock.now() - timedelta(days=self._scheduler.agents.project.config.history_days)
        open_runs = {view.run_id for view in await self._database.read(run_index.unfinished)}
        before, taken = "", 0
        for _ in range(MOST_PAGES):
            page = await self._keeper.past(before, PAGE)
            fresh = await self._write(page)
            taken += fresh
            open_runs -= {view.run_id for view in page}
            if self._is_over(page, oldest) or not (fresh or cut_off or open_runs):
                break
            before = page[-1].run_id
            await self._clock.sleep(PAUSE_S)
        await self._database.write(lambda connection: switches.note_caught_up(connection, True, self._clock.now()))
        return taken

    def _begin(self, connection: Connection) -> bool:
        """Whether the last time was cut off; and that this one is not over yet."""
        cut_off = not switches.is_caught_up(connection)
        switches.note_caught_up(connection, False, self._clock.now())
        return cut_off

    def _is_over(self, page: Sequence[RunView], oldest: datetime) -> bool:
        return len(page) < PAGE or datetime.fromisoformat(page[-1].queued_at) < oldest

    async def _write(self, page: Sequence[RunView]) -> int:
        """Only what ended: the keeper tells of those under way by itself, and later than this could."""
        ended = [view for view in page if view.state is RunState.FINISHED]

        def work(connection: Connection) -> int:
            return sum(run_index.record(connection, view) for view in ended)

        return await self._database.write(work)
