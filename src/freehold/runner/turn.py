"""One turn of the harness: prompted, and ended early when the run is to end or a person interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from freehold.runner.conversation import Conversation
from freehold.runner.ending import EndedError, Ending
from freehold.wire import acp

CANCEL_GRACE_S = 2.0
"""How long a harness may take to end a turn that was cancelled; the keeper kills the container after 5 s."""

Interruption = Callable[[], Coroutine[Any, Any, None]]


async def never() -> None:
    """Nobody interrupts."""
    await asyncio.Event().wait()


async def take_turn(
    conversation: Conversation,
    ending: Ending,
    prompt: list[acp.ContentBlock],
    told: Callable[[str], None],
    interrupted: Interruption = never,
) -> str:
    """Why the turn stopped. Raises `FreeholdError`; `EndedError` when the run is to end first.

    `interrupted` ends when the turn is to end and nothing else: the harness is asked to, and then waited for as long as
    it takes. `told` hears why a turn stopped that the run's end cut short.
    """
    turn = asyncio.ensure_future(conversation.turn(prompt))
    asked = asyncio.ensure_future(ending.asked())
    cut = asyncio.ensure_future(interrupted())
    try:
        await asyncio.wait({turn, asked, cut}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done() and not asked.done():
            conversation.cancel()
            await asyncio.wait({turn, asked}, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            return turn.result()
        conversation.cancel()
        await asyncio.wait({turn}, timeout=CANCEL_GRACE_S)
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            told(turn.result())
        raise EndedError
    finally:
        for task in (turn, asked, cut):
            task.cancel()
        await asyncio.gather(turn, asked, cut, return_exceptions=True)
