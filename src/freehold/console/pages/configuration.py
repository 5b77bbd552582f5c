"""What of the project's files is at work, and why an edit is not."""

from __future__ import annotations

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.configuration import Configuration


async def page(visit: Visit) -> Response:
    loaded: Configuration = await visit.get("/configuration")
    return visit.page("configuration.html", loaded=loaded, warnings=warnings(loaded))


def warnings(loaded: Configuration) -> list[str]:
    """The project's own, then those of its agents; each once."""
    every = (*loaded.warnings, *(warning for agent in loaded.agents for warning in agent.warnings))
    return list(dict.fromkeys(every))
