"""Runs that are looked at: a page that renews itself reads what is new, not all that the run ever said."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from freehold.console.project_api import ProjectApi
from freehold.console.transcript import Hearing, Transcript

MOST_EVENTS = 50_000
"""That are read for one page; the next one goes on from there."""
MOST_RUNS = 8
FORGOTTEN_AFTER = timedelta(minutes=5)
"""Without being looked at."""


@dataclass(eq=False)
class _Heard:
    looked_at: datetime
    hearing: Hearing = field(default_factory=Hearing)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hearings:
    """Keeps what was heard of the runs that were looked at last: each at most as much as a page shows."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, _Heard] = OrderedDict()

    async def read(self, api: ProjectApi, run_id: str) -> tuple[Transcript, bool]:
        """What the run has said until now; False: more is there to be read. Raises what `run_events` raises: what was
        heard before is then still in `so_far`."""
        heard = self._of(run_id, api.now())
        async with heard.reading:  # two that look at once hear each event once
            count = 0
            async with aclosing(api.run_events(run_id, heard.hearing.last_seq)) as source:
                async for line in source:
                    heard.hearing.hear(line)
                    count += 1
                    if count == MOST_EVENTS:
                        return heard.hearing.transcript(), False
            return heard.hearing.transcript(), True

    def so_far(self, run_id: str) -> Transcript:
        """What was heard of it; nothing of one that is not known here."""
        heard = self._runs.get(run_id)
        return heard.hearing.transcript() if heard else Transcript()

    def _of(self, run_id: str, now: datetime) -> _Heard:
        self._forget(now)
        heard = self._runs.setdefault(run_id, _Heard(now))
        heard.looked_at = now
        self._runs.move_to_end(run_id)
        if len(self._runs) > MOST_RUNS:
            self._runs.popitem(last=False)
        return heard

    def _forget(self, now: datetime) -> None:
        while self._runs:
            run_id, oldest = next(iter(self._runs.items()))
            if now - oldest.looked_at < FORGOTTEN_AFTER:
                return
            del self._runs[run_id]
