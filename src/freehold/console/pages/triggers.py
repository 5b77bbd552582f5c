"""One trigger: that it waits, why, and what became of it. Once it has begun, the run is what people want to see."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.console.visit import Visit
from freehold.wire.service import AgentView, TriggerDetail


async def one(visit: Visit) -> Response:
    detail: TriggerDetail = await visit.get("/triggers/{id}", id=visit.request.path_params["id"])
    trigger = detail.trigger
    if trigger.run_id and trigger.state in ("running", "done"):
        return visit.elsewhere(f"/runs/{quote(trigger.run_id, safe='')}")
    held = await _held(visit, trigger.agent) if trigger.state == "waiting" else ""
    return visit.page("trigger.html", detail=detail, trigger=trigger, held=held)


async def _held(visit: Visit, name: str) -> str:
    """Why its agent begins nothing now."""
    try:
        agent: AgentView = await visit.get("/agents/{name}", name=name)
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return f"the agent {name} is not in the project any more"
    return agent.held
