"""A port of this machine that leads to a unix socket of a server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from freehold.base.errors import Code, FreeholdError

LOOPBACK = "127.0.0.1"
FIRST, LAST = 8080, 8179
"""Where a free one is looked for when nobody names one."""
_AT_ONCE = 64
"""Connections; further ones wait. A browser opens six to one address."""
_PIECE_BYTES = 64 * 1024


def listen_at(port: int | None = None) -> socket.socket:
    """A listening socket at `port` of 127.0.0.1, else at the first free one from 8080. Raises CONFLICT when it is taken
    (or none is free), CONFIG when it may not be used."""
    if port is not None:
        return _listen(port)
    for one in range(FIRST, LAST):
        with contextlib.suppress(_TakenError):
            return _listen(one)
    return _listen(LAST)


class _TakenError(FreeholdError):
    def __init__(self, port: int) -> None:
        super().__init__(
            Code.CONFLICT, f"port {port} of this machine is in use by another program", "Choose another one: --port N."
        )


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(_AT_ONCE)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise _TakenError(port) from None
        raise FreeholdError(
            Code.CONFIG,
            f"port {port} of this machine cannot be used: {error.strerror}",
            "Choose another one: --port N.",
        ) from None
    listener.setblocking(False)
    return listener


Open = Callable[[], Awaitable[socket.socket]]
Failed = Callable[[FreeholdError], None]


@contextlib.asynccontextmanager
async def leading(listener: socket.socket, there: Open, failed: Failed) -> AsyncIterator[None]:
    """Whoever connects to `listener` is joined with a connection of their own by `there`. Where that raises, `failed`
    is told, and they are hung up on. At the end all are, and `listener` is closed."""
    room = asyncio.Semaphore(_AT_ONCE)
    joined: set[asyncio.Task[None]] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        joined.add(task)
        task.add_done_callback(joined.discard)
        try:
            async with room:
                await _join(reader, writer, await there())
        except FreeholdError as error:
            failed(error)
        finally:
            writer.close()

    server = await asyncio.start_server(join, sock=listener)
    try:
        yield
    finally:
        server.close()
        for task in joined:
            task.cancel()
        await asyncio.gather(*joined, return_exceptions=True)
        await server.wait_closed()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: socket.socket) -> None:
    """Until the other side ends it."""
    from_there, to_there = await asyncio.open_connection(sock=there)
    up = asyncio.create_task(_pass(reader, to_there))
    try:
        await _pass(from_there, writer)
    finally:
        up.cancel()
        await asyncio.wait({up})
        to_there.close()
        with contextlib.suppress(ConnectionError):
            await to_there.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):  # a side that breaks is a side that ends
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):  # nobody is there to be told
        writer.write_eof()
