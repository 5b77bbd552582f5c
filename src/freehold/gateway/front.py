"""What answers from the first moment on: `/health` while the rest still starts, then the application itself."""

from __future__ import annotations

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold import __version__
from freehold.wire.service import Health

STARTING = "starting"


class Front:
    """Passes on to `app` once there is one."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is not None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await _not_yet(scope, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013})


async def _not_yet(scope: Scope, send: Send) -> None:
    healthy = scope["path"] == "/health" and scope["method"] in ("GET", "HEAD")
    error = {"code": "overloaded", "message": "the project is starting", "hint": "Ask again in a moment."}
    body = msgspec.json.encode(Health(status=STARTING, version=__version__) if healthy else error)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if not healthy:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": 200 if healthy else 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
