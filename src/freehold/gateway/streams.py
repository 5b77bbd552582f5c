"""Answers that go on: server-sent events and JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from starlette.responses import StreamingResponse

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.access import Actor

SAID_AT_LEAST_EVERY_S = 15.0
"""So that whatever stands between does not take a quiet stream for a dead one."""
MOST_STREAMS = 200
MOST_OF_ONE_KEY = 100
"""So that a key that was told to somebody keeps nobody else out."""
_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}

Piece = tuple[str, str, bytes]
"""An event's id, its kind, and its data: one line of JSON."""


@dataclass(eq=False)
class _Open:
    actor: Actor
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Streams:
    """The streams that are open: bounded in number, ended together, and each with the right to it.

    `still_knows` says whether whoever follows one would be let in now.
    """

    def __init__(self, still_knows: Callable[[Actor], Awaitable[bool]]) -> None:
        self._still_knows = still_knows
        self._open: set[_Open] = set()
        self._closed = False

    def events(self, actor: Actor, source: AsyncIterator[Piece]) -> StreamingResponse:
        """Server-sent events, as WHATWG HTML has them. Raises OVERLOADED."""
        return self._answer(actor, source, _as_event, "text/event-stream", b": still here\n\n")

    def lines(self, actor: Actor, source: AsyncIterator[Piece]) -> StreamingResponse:
        """One JSON object a line. Raises OVERLOADED."""
        return self._answer(actor, source, lambda piece: piece[2] + b"\n", "application/jsonl", b"")

    def close(self) -> None:
        self._closed = True
        for one in self._open:
            one.ended.set()

    async def look_who_follows(self) -> None:
        """End the streams of keys and sessions that have ended. Raises what the database raises."""
        for one in list(self._open):
            if not await self._still_knows(one.actor):
                one.ended.set()

    def _answer(
        self, actor: Actor, source: AsyncIterator[Piece], write: Callable[[Piece], bytes], kind: str, idle: bytes
    ) -> StreamingResponse:
        of_key = sum(1 for one in self._open if actor.key_id and one.actor.key_id == actor.key_id)
        if len(self._open) >= MOST_STREAMS or of_key >= MOST_OF_ONE_KEY:
            raise FreeholdError(
                Code.OVERLOADED, f"{len(self._open)} streams are open already, {of_key} of this key", "Close some."
            )
        return StreamingResponse(self._pieces(_Open(actor), source, write, idle), headers=_HEADERS, media_type=kind)

    async def _pieces(
        self, this: _Open, source: AsyncIterator[Piece], write: Callable[[Piece], bytes], idle: bytes
    ) -> AsyncIterator[bytes]:
        self._open.add(this)
        closing = asyncio.create_task(this.ended.wait())
        coming: asyncio.Task[Piece | None] | None = None
        try:
            if idle:
                yield idle  # the head of the answer goes out at once
            while not this.ended.is_set() and not self._closed:
                coming = coming or asyncio.create_task(_next(source))
                await asyncio.wait(
                    {coming, closing}, timeout=SAID_AT_LEAST_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                )
                if not coming.done():
                    yield idle
                    continue
                piece, coming = await coming, None
                if piece is None:
                    return
                yield write(piece)
        finally:
            self._open.discard(this)
            await _end(closing, coming)
            await source.aclose()  # type: ignore[attr-defined]  # every source is a generator


async def _next(source: AsyncIterator[Piece]) -> Piece | None:
    return await anext(source, None)


async def _end(*tasks: asyncio.Task[object] | asyncio.Task[bool] | asyncio.Task[Piece | None] | None) -> None:
    for task in tasks:
        if task and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, FreeholdError):
                await task


def _as_event(piece: Piece) -> bytes:
    event_id, kind, data = piece
    return f"id: {event_id}\nevent: {kind}\ndata: ".encode() + data + b"\n\n"
