"""Agents: how they stand, and what may be done with them."""

from __future__ import annotations

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import AgentView, Page, ProjectStatus


async def every(visit: Visit) -> Response:
    status: ProjectStatus = await visit.get("/status")
    return visit.page("agents.html", status=status)


async def one(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    agent: AgentView = await visit.get("/agents/{name}", name=name)
    latest: Page = await visit.get("/runs", {"agent": name, "limit": "15"})
    return visit.page("agent.html", agent=agent, runs=latest.runs)
