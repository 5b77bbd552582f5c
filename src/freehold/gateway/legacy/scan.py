"""Reading what runs said, for `/api/logs/agents`: one at a time, no more than so much, and the same for a second.

A client of the system before asks every second or two, and each of them for everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from freehold.base.clock import Clock

KEPT_S = 1.0
MOST_EVENTS = 100_000
MOST_BYTES = 32 * 1024 * 1024
"""That are read for one answer, of all runs together: what is beyond is in `/api/v1/runs/{id}/events`."""


@dataclass(frozen=True)
class Entry:
    """`key` says which one it is, for cursors."""

    key: str
    at_ms: int
    level: int
    told: dict[str, Any]


@dataclass(frozen=True)
class Scan:
    """`cut`: there was more than may be read at once."""

    entries: Sequence[Entry]
    cut: bool = False


class Allowance:
    """What is left of what one answer may read."""

    def __init__(self, events: int = MOST_EVENTS, size_bytes: int = MOST_BYTES) -> None:
        self._events = events
        self._bytes = size_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether an event of that size may still be read."""
        self._events -= 1
        self._bytes -= size_bytes
        return self._events >= 0 and self._bytes >= 0

    @property
    def is_spent(self) -> bool:
        return self._events <= 0 or self._bytes <= 0


class Scans:
    """`of` gives what was read within the last second, and reads it otherwise. Whoever asks meanwhile waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._last: tuple[str, float, Scan] | None = None

    async def of(self, what: str, read: Callable[[], Awaitable[Scan]]) -> Scan:
        """Raises what `read` raises; nothing is kept then."""
        async with self._turn:
            if self._last and self._last[0] == what and self._clock.monotonic() - self._last[1] < KEPT_S:
                return self._last[2]
            found = await read()
            self._last = kept = (what, self._clock.monotonic(), found)
            asyncio.get_running_loop().call_later(KEPT_S, self._forget, kept)
            return found

    def _forget(self, kept: tuple[str, float, Scan]) -> None:
        """It may be megabytes, and perhaps nobody asks again."""
        if self._last is kept:
            self._last = None
