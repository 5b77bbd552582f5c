"""Whoever asks through the socket in the project's own state: this user, or root, as the kernel says."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.base.sockets import peer_of
from freehold.gateway.patient_protocol import PatientProtocol

_MARK = "freehold.local"


def is_local(scope: MutableMapping[str, Any]) -> bool:
    return bool(scope.get(_MARK))


class LocalPeers:
    """Around the application that serves the local socket: its callers need no key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, _MARK: True}, receive, send)


class LocalProtocol(PatientProtocol):
    """The same for the local socket. Its mode keeps others out; the kernel is asked all the same."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection: socket.socket = transport.get_extra_info("socket")
        if peer_of(connection).uid not in (os.geteuid(), 0):
            transport.abort()
