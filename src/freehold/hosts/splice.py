"""Local sockets that lead elsewhere: what is written into one comes out there, and the other way round."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

_PIECE_BYTES = 64 * 1024

Read = Callable[[int], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]
EndInput = Callable[[], None]
HangUp = Callable[[], Awaitable[None]]


class Splices:
    """The connections of one host. They go on while its event loop runs, until either side ends or `close`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, read: Read, write: Write, end_input: EndInput, hang_up: HangUp) -> socket.socket:
        """A blocking socket, joined with `read` and `write`; whoever gets it closes it."""
        theirs, ours = socket.socketpair()
        task = asyncio.create_task(_splice(ours, read, write, end_input, hang_up))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return theirs

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _splice(ours: socket.socket, read: Read, write: Write, end_input: EndInput, hang_up: HangUp) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    up = asyncio.create_task(_up(reader, write, end_input))
    try:
        # A side that breaks is a side that ends: who reads the socket sees its end.
        with contextlib.suppress(ConnectionError):
            while piece := await read(_PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
    finally:
        up.cancel()
        try:
            await hang_up()
            await asyncio.wait({up})
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()  # who is cancelled while it ends leaves nothing open


async def _up(reader: asyncio.StreamReader, write: Write, end_input: EndInput) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(_PIECE_BYTES):
            await write(piece)
        end_input()
