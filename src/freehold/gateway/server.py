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
LAST_MOMENT_S = 0.5
"""For the first request of a connection when the service stops: an edge connects, and asks at once."""
_LOOKS = 100


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nobody who has connected goes without an answer, so that a service which is replaced behind a socket of
        systemd's loses no request (`docs/why/edge.md`).

        asyncio drops what it has accepted and not yet taken in when a listener is closed, and uvicorn closes every
        connection that has not asked yet: so first nobody more is accepted, and then those few have a moment.
        """
        loop = asyncio.get_running_loop()
        for listener in (each for server in self.servers for each in server.sockets):
            loop.remove_reader(listener.fileno())
        for _ in range(_LOOKS):
            await asyncio.sleep(LAST_MOMENT_S / _LOOKS)
            if not any(_has_not_asked(one) for one in self.server_state.connections):
                break
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _has_not_asked(connection: object) -> bool:
    return getattr(connection, "cycle", connection) is None


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
