"""Runs: the list of them, one of them, what it says, and what is done with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.api.agents import start
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.streams import Piece
from freehold.scheduler.intake import NewTrigger
from freehold.store import run_index, triggers
from freehold.store.api_keys import Scope
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.runs import Result, RunState, RunView, Trigger, TriggerType
from freehold.wire.service import (
    Done,
    FollowUp,
    KillRequest,
    Page,
    PermissionAnswer,
    TriggerAccepted,
)

PAGE = 50
_AND_RUN = "~"
"""Between the moment and the run id that a page ends with."""
MOST_EVENTS = 2**53


async def page(asked: Asked) -> Page:
    limit = asked.number("limit", PAGE)
    agent, results, kinds = asked.text("agent"), _each(asked, "result", Result), _each(asked, "trigger", TriggerType)
    before, before_run = _cursor(asked)
    found = await asked.service.database.read(
        lambda connection: run_index.page(
            connection,
            agent=agent,
            results=results,
            trigger_types=kinds,
            before=before,
            before_run=before_run,
            limit=limit,
        )
    )
    last = found[-1] if len(found) == limit else None
    return Page(runs=found, before=f"{last.queued_at}{_AND_RUN}{last.run_id}" if last else None)


async def one(asked: Asked) -> RunView:
    """As it stands now; Raises NOT_FOUND."""
    run_id = asked.path["id"]
    if active := asked.service.scheduler.dispatcher.active.get(run_id):
        return active
    found = await asked.service.database.read(
        lambda connection: run_index.find(connection, run_id) or _not_begun(triggers.of_run(connection, run_id))
    )
    if found is None:
        raise FreeholdError(Code.NOT_FOUND, f"there is no run {run_id[:100]}", "`freehold runs` lists them.")
    return found


def _not_begun(trigger: StoredTrigger | None) -> RunView | None:
    """A run whose id is written down, and which the keeper has not begun yet; None when it never will be."""
    if trigger is None or trigger.state not in (TriggerState.WAITING, TriggerState.RUNNING):
        return None
    return RunView(
        run_id=trigger.run_id,
        agent=trigger.agent,
        attempt=max(trigger.attempts, 1),
        trigger=Trigger(type=trigger.type, source=trigger.source, id=trigger.id),
        state=RunState.QUEUED,
        queued_at=rfc3339(trigger.created_at),
        status_text=trigger.reason,
    )


async def events(asked: Asked) -> object:
    """Server-sent events where they are asked for, which go on until the run ends; else lines, of what there is."""
    view = await one(asked)
    streams = asked.gateway.streams
    after = asked.number("after", 0, MOST_EVENTS, least=0)
    if "text/event-stream" in asked.headers.get("accept", ""):
        last = asked.headers.get("last-event-id", "")
        if last.isascii() and last.isdigit():
            after = max(after, int(last[:15]))
        return streams.events(asked.actor, _told(asked, view.run_id, after, live=True))
    live = bool(asked.number("follow", 0, 1, least=0))
    return streams.lines(asked.actor, _told(asked, view.run_id, after, live=live))


async def _told(asked: Asked, run_id: str, after: int, *, live: bool) -> AsyncGenerator[Piece]:
    """Nothing of a run that has not begun, and of one that is not kept any more: an answer that has begun cannot say
    so. Whoever follows asks again."""
    source = asked.gateway.run_events.follow(run_id, after, live=live)
    try:
        async for event in source:
            yield str(event.seq), event.type, event.line
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    finally:
        await source.aclose()


async def kill(asked: Asked) -> RunView:
    view = await one(asked)
    reason = asked.body(KillRequest).reason or f"killed by {asked.actor.name}"
    if view.state is not RunState.FINISHED:
        await asked.note_if_possible("run.kill", view.run_id, reason=reason[:1000])
        await asked.service.scheduler.keeper.kill(view.run_id, reason[:1000])
    return await one(asked)


async def retry(asked: Asked) -> TriggerAccepted:
    """A new trigger that says the same; what the first one became stays as it is."""
    view = await one(asked)
    before = await asked.service.database.read(lambda connection: triggers.find(connection, view.trigger.id))
    if before is None:
        raise FreeholdError(
            Code.CONFLICT, f"what started {view.run_id} is not known here", "It was started by `freehold run`: run it."
        )
    if before.type is TriggerType.CHAT:
        raise FreeholdError(Code.CONFLICT, f"{view.run_id} was a chat", "Begin a new one.")
    payload = before.payload
    new = NewTrigger(
        before.agent,
        before.type,
        before.source,
        prompt=payload.prompt,
        context=payload.context,
        options=payload.options,
        priority=before.priority,
    )
    return await start(asked, new, "run.retry")


async def go_on(asked: Asked) -> TriggerAccepted:
    view = await one(asked)
    prompt = asked.body(FollowUp).prompt.strip()
    if not prompt:
        raise FreeholdError(Code.USAGE, "prompt is empty", "Say what is to be done now.")
    if view.state is not RunState.FINISHED:
        raise FreeholdError(Code.CONFLICT, f"{view.run_id} has not ended yet", "Wait for it, or kill it.")
    before = await asked.service.database.read(lambda connection: triggers.find(connection, view.trigger.id))
    told = _going_on(view, before.payload.prompt if before else "", prompt)
    return await start(asked, NewTrigger(view.agent, TriggerType.MANUAL, asked.actor.name, prompt=told), "run.continue")


def _going_on(view: RunView, asked_before: str, prompt: str) -> str:
    """A run begins anew, in the same workspace: what the earlier one was asked, and said, it has to be told."""
    words = [f"This goes on from your earlier run {view.run_id}, which ended as {view.result}."]
    if asked_before:
        words.append(f"It was asked: {asked_before}")
    if view.return_value:
        words.append(f"It returned: {view.return_value}")
    if view.error:
        words.append(f"What went wrong: {view.error.message}")
    return "\n\n".join([*words, f"Now: {prompt}"])


async def answer(asked: Asked) -> Done:
    view, given = await one(asked), asked.body(PermissionAnswer)
    await asked.gateway.run_events.answer(view.run_id, given.permission_id, given.option_id)
    await asked.note("run.answer", view.run_id, permission=given.permission_id[:200], option=given.option_id[:200])
    return Done()


def _each(asked: Asked, name: str, kind: type[Result | TriggerType]) -> list[str]:
    """Several values, separated by commas. Raises USAGE, with the values that there are."""
    given = [value for value in asked.text(name).split(",") if value]
    known = [str(value) for value in kind]
    if unknown := [value for value in given if value not in known]:
        raise FreeholdError(Code.USAGE, f"{name}: there is no {unknown[0]!r}", f"There are: {', '.join(known)}")
    return given


def _cursor(asked: Asked) -> tuple[datetime | None, str]:
    """Where the page before ended: when its last run was queued, and which it was; or a moment alone. Raises USAGE."""
    moment, _, run_id = asked.text("before").partition(_AND_RUN)
    if not moment and not run_id:
        return None, ""
    found = asked.as_moment("before", moment)
    if found is None:
        raise FreeholdError(Code.USAGE, "before is no moment", "What the page before said.")
    return found, run_id


ENDPOINTS = (
    Endpoint("GET", "/runs", Scope.READ, "Runs, newest first", page, answer=Page,
             query=("agent", "result", "trigger", "before", "limit")),
    Endpoint("GET", "/runs/{id}", Scope.READ, "One run", one, answer=RunView),
    Endpoint("GET", "/runs/{id}/events", Scope.READ, "What it says and does: lines, or server-sent events", events,
             query=("after", "follow")),
    Endpoint("POST", "/runs/{id}/kill", Scope.TRIGGER, "End it", kill, KillRequest, RunView),
    Endpoint("POST", "/runs/{id}/retry", Scope.TRIGGER, "Start its agent for the same reason again", retry,
             answer=TriggerAccepted, status=202),
    Endpoint("POST", "/runs/{id}/continue", Scope.TRIGGER, "Start its agent with something further", go_on, FollowUp,
             TriggerAccepted, status=202),
    Endpoint("POST", "/runs/{id}/answer", Scope.TRIGGER, "Answer what it asks for permission", answer, PermissionAnswer,
             Done),
)  # fmt: skip
