"""Runs: the list of them, and one of them as it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.console.hearings import Hearings
from freehold.console.pages.left import left_by
from freehold.console.transcript import Transcript
from freehold.console.visit import Visit
from freehold.wire.calls import CallMade
from freehold.wire.runs import Result, RunState, RunView, TriggerType
from freehold.wire.service import AgentView, Page, TriggerDetail

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


def one_of(hearings: Hearings) -> Callable[[Visit], Awaitable[Response]]:
    """The page of one run, which remembers what it has heard of it."""

    async def one(visit: Visit) -> Response:
        run: RunView = await visit.get("/runs/{id}", id=visit.request.path_params["id"])
        read, problem = await _transcript(visit, run, hearings)
        calls: list[CallMade] = await visit.get("/runs/{id}/calls", id=run.run_id)
        told = await _told(visit, run.trigger.id)
        left = await left_by(visit, run)
        return visit.page("run.html", run=run, transcript=read, problem=problem, told=told, calls=calls, left=left)

    return one


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


async def _transcript(visit: Visit, run: RunView, hearings: Hearings) -> tuple[Transcript, str]:
    """With why there is none, or only a part of it."""
    try:
        read, whole = await hearings.read(visit.api, run.run_id)
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            return hearings.so_far(run.run_id), f"What it says cannot be read: {error.message}"
        over = run.state is RunState.FINISHED  # else it has not begun
        return Transcript(), "What it said is not kept any more." if over else ""
    return (
        read,
        "" if whole else f"This is as far as its first {read.last_seq} events go; load the page again for more.",
    )
