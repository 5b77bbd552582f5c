"""A connection without a network: what the gateway's protocol is sent, and what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from freehold.gateway.patient_protocol import PatientProtocol


class Wire(asyncio.Transport):
    """`max_size` is what asyncio's own transports have."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.max_size = 0

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


class Conversation:
    """With an application; `long` says whether it left that word in the state of a request's scope."""

    def __init__(self, app: ASGIApp, keep_alive_s: int = 30) -> None:
        self.long = False

        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)
            self.long |= "long" in scope["state"]

        config = uvicorn.Config(
            noting,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=keep_alive_s,
        )
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"Sat, 21 Nov 2026 09:00:00 GMT")]
        self.wire = Wire()
        self.protocol = PatientProtocol(config, self.state, {})
        self.protocol.connection_made(self.wire)

    async def send(self, data: bytes) -> bytes:
        """What is answered to it."""
        self.protocol.data_received(data)
        return await self.heard()

    async def heard(self) -> bytes:
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)
            await asyncio.sleep(0)  # what is to be said, is said
        said, self.wire.sent = self.wire.sent, b""
        return said

    def end(self) -> None:
        self.protocol.connection_lost(None)
