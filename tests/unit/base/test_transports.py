"""A connection that is hung up on, in whatever state it is."""

from __future__ import annotations

import asyncio
import socket

from freehold.base.transports import hang_up


class Ends(asyncio.Protocol):
    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost.set()


async def connected() -> tuple[asyncio.Transport, Ends, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, ends = await asyncio.get_running_loop().create_connection(Ends, sock=ours)
    return transport, ends, theirs


async def test_an_open_one_is_closed_with_what_it_had_to_send() -> None:
    transport, ends, theirs = await connected()
    transport.write(b"x" * 4_000_000)
    hang_up(transport)
    await ends.lost.wait()
    theirs.close()


async def test_one_that_is_gone_stays_gone() -> None:
    """Closed while something was to be sent, which then was: `abort` fails on such a one."""
    transport, ends, theirs = await connected()
    transport.write(b"x" * 4_000_000)
    transport.close()
    while not ends.lost.is_set():
        await asyncio.get_running_loop().sock_recv(theirs, 1_000_000)
    hang_up(transport)
    hang_up(transport)
    theirs.close()
