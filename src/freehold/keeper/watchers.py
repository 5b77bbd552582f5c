"""Who wants to know how all runs stand: the scheduler, and whoever looks at a project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from freehold.wire.runs import RunView


class Watchers:
    """Told of every change of any run. One that is slow is told how a run stands now, not each step in between; the end
    of a run is never left out.
    """

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def tell(self, view: RunView) -> None:
        for watcher in self._watchers:
            watcher.hear(view)

    def add(self) -> Watcher:
        watcher = Watcher(self._watchers.discard)
        self._watchers.add(watcher)
        return watcher


class Watcher:
    """`next` gives what changed, one run at a time. It hears from when it was made until it is closed."""

    def __init__(self, forget: Callable[[Watcher], object]) -> None:
        self._forget = forget
        self._changed: dict[str, RunView] = {}
        self._wake = asyncio.Event()

    def hear(self, view: RunView) -> None:
        self._changed.pop(view.run_id, None)
        self._changed[view.run_id] = view
        self._wake.set()

    async def next(self) -> RunView:
        while not self._changed:
            self._wake.clear()
            await self._wake.wait()
        return self._changed.pop(next(iter(self._changed)))

    def close(self) -> None:
        self._forget(self)
