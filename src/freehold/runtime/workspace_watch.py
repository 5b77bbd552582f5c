"""Holding a run to the size of its workspace where no file system does it: measure now and then, and end the run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from freehold.base.errors import FreeholdError

MEASURE_EVERY_S = 30.0
"""The engine reads the whole volume each time."""
ATTEMPTS = 5
"""Docker measures for one client at a time and refuses the others; two installations may well meet."""
_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


class WorkspaceWatch:
    """`is_full` measures, `end_run` kills. `full` is what was last seen; False while nothing could be measured."""

    def __init__(
        self,
        is_full: Callable[[], Awaitable[bool]],
        end_run: Callable[[], Awaitable[None]],
        interval_s: float = MEASURE_EVERY_S,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._is_full = is_full
        self._end_run = end_run
        self._interval_s = interval_s
        self._pause_s = pause_s
        self._over = asyncio.Event()
        self.full = False

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """Watch while the block runs; at least one measurement is finished when it is left without an error."""
        task = asyncio.create_task(self._watch())
        try:
            yield
            self._over.set()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            if await self._measure():
                await self._end_run()
                return
            if self._over.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._over.wait()
                return

    async def _measure(self) -> bool:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.full = await self._is_full()
            except FreeholdError as error:
                _log.warning("workspace not measured", extra={"attempt": attempt, "error": error.message})
                await asyncio.sleep(self._pause_s)
            else:
                return self.full
        return False
