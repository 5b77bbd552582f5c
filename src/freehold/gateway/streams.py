"""Answers that go on: server-sent events and JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from starlette.responses import StreamingResponse

from freehold.base.errors import Code, FreeholdError

SAID_AT_LEAST_EVERY_S = 15.0
"""So that whatever stands between does not take a quiet stream for a dead one."""
MOST_STREAMS = 200
_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}

Piece = tuple[str, str, bytes]
"""An event's id, its kind, and its data: one line of JSON."""


class Streams:
    """The streams that are open: bounded in number, and ended together."""

    def __init__(self) -> None:
        self._open = 0
        self._closing = asyncio.Event()

    def events(self, source: AsyncIterator[Piece]) -> StreamingResponse:
        """Server-sent events, as WHATWG HTML has them. Raises OVERLOADED."""
        return self._answer(source, _as_event, "text/event-stream", b": still here\n\n")

    def lines(self, source: AsyncIterator[Piece]) -> StreamingResponse:
        """One JSON object a line. Raises OVERLOADED."""
        return self._answer(source, lambda piece: piece[2] + b"\n", "application/jsonl", b"")

    def close(self) -> None:
        self._closing.set()

    def _answer(
        self, source: AsyncIterator[Piece], write: Callable[[Piece], bytes], kind: str, idle: bytes
    ) -> StreamingResponse:
        if self._open >= MOST_STREAMS:
            raise FreeholdError(Code.OVERLOADED, f"{MOST_STREAMS} streams are open already", "Close some.")
        return StreamingResponse(self._pieces(source, write, idle), headers=_HEADERS, media_type=kind)

    async def _pieces(
        self, source: AsyncIterator[Piece], write: Callable[[Piece], bytes], idle: bytes
    ) -> AsyncIterator[bytes]:
        self._open += 1
        closing = asyncio.create_task(self._closing.wait())
        coming: asyncio.Task[Piece | None] | None = None
        try:
            if idle:
                yield idle  # the head of the answer goes out at once
            while not self._closing.is_set():
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
            self._open -= 1
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
