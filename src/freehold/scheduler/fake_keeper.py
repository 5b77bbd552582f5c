"""A keeper in memory, for tests of the scheduler: its runs begin at once, and end when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import msgspec

from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.run_keeper import KeeperAwayError, Watch
from freehold.wire.keeper import Spent
from freehold.wire.runs import Result, RunError, RunState, RunView, StartRun, Usage


class FakeKeeper:
    """`problem` is what keeps runs from beginning; `away` is a keeper that cannot be asked. Runs outlive being away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watchers: set[asyncio.Queue[RunView | None]] = set()
        self.runs: dict[str, RunView] = {}
        self.starts: list[StartRun] = []
        """Each time that a run was asked for, repetitions included."""
        self.problem: FreeholdError | None = None
        self.away = False
        self.spending = Spent()

    async def start(self, request: StartRun) -> RunView:
        self._require_there()
        self.starts.append(request)
        if request.run_id in self.runs:
            return self.runs[request.run_id]
        if self.problem:
            raise self.problem
        now = rfc3339(self._clock.now())
        self._tell(
            RunView(
                run_id=request.run_id,
                agent=request.agent,
                attempt=request.attempt,
                trigger=request.trigger.without_payload(),
                state=RunState.RUNNING,
                queued_at=now,
                started_at=now,
            )
        )
        return self.runs[request.run_id]

    async def kill(self, run_id: str, reason: str) -> None:
        self._require_there()
        if run_id not in self.runs:
            raise FreeholdError(Code.NOT_FOUND, f"there is no run {run_id}")
        self.end(run_id, Result.KILLED, error=RunError(Code.INTERRUPTED, reason))

    async def watch(self) -> Watch:
        self._require_there()
        changes: asyncio.Queue[RunView | None] = asyncio.Queue()
        self._watchers.add(changes)
        under_way = tuple(view for view in self.runs.values() if view.state is not RunState.FINISHED)
        return Watch(under_way, self._each(changes))

    async def spent(self) -> Spent:
        self._require_there()
        return self.spending

    async def past(self, before: str, limit: int) -> list[RunView]:
        self._require_there()
        newest = sorted(self.runs.values(), key=lambda view: view.run_id[-26:], reverse=True)
        return [view for view in newest if not before or view.run_id[-26:] < before[-26:]][:limit]

    async def prune_runs(self, before: str, keep: Collection[str], limit: int) -> int:
        self._require_there()
        over = [view for view in self.runs.values() if view.state is RunState.FINISHED and view.queued_at < before]
        old = [view.run_id for view in over if view.run_id not in keep][:limit]
        for run_id in old:
            del self.runs[run_id]
        return len(old)

    async def used_revisions(self) -> list[str]:
        self._require_there()
        under_way = (start for start in self.starts if self.runs[start.run_id].state is not RunState.FINISHED)
        return sorted({start.options.revision for start in under_way} - {""})

    def end(
        self,
        run_id: str,
        result: Result = Result.COMPLETED,
        *,
        value: str | None = None,
        error: RunError | None = None,
        usage: Usage | None = None,
        cost_usd: float = 0.0,
    ) -> None:
        """Let a run end; one that has ended stays as it is."""
        view = self.runs[run_id]
        if view.state is RunState.FINISHED:
            return
        finished = msgspec.structs.replace(
            view,
            state=RunState.FINISHED,
            finished_at=rfc3339(self._clock.now()),
            result=result,
            return_value=value,
            error=error,
            usage=usage or Usage(),
            cost_usd=cost_usd,
        )
        self._tell(finished)

    def show(self, view: RunView) -> None:
        """A run stands as in `view` now, which all that watch are told."""
        self._tell(view)

    def go_away(self) -> None:
        """Hang up, and be away until `come_back`; runs go on and end meanwhile."""
        self.away = True
        for changes in self._watchers:
            changes.put_nowait(None)
        self._watchers.clear()

    def come_back(self) -> None:
        self.away = False

    @property
    def under_way(self) -> list[RunView]:
        return [view for view in self.runs.values() if view.state is not RunState.FINISHED]

    def _tell(self, view: RunView) -> None:
        self.runs[view.run_id] = view
        for changes in self._watchers:
            changes.put_nowait(view)

    async def _each(self, changes: asyncio.Queue[RunView | None]) -> AsyncIterator[RunView]:
        while (view := await changes.get()) is not None:
            yield view

    def _require_there(self) -> None:
        if self.away:
            raise KeeperAwayError
