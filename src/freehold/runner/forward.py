"""Loopback ports of the run, forwarded byte by byte to the run socket.

The bytes are HTTP/1.1 that the keeper answers; the runner does not look at them. Each direction stops reading while
the other side cannot take more, so that memory is bounded however fast one side is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from freehold.base.sockets import connect_unix
from freehold.base.transports import hang_up
from freehold.runner.peer import uid_of_peer

RETRY_S = 60.0
"""How long a connection waits for the keeper to come back (`docs/interfaces.md`, "Run directory and run API")."""
_PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_HIGH_WATER_BYTES = 512 * 1024
_LINGER_S = 2.0
_NOBODY = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
    b'{"code":"unreachable","message":"the keeper of this run does not answer","hint":"freehold status"}'
)

_BACKLOG = 256


class _Side(asyncio.Protocol):
    """One end of a forwarded connection; `other` is where its bytes go."""

    def __init__(self, forwarder: Forwarder, seen: Callable[[], None]) -> None:
        self.other: _Side | None = None
        self.transport: asyncio.Transport | None = None
        self.forwarder = forwarder
        self.seen = seen
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self.transport = transport
        self.forwarder.sides.add(self)

    def data_received(self, data: bytes) -> None:
        self.seen()
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; the other direction goes on until it ends as well."""
        self._ended = True
        if self.other and self.other.transport:
            if self.other._ended:  # noqa: SLF001  its twin
                self._close_both()
            elif self.other.transport.can_write_eof():
                with contextlib.suppress(OSError):
                    self.other.transport.write_eof()
        return True

    def connection_lost(self, _exc: Exception | None) -> None:
        self.forwarder.sides.discard(self)
        if self.other and self.other.transport:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def _close_both(self) -> None:
        for side in (self, self.other):
            if side and side.transport:
                side.transport.close()


class _Near(_Side):
    """The side of the harness: it is not read until the run socket is reached."""

    def __init__(self, forwarder: Forwarder, seen: Callable[[], None]) -> None:
        super().__init__(forwarder, seen)
        self._early: list[bytes] = []
        self._early_end = False
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pause()
        self.forwarder.join(self)

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
        elif not self._refused:  # up to Python 3.11 a transport that is paused in `connection_made` reads once more
            self._early.append(data)
            self._pause()

    def eof_received(self) -> bool:
        if self.other:
            return super().eof_received()
        self._early_end = True
        return not self._refused

    def joined(self) -> None:
        """`other` is reached: pass on what came early, and read."""
        assert self.other is not None
        assert self.transport is not None
        early, self._early = self._early, []
        for data in early:
            super().data_received(data)
        if self._early_end:
            super().eof_received()
        self.transport.resume_reading()

    def refuse(self, answer: bytes) -> None:
        """Say why not, and read on for a moment: closing on unread bytes resets the connection under the answer."""
        assert self.transport is not None
        self._refused = True
        self._early.clear()
        self.transport.resume_reading()
        self.transport.write(answer)
        self.transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER_S, self.transport.close)

    def _pause(self) -> None:
        if self.transport:
            self.transport.pause_reading()


class Forwarder:
    """Listens on loopback ports; owns every connection it forwards (`sides`) until `close`, which cuts them."""

    def __init__(self, run_socket: Path, *, retry_s: float = RETRY_S, check_user: bool = False) -> None:
        self._run_socket = run_socket
        self._retry_s = retry_s
        self._check_user = check_user
        self._servers: list[asyncio.Server] = []
        self._joining: set[asyncio.Task[None]] = set()
        self.sides: set[_Side] = set()
        self.last_seen: dict[int, float] = {}
        """Port → when (monotonic seconds) bytes last passed through it."""

    async def listen(self, port: int) -> int:
        """Listen on 127.0.0.1:`port`, or on any free port where it is taken (a shared loopback); the port."""
        listener = _listener(port)
        port = int(listener.getsockname()[1])
        self.last_seen[port] = time.monotonic()

        def seen() -> None:
            self.last_seen[port] = time.monotonic()

        self._servers.append(
            await asyncio.get_running_loop().create_server(lambda: _Near(self, seen), sock=listener, backlog=_BACKLOG)
        )
        return port

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._joining:
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        for side in list(self.sides):
            if side.transport:
                hang_up(side.transport)
        await asyncio.sleep(0)  # for the transports to be closed in

    def join(self, near: _Near) -> None:
        task = asyncio.get_running_loop().create_task(self._join(near))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, near: _Near) -> None:
        assert near.transport is not None
        if self._check_user and not _is_ours(near.transport):
            hang_up(near.transport)
            return
        connection = await self._reach(near.transport)
        if connection is None:
            if not near.transport.is_closing():
                near.refuse(_NOBODY)
            return
        far = _Side(self, near.seen)
        far.other = near
        await asyncio.get_running_loop().create_unix_connection(lambda: far, sock=connection)
        near.other = far
        if near.transport.is_closing():
            near.connection_lost(None)  # it left while we were waiting
        else:
            near.joined()

    async def _reach(self, near: asyncio.Transport) -> socket.socket | None:
        deadline = time.monotonic() + self._retry_s
        for attempt in range(1_000_000):
            try:
                connection = connect_unix(self._run_socket, timeout_s=0.1)
            except OSError:
                if time.monotonic() > deadline or near.is_closing():
                    return None
                await asyncio.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
            else:
                connection.setblocking(False)
                return connection
        return None


def _listener(port: int) -> socket.socket:
    """A socket that listens at `port`, or at any free one when somebody else does."""
    listener = _unbound()
    try:
        # With SO_REUSEADDR two may bind a port, and only the first may listen.
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        listener = _unbound()
        listener.bind(("127.0.0.1", 0))
        listener.listen(_BACKLOG)
    return listener


def _unbound() -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    return listener


def _is_ours(transport: asyncio.Transport) -> bool:
    """Whether the peer is a process of this user: a loopback without a container is everybody's."""
    return uid_of_peer(transport.get_extra_info("peername"), transport.get_extra_info("sockname")) == os.getuid()
