"""Runs: the list of them, and one of them as it goes on."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.console.pages.left import left_by
from freehold.console.transcript import Transcript, transcript
from freehold.console.visit import Visit
from freehold.wire.calls import CallMade
from freehold.wire.runs import Result, RunState, RunView, TriggerType
from freehold.wire.service import AgentView, Page, TriggerDetail

MOST_EVENTS = 50_000
"""Lines that are read for one page."""
_FILTERS = ("agent", "result", "trigger")


async def every(visit: Visit) -> Response:
    chosen = visit.query(*_FILTERS)
    found: Page = await visit.get("/runs", {**visit.query("before"), **chosen})
    agents: list[AgentView] = await visit.get("/agents")
    older = urlencode({**chosen, "before": found.before}) if found.before else ""
    return visit.page(
        "runs.html",
        runs=found.runs,
        older=older,
        agents=[agent.name for agent in agents],
        results=[str(result) for result in Result],
        kinds=[str(kind) for kind in TriggerType],
        chosen={name: chosen.get(name, "") for name in _FILTERS},
        paged="before" in visit.request.query_params,
    )


async def one(visit: Visit) -> Response:
    run: RunView = await visit.get("/runs/{id}", id=visit.request.path_params["id"])
    read, problem = await _transcript(visit, run)
    calls: list[CallMade] = await visit.get("/runs/{id}/calls", id=run.run_id)
    told = await _told(visit, run.trigger.id)
    return visit.page(
        "run.html", run=run, transcript=read, problem=problem, told=told, calls=calls, left=await left_by(visit, run)
    )


async def _told(visit: Visit, trigger_id: str) -> TriggerDetail | None:
    """None for a run that nothing here started, and for one whose trigger is forgotten."""
    if not trigger_id:
        return None
    try:
        found: TriggerDetail = await visit.get("/triggers/{id}", id=trigger_id)
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return None
    return found


async def _transcript(visit: Visit, run: RunView) -> tuple[Transcript, str]:
    """With why there is none, or only a part of it."""
    lines: list[bytes] = []
    source = visit.api.run_events(run.run_id)
    problem = ""
    try:
        async for line in source:
            lines.append(line)
            if len(lines) >= MOST_EVENTS:
                problem = f"Only the first {MOST_EVENTS} events are shown; `freehold logs` has all."
                break
    except FreeholdError as error:
        gone = error.code is Code.NOT_FOUND
        if not gone:
            problem = f"What it says cannot be read: {error.message}"
        elif run.state is RunState.FINISHED:  # else it has not begun
            problem = "What it said is not kept any more."
    finally:
        await source.aclose()
    return transcript(lines), problem
