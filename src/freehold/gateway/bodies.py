"""Bodies of requests, read whole before anything is done with them: bounded in size, in time, and all together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration, size
from freehold.gateway.answers import as_error
from freehold.gateway.local_peer import is_local

LARGEST_BODY = 1024 * 1024
LARGEST_DELIVERY = 10 * 1024 * 1024
"""Of a webhook; GitHub's are at most 25 MB by its documentation, and the system before took 10."""
DEADLINE_S = 30.0
"""For one whole body: 10 MB at 340 kB/s."""
MOST_HELD = 128 * 1024 * 1024
"""Of all bodies that are being read or worked on at once: of deliveries, of everything else, and of what comes through
the local socket, each for itself. So whoever floods the webhooks keeps nobody from ending a run."""


class Bodies:
    """Around an ASGI application, which gets each body in one piece; what is too large or too slow it never sees, and
    `refused` is told."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        deadline_s: float = DEADLINE_S,
        most_held: int = MOST_HELD,
        held: Counter[str] | None = None,
        refused: Callable[[Scope, FreeholdError], None] = lambda _scope, _error: None,
    ) -> None:
        self._app = app
        self._refused = refused
        self._deadline_s = deadline_s
        self._most_held = most_held
        self._held: Counter[str] = Counter() if held is None else held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body, purse = bytearray(), purse_of(scope)
        try:
            if not await self._read(scope, receive, body, purse):
                return  # whoever asked has gone
        except FreeholdError as error:
            self._refused(scope, error)
            response = as_error(error)
            response.headers["Connection"] = "close"  # what was not read must not be taken for the next request
            await response(scope, receive, send)
        else:
            await self._app(scope, once(bytes(body), receive), send)
        finally:
            self._held[purse] -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray, purse: str) -> bool:
        _require_one_length(scope)
        most = LARGEST_DELIVERY if _is_delivery(scope) else LARGEST_BODY
        _require_fits(_stated_length(scope), most)
        try:
            async with asyncio.timeout(self._deadline_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    piece = message.get("body", b"")
                    body += piece
                    self._held[purse] += len(piece)
                    _require_fits(len(body), most)
                    self._require_room(purse)
                    more = message.get("more_body", False)
        except TimeoutError:
            raise FreeholdError(
                Code.REQUEST_TIMEOUT, f"the body did not come within {duration(self._deadline_s)}", "Send it faster."
            ) from None
        return True

    def _require_room(self, purse: str) -> None:
        if self._held[purse] > self._most_held:
            raise FreeholdError(Code.OVERLOADED, "too much is being sent at once", "Send it again in a moment.")


def _is_delivery(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/webhooks/")


def purse_of(scope: Scope) -> str:
    """With whose bodies that of a request is counted."""
    return "local" if is_local(scope) else "deliveries" if _is_delivery(scope) else "others"


def _has_body(scope: MutableMapping[str, Any]) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"transfer-encoding" in names or _stated_length(scope) > 0


def _stated_length(scope: MutableMapping[str, Any]) -> int:
    # The server has checked that it is a number; it reads no more than that, and says when less comes.
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _require_one_length(scope: MutableMapping[str, Any]) -> None:
    """With both headers, what stands between us and the sender may end the request elsewhere (RFC 9112 §6.1)."""
    names = {name for name, _ in scope["headers"]}
    if {b"transfer-encoding", b"content-length"} <= names:
        raise FreeholdError(
            Code.PROTOCOL, "the body has two lengths: Content-Length and Transfer-Encoding", "Send one."
        )


def _require_fits(length: int, most: int) -> None:
    if length > most:
        raise FreeholdError(Code.TOO_LARGE, f"the body is larger than {size(most)}", "Send less.")


def once(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def once_more() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more
