"""Locks that runs hold."""

from __future__ import annotations

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import LockView


async def page(visit: Visit) -> Response:
    held: list[LockView] = await visit.get("/locks")
    return visit.page("locks.html", locks=held)
