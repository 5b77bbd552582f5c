"""A port of this machine that leads to a unix socket of a server.

What answers there is a page's origin to a browser, together with the port: scripts that stay and answer instead of the
server (service workers), what is cached, what is stored. A gateway that was taken over may leave such behind. So each
has ports of its own, the same each time, and nobody else's console is ever found where it was; nor this machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from freehold.base.errors import Code, FreeholdError

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 29_999
"""Below those that systems give to connections (32768 on Linux), and above those that programs have by custom."""
_TRIES = 20
_AT_ONCE = 64
"""Connections; further ones wait. A browser opens six to one address."""
_PIECE_BYTES = 64 * 1024


def ports_of(whose: str) -> Iterator[int]:
    """Those that `whose` console is looked for at, in this order: the first one that is free. Pure."""
    for number in range(_TRIES):
        digest = hashlib.sha256(f"{number} {whose}".encode()).digest()
        yield FIRST + int.from_bytes(digest[:8]) % (LAST - FIRST + 1)


def listen_at(port: int | None, whose: str) -> socket.socket:
    """A listening socket at `port` of 127.0.0.1, else at the first free one of `whose`. Raises CONFLICT when it is
    taken (or none is free), CONFIG when it may not be used."""
    *others, last = [port] if port is not None else ports_of(whose)
    for one in others:
        with contextlib.suppress(_TakenError):
            return _listen(one)
    return _listen(last)


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
