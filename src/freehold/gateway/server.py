"""uvicorn, as we run it: one server for the port, one for the local socket, and signals left to us."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from freehold.gateway.local_peer import LocalPeers, LocalProtocol
from freehold.gateway.patient_protocol import Patience, PatientProtocol

FINISH_WITHIN_S = 5
"""How long requests that are being answered may take when the service stops."""
KEEP_ALIVE_S = 30


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """A server at work; `stop` finishes what is being answered, and closes its sockets."""

    def __init__(self, server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        self._server = server
        self._task = asyncio.create_task(server.serve(sockets))

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._task


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, sockets: list[socket.socket], *, local: bool = False, patience: Patience | None = None
) -> AsyncIterator[Serving]:
    """Serve `app` on sockets that listen already; those of a `local` server need no key."""
    patience = patience or Patience.of_this_process()
    protocol = functools.partial(LocalProtocol if local else PatientProtocol, patience=patience)
    config = uvicorn.Config(
        LocalPeers(app) if local else app,
        http=protocol,  # type: ignore[arg-type]  # it is called, and no more
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # An edge on this machine says who asks; it is for the log and the throttle, and lets nobody in.
        proxy_headers=not local,
        forwarded_allow_ips="127.0.0.1",
        backlog=patience.at_once,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_WITHIN_S,
    )
    running = Serving(_Server(config), sockets)
    try:
        yield running
    finally:
        await running.stop()
