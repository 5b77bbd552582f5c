"""Whoever asks through the socket in the project's own state: this user, or root, as the kernel says."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from freehold.base.sockets import peer_of

_MARK = "freehold.local"
HEADERS_DEADLINE_S = 15.0
"""Until the head of a connection's first request is there; a browser that connects in advance connects again."""


def is_local(scope: MutableMapping[str, Any]) -> bool:
    return bool(scope.get(_MARK))


class LocalPeers:
    """Around the application that serves the local socket: its callers need no key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, _MARK: True}, receive, send)


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to how long a connection may say nothing; uvicorn has one only between two requests."""

    _silent: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._silent = self.loop.call_later(HEADERS_DEADLINE_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._silent:
            self._silent.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.abort()


class LocalProtocol(PatientProtocol):
    """The same for the local socket. Its mode keeps others out; the kernel is asked all the same."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection: socket.socket = transport.get_extra_info("socket")
        if peer_of(connection).uid not in (os.geteuid(), 0):
            transport.abort()
