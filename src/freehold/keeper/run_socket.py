"""`run.sock`: the one socket through which a run meets the world; the socket is the run's identity."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aiohttp import web

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.base.sockets import listen_unix, peer_of
from freehold.base.transports import hang_up
from freehold.egress.answers import error_answer
from freehold.egress.proxy import EgressProxy
from freehold.keeper.mcp_relay import McpRelay
from freehold.keeper.run_api import RunApi
from freehold.keeper.run_routes import Gateway, run_application
from freehold.keeper.run_session import RunSession

SOCKET_MODE = 0o666
"""Whoever sees the directory may connect: only its run does, as uid 1000 or another (user namespaces)."""
_CONNECT = b"CONNECT "
_AFTER_FAULT_S = 1.0

_log = logging.getLogger(__name__)
_unheard = logging.getLogger("freehold.run_clients")
_unheard.setLevel(logging.CRITICAL + 1)
"""aiohttp logs what clients get wrong, with tracebacks: a run could fill the disk. Defects of ours go elsewhere."""


@dataclass(frozen=True)
class SocketLimits:
    """Bounds of one run's socket; seconds, bytes, connections."""

    connections: int = 512
    per_second: float = 200.0
    """New connections on average, and `burst` at once: each costs the keeper 0.1 ms, which it owes to all runs."""
    burst: float = 2000.0
    first_bytes_s: float = 30.0
    request_head_s: float = 60.0
    """For the head of an HTTP request, and for silence between two requests."""
    header_bytes: int = 16 * 1024
    close_s: float = 5.0


class RunSocket:
    """Listens at `path` between `open` and `close`.

    With `only_uid`, connections of any other user are refused (host-user: the kernel says who connects). A socket left
    behind by a keeper that died is replaced: runners find the new one by its name.
    """

    def __init__(
        self,
        path: Path,
        *,
        api: RunApi,
        session: RunSession,
        gateway: Gateway,
        egress: EgressProxy,
        mcp: McpRelay | None = None,
        only_uid: int | None = None,
        limits: SocketLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._session = session
        self._egress = egress
        self._only_uid = only_uid
        self._limits = limits or SocketLimits()
        self._clock = clock or SystemClock()
        self._pace = Pace(self._limits.per_second, self._limits.burst)
        self._runner = web.AppRunner(
            run_application(api, session, gateway, egress, mcp, self._clock),
            access_log=None,
            logger=_unheard,
            handler_cancellation=True,
            auto_decompress=False,  # a megabyte of a run would become a gigabyte to go through, even when it is refused
            keepalive_timeout=self._limits.request_head_s,
            max_line_size=self._limits.header_bytes,
            max_field_size=self._limits.header_bytes,
            shutdown_timeout=0.2,
        )
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._inode = 0
        self._connections: set[asyncio.Transport] = set()

    async def open(self) -> None:
        """Make the socket and listen. Raises `OSError`."""
        await self._runner.setup()
        self._listener = listen_unix(self._path, SOCKET_MODE)
        self._inode = self._path.stat().st_ino
        self._accepting = asyncio.create_task(self._accept(self._listener))

    async def _accept(self, listener: socket.socket) -> None:
        """Take connections in, at a pace; those that come faster wait in the kernel, which has room for some."""
        loop = asyncio.get_running_loop()
        while True:
            await self._clock.sleep(self._pace.take(self._clock.monotonic()))
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError:  # no descriptors left; what other connections hold comes back
                _log.exception("a connection of a run could not be taken in")
                await self._clock.sleep(_AFTER_FAULT_S)
                continue
            await loop.connect_accepted_socket(lambda: _FirstBytes(self), connection)

    async def close(self) -> None:
        """Cut everything, within `close_s`; may be called again."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # not the one of a keeper that came after this one
                self._path.unlink()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_s):
                await asyncio.gather(self._session.close(), self._egress.close())
                await self._runner.cleanup()
        for connection in self._connections:
            hang_up(connection)
        self._connections.clear()

    def admit(self, connection: asyncio.Transport) -> None:
        """Count a connection. Raises `FreeholdError` when it may not be served."""
        peer = peer_of(cast("socket.socket", connection.get_extra_info("socket")))
        if self._only_uid is not None and peer.uid != self._only_uid:
            raise FreeholdError(
                Code.DENIED, f"this socket is not for user {peer.uid}", "use the socket of your own run"
            )
        if len(self._connections) >= self._limits.connections:
            self._connections = {each for each in self._connections if not each.is_closing()}
        if len(self._connections) >= self._limits.connections:
            message = f"this run has {self._limits.connections} connections to its keeper, the most there may be"
            raise FreeholdError(Code.BUSY, message, "close some, or open fewer at once")
        self._connections.add(connection)

    def protocol_for(self, first: bytes) -> asyncio.BaseProtocol | None:
        """Who serves a connection that begins with `first`; None while that is not yet to be told."""
        if first.startswith(_CONNECT):
            return self._egress.protocol()
        if _CONNECT.startswith(first) or self._runner.server is None:
            return None
        return self._runner.server()

    @property
    def first_bytes_s(self) -> float:
        return self._limits.first_bytes_s


class _FirstBytes(asyncio.Protocol):
    """Waits for the first bytes of a connection, and hands it on with them."""

    def __init__(self, owner: RunSocket) -> None:
        self._owner = owner
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        try:
            self._owner.admit(transport)
        except FreeholdError as error:
            transport.write(error_answer(error))
            transport.close()
            return
        self._transport = transport
        self._deadline = asyncio.get_running_loop().call_later(self._owner.first_bytes_s, hang_up, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        protocol = self._owner.protocol_for(self._received)
        if protocol is None or self._transport is None:
            return
        self._stop_waiting()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        cast("asyncio.Protocol", protocol).data_received(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
