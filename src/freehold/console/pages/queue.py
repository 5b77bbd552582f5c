"""What waits, and what was given up."""

from __future__ import annotations

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import TriggerView

PAGE = 50


async def page(visit: Visit) -> Response:
    waiting: list[TriggerView] = await visit.get("/queue", {"limit": str(PAGE)})
    asked = {"limit": str(PAGE), **visit.query("before")}
    dead: list[TriggerView] = await visit.get("/dead-letters", asked)
    older = dead[-1].id if len(dead) == PAGE else ""
    return visit.page("queue.html", waiting=waiting, dead=dead, older=older, more=len(waiting) == PAGE)
