"""Time as a seam: everything that reads or waits for time takes a `Clock`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for deadlines, and a sleep that tests can drive."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that moves only when a test, or a sleep, moves it; sleeping takes no real time."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


class ManualClock(FakeClock):
    """A clock for several that sleep at once: only a test moves it, and that wakes those whose time has come."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        super().__init__(start)
        self._sleeping: dict[asyncio.Future[None], float] = {}

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for sleeper, until in list(self._sleeping.items()):
            if until <= self._monotonic and not sleeper.done():
                sleeper.set_result(None)

    def set_back(self, seconds: float) -> None:
        """As when a person, or a time server, corrects the wall clock; deadlines do not notice."""
        self._now -= timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            sleeper.set_result(None)
        self._sleeping[sleeper] = self._monotonic + seconds
        try:
            await sleeper
        finally:
            del self._sleeping[sleeper]


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T09:00:00.123Z`: UTC, milliseconds; how all times are written (`docs/interfaces.md`, "Events")."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
