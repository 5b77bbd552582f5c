"""A chat without a terminal: each line of standard input is a message, and its end finishes the chat."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

from freehold.cli.chat_state import ChatState
from freehold.cli.chat_talk import Talk
from freehold.cli.context import Context
from freehold.cli.follow import Follower, follow_until_interrupted, shower
from freehold.cli.output import note
from freehold.client.keeper import KeeperConnection
from freehold.wire.events import AnyEvent, Message, RunFinished, TurnFinished

_PIECE_BYTES = 64 * 1024
_RESULTS = (Message, TurnFinished, RunFinished)


class LineChat:
    """Says one line after the other, each when the one before is answered."""

    def __init__(self, context: Context, talk: Talk, *, verbose: bool = False) -> None:
        self._context = context
        self._talk = talk
        self._state = ChatState()
        self._changed = asyncio.Event()
        self._shower = shower(context, verbose=verbose)
        self._follower = Follower(context, talk.run_id, show=self._show)

    async def hold(self, connection: KeeperConnection | None, first: int) -> RunFinished:
        """Until the run ends. `first` is the turn that was said already, 0 for none.

        Raises what the keeper says to a line that it does not take; the chat then ends with what was said before.
        """
        following = asyncio.create_task(
            follow_until_interrupted(self._follower, self._context, self._talk.run_id, connection)
        )
        saying = asyncio.create_task(self._say_all(first))
        try:
            await asyncio.wait({following, saying}, return_when=asyncio.FIRST_COMPLETED)
            if saying.done() and not saying.cancelled() and saying.exception():
                await self._talk.finish()
                await following
                saying.result()
            return await following
        finally:
            saying.cancel()
            following.cancel()
            await asyncio.gather(saying, following, return_exceptions=True)

    def _show(self, event: AnyEvent) -> None:
        self._state.see(event)
        self._changed.set()
        if self._context.json or not self._context.quiet or isinstance(event, _RESULTS):
            self._shower(event)

    async def _say_all(self, first: int) -> None:
        await self._until_answered(first)
        async for line in lines(sys.stdin.fileno()):
            if line.strip():
                await self._until_answered((await self._talk.say(line)).turn)
        await self._talk.finish()

    async def _until_answered(self, turn: int) -> None:
        while self._state.ended < turn:
            self._changed.clear()
            await self._changed.wait()


async def lines(file: int) -> AsyncIterator[str]:
    """The lines of a file, pipe or terminal, without their ends, as they come.

    A thread reads: no event loop waits for files. It is never waited for, and ends with the program.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        while True:
            try:
                piece = os.read(file, _PIECE_BYTES)
            except OSError:
                piece = b""
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, piece)
            except RuntimeError:  # nobody waits any more: the loop is closed
                return
            if not piece:
                return

    threading.Thread(target=read, name="standard input", daemon=True).start()
    rest = b""
    while piece := await pieces.get():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    text = line.removesuffix(b"\r").decode("utf-8", "replace")
    if "\N{REPLACEMENT CHARACTER}" in text:
        note("  a line is no UTF-8; what cannot be read of it is replaced")
    return text
