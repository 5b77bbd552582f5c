"""Which of an agent's places a run takes: as many at once as its `scale`, first come, first served."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque


class Slots:
    """Slots are numbered from 0; each has its own `/workspace`, so no two runs ever share one."""

    def __init__(self) -> None:
        self._taken: dict[str, set[int]] = defaultdict(set)
        self._waiting: dict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def take(self, agent: str, scale: int) -> int:
        """The lowest free slot, waiting until there is one."""
        while True:
            free = next((slot for slot in range(scale) if slot not in self._taken[agent]), None)
            if free is not None:
                self._taken[agent].add(free)
                return free
            turn = asyncio.get_running_loop().create_future()
            self._waiting[agent].append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._pass_on(agent, turn)
                raise

    def hold(self, agent: str, slot: int) -> None:
        """Take the slot that an adopted run already has."""
        self._taken[agent].add(slot)

    def release(self, agent: str, slot: int) -> None:
        self._taken[agent].discard(slot)
        self._wake_next(agent)

    def is_taken(self, agent: str, slot: int) -> bool:
        return slot in self._taken[agent]

    def is_free(self, agent: str, scale: int) -> bool:
        return len([slot for slot in self._taken[agent] if slot < scale]) < scale

    def _pass_on(self, agent: str, turn: asyncio.Future[None]) -> None:
        # A waiter that was woken and cancelled at once must not swallow the wake-up.
        if turn.done() and not turn.cancelled():
            self._wake_next(agent)
        elif turn in self._waiting[agent]:
            self._waiting[agent].remove(turn)

    def _wake_next(self, agent: str) -> None:
        while self._waiting[agent]:
            turn = self._waiting[agent].popleft()
            if not turn.done():
                turn.set_result(None)
                return
