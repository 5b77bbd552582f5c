"""What waits, and what was given up: each in pages of its own."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import TriggerView

PAGE = 50
_WAITING, _DEAD = "waiting", "before"


async def page(visit: Visit) -> Response:
    chosen = visit.query(_WAITING, _DEAD)
    waiting = await _found(visit, "/queue", chosen.get(_WAITING, ""))
    dead = await _found(visit, "/dead-letters", chosen.get(_DEAD, ""))
    return visit.page(
        "queue.html",
        waiting=waiting,
        dead=dead,
        here_alone=address(chosen),
        waiting_pages=_pages(chosen, _WAITING, waiting, ""),
        dead_pages=_pages(chosen, _DEAD, dead, "#dead"),
    )


def address(chosen: dict[str, str]) -> str:
    """The page of the queue with these places in its two lists; what is empty is a list's beginning."""
    given = {name: value for name, value in chosen.items() if value}
    return "/queue" + (f"?{urlencode(given)}" if given else "")


async def _found(visit: Visit, path: str, before: str) -> list[TriggerView]:
    asked = {"limit": str(PAGE), **({"before": before} if before else {})}
    found: list[TriggerView] = await visit.get(path, asked)
    return found


def _pages(chosen: dict[str, str], name: str, found: list[TriggerView], place: str) -> list[tuple[str, str]]:
    """Titles and addresses of the pages before and after; the other list stays where it is."""
    pages = [("Newest", address({**chosen, name: ""}) + place)] if chosen.get(name) else []
    return [*pages, *([("Older", address({**chosen, name: found[-1].id}) + place)] if len(found) == PAGE else [])]
