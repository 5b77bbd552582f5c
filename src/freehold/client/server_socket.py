"""A unix socket of a server, for who connects to it again and again for hours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import Host

LogIn = Callable[[], Awaitable[Host]]
Greet = Callable[[socket.socket], None]
"""What is said over a new connection first, or raises: blocking, and not in the event loop."""


def _nothing(_connection: socket.socket) -> None:
    pass


class ServerSocket:
    """The socket at `path`, over one SSH connection: opened by the first who asks, and anew when it broke, as it does
    when a laptop sleeps. Whoever has it closes it."""

    def __init__(self, log_in: LogIn, path: str, greet: Greet = _nothing) -> None:
        self._log_in = log_in
        self._path = path
        self._greet = greet
        self._host: Host | None = None
        self._logging_in = asyncio.Lock()

    async def open(self) -> socket.socket:
        """A connection, greeted. Raises what logging in raises, NOT_FOUND when nobody listens there, DENIED when this
        user must not connect; what greeting raises."""
        connection = await self._open()
        try:
            await asyncio.to_thread(self._greet, connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _open(self) -> socket.socket:
        before = self._host
        host = await self._connected()
        try:
            return await host.forward(self._path, as_root=True)
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or host is not before:
                raise
        await self._drop(host)
        return await (await self._connected()).forward(self._path, as_root=True)

    async def is_there(self, path: str) -> bool:
        """Whether somebody listens at another path there. Raises as `open`."""
        try:
            (await (await self._connected()).forward(path, as_root=True)).close()
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return False
        return True

    async def close(self) -> None:
        if self._host is not None:
            await self._drop(self._host)

    async def _connected(self) -> Host:
        async with self._logging_in:
            if self._host is None:
                self._host = await self._log_in()
            return self._host

    async def _drop(self, host: Host) -> None:
        async with self._logging_in:
            if self._host is host:
                self._host = None
        with contextlib.suppress(FreeholdError):  # it is given up
            await host.close()
