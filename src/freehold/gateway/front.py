"""What answers from the first moment on: `/health` while the rest still starts, then the application itself."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold import __version__
from freehold.wire.service import Health

STARTING = "starting"
WAITS_S = 25.0
"""Less than what waits at an edge (30 s); a start takes a second or two, more when a database is brought up to date."""


class Front:
    """Passes on to the application once it is opened. Until then a request waits, for `WAITS_S` at most: whoever asks
    while the service is replaced notices no more than that. `/health` is answered at once.
    """

    def __init__(self, waits_s: float = WAITS_S) -> None:
        self._app: ASGIApp | None = None
        self._opened = asyncio.Event()
        self._waits_s = waits_s

    def open(self, app: ASGIApp) -> None:
        self._app = app
        self._opened.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None and not _asks_for_health(scope):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._opened.wait(), self._waits_s)
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _not_yet(scope, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013})


def _asks_for_health(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] == "/health" and scope["method"] in ("GET", "HEAD")


async def _not_yet(scope: Scope, send: Send) -> None:
    healthy = _asks_for_health(scope)
    error = {"code": "overloaded", "message": "the project is starting", "hint": "Ask again in a moment."}
    body = msgspec.json.encode(Health(status=STARTING, version=__version__) if healthy else error)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if not healthy:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": 200 if healthy else 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
