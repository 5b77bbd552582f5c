"""Whoever asks through the console's socket, which `freehold console -E` joins to a port of another machine.

Any program of that machine can reach such a port: so a key is needed there, as everywhere but at the local socket. Only
which port it is cannot be known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.gateway.patient_protocol import Patience
from freehold.wire.service import CONSOLE_SOCKET

ADDRESS = CONSOLE_SOCKET
"""Where they ask from, as far as can be told: in the log and the audit."""
PATIENCE = Patience(connections=256, at_once=64)
"""It is for the browsers of people who may log in to this machine."""
_MARK = "freehold.forwarded"


def is_forwarded(scope: Mapping[str, Any]) -> bool:
    return bool(scope.get(_MARK))


class ForwardedPeers:
    """Around the application that serves the console's socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, _MARK: True, "client": (ADDRESS, 0)}, receive, send)
