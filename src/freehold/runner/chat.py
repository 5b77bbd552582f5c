"""A chat, as the keeper directs it: what is said next, which turn is to end, and that nothing more comes."""

from __future__ import annotations

import asyncio

from freehold.wire.session import Finish, Interrupt, Prompt


class Chat:
    """Takes what the keeper says, however often it says it: a keeper that comes back repeats what may be lost."""

    def __init__(self) -> None:
        self._heard = 0
        self._interrupted = 0
        self._interrupt = asyncio.Event()
        self._prompts: asyncio.Queue[Prompt | None] = asyncio.Queue()

    def hear(self, message: Prompt | Interrupt | Finish) -> None:
        if isinstance(message, Interrupt):
            self._interrupted = max(self._interrupted, message.turn)
            self._interrupt.set()
        elif isinstance(message, Finish):
            self._prompts.put_nowait(None)
        elif message.turn > self._heard:
            self._heard = message.turn
            self._prompts.put_nowait(message)

    async def next(self) -> Prompt | None:
        """What is said next; None when the person is done."""
        return await self._prompts.get()

    def is_interrupted(self, turn: int) -> bool:
        return turn <= self._interrupted

    async def interrupted(self, turn: int) -> None:
        """Waits until this turn is to end."""
        while not self.is_interrupted(turn):
            self._interrupt.clear()
            await self._interrupt.wait()
