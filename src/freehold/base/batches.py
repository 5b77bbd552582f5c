"""What comes together is done together: one round for all that wait, the next one for those that came meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Batches(Generic[Item, Outcome]):
    """`work` gets what waits, in the order in which it came, and returns an outcome for each. When it fails with
    several of them, each is tried alone: what is wrong with one is no other's problem.

    Whoever comes alone waits for nobody. A caller that is cancelled takes nothing back.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]], largest: int) -> None:
        self._work = work
        self._largest = largest
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None

    def do(self, item: Item) -> asyncio.Future[Outcome]:
        """Its outcome, to be awaited. Raises what `work` raises for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = loop.create_task(self._rounds())
        return future

    async def _rounds(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                if not await self._together(taken) and len(taken) > 1:
                    for one in taken:
                        await self._together([one])
        finally:
            self._task = None

    async def _together(self, taken: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> bool:
        """False when it failed, and nobody was told yet; one alone is always told."""
        try:
            outcomes = await self._work([item for item, _ in taken])
        except Exception as error:  # it belongs to whoever waits for it
            if len(taken) == 1:
                _tell(taken[0][1], error)
            return False
        except BaseException:
            for _, future in taken:
                future.cancel()
            raise
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)
        return True


def _tell(future: asyncio.Future[Outcome], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
