"""Agents: how they stand, and what may be done with them."""

from __future__ import annotations

from starlette.responses import Response

from freehold.console.agent_pages import page_of
from freehold.console.visit import Visit
from freehold.wire.service import AgentView, Page, ProjectStatus

MOST_PROBLEMS = 20
"""Each a box; an agent's own is in its row, too."""


async def every(visit: Visit) -> Response:
    status: ProjectStatus = await visit.get("/status")
    asked = visit.query("text", "page")
    shown = page_of(status.agents, asked.get("text", ""), asked.get("page", ""))
    return visit.page("agents.html", status=status, shown=shown, problems=status.problems[:MOST_PROBLEMS])


async def one(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    agent: AgentView = await visit.get("/agents/{name}", name=name)
    latest: Page = await visit.get("/runs", {"agent": name, "limit": "15"})
    return visit.page("agent.html", agent=agent, runs=latest.runs)
