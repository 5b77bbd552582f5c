"""What has changed, for whoever watches: only that it has; what it is now is asked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from freehold.base.clock import Clock
from freehold.wire.service import Change

COALESCED_S = 0.25
"""However often something changes, a watcher is told four times a second at most."""
MOST_REMEMBERED = 10_000


class Changes:
    """`tell` may be called often. A watcher that was away too long, or comes from another life of this process, is told
    `reset`: everything may be different.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = os.urandom(4).hex()
        self._latest: dict[Change, int] = {}  # in the order in which they changed last
        self._number = 0
        self._forgotten = 0  # the last number that is not remembered any more
        self._grown = asyncio.Event()
        self._closed = False

    def tell(self, kind: str, name: str = "") -> None:
        change = Change(kind, name)
        self._number += 1
        self._latest.pop(change, None)
        self._latest[change] = self._number
        if len(self._latest) > MOST_REMEMBERED:
            oldest = next(iter(self._latest))
            self._forgotten = self._latest.pop(oldest)
        self._wake()

    def follow(self, last_id: str = "") -> AsyncGenerator[tuple[str, Change]]:
        """Changes after the one with that id, each with its own; the empty id: from this call on. Ends with `close`."""
        epoch, _, number = last_id.partition("-")
        if not last_id:
            return self._follow(self._number)
        known = epoch == self._epoch and number.isascii() and number.isdigit() and int(number[:18]) <= self._number
        return self._follow(int(number[:18]) if known else -1)

    async def _follow(self, seen: int) -> AsyncGenerator[tuple[str, Change]]:
        while not self._closed:
            grown, before = self._grown, seen
            if seen < self._forgotten:
                seen = self._number
                yield self._id(seen), Change("reset")
            for change, number in self._since(seen):
                seen = number
                yield self._id(seen), change
            if seen != before:  # the first change is told at once, those that follow it together
                await self._clock.sleep(COALESCED_S)
            elif not grown.is_set():
                await grown.wait()

    def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    def _since(self, seen: int) -> list[tuple[Change, int]]:
        newer = []
        for change in reversed(self._latest):
            if self._latest[change] <= seen:
                break
            newer.append((change, self._latest[change]))
        return newer[::-1]

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"
