"""What waits, and what was given up."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.views import trigger_view
from freehold.store import run_index, triggers
from freehold.store.api_keys import Scope
from freehold.store.triggers import TriggerState
from freehold.wire.service import Done, TriggerDetail, TriggerView


async def queue(asked: Asked) -> list[TriggerView]:
    return await _page(asked, TriggerState.WAITING)


async def dead_letters(asked: Asked) -> list[TriggerView]:
    return await _page(asked, TriggerState.DEAD)


async def _page(asked: Asked, state: TriggerState) -> list[TriggerView]:
    agent, before, limit = asked.text("agent"), asked.text("before"), asked.number("limit", 50)
    found = await asked.service.database.read(
        lambda connection: triggers.page(connection, [state], agent=agent, before=before, limit=limit)
    )
    return [trigger_view(trigger) for trigger in found]


async def one(asked: Asked) -> TriggerDetail:
    trigger_id = asked.path["id"]
    found = await asked.service.database.read(lambda connection: triggers.find(connection, trigger_id))
    if found is None:
        raise FreeholdError(Code.NOT_FOUND, f"there is no trigger {trigger_id[:100]}", "`freehold queue` lists them.")
    attempts = await asked.service.database.read(lambda connection: run_index.attempts_of(connection, trigger_id))
    return TriggerDetail(
        trigger=trigger_view(found), attempts=attempts, prompt=found.payload.prompt, context=found.payload.context
    )


async def replay(asked: Asked) -> TriggerView:
    trigger_id = asked.path["id"]
    trigger = await asked.service.scheduler.intake.replay(trigger_id, asked.noted("trigger.replay", trigger_id))
    asked.gateway.changes.tell("queue")
    return trigger_view(trigger)


async def discard(asked: Asked) -> Done:
    trigger_id, by = asked.path["id"], asked.actor.name
    await asked.service.scheduler.intake.discard(trigger_id, by, asked.noted("trigger.discard", trigger_id))
    asked.gateway.changes.tell("queue")
    return Done()


async def let_go(asked: Asked) -> Done:
    trigger_id, by = asked.path["id"], asked.actor.name
    await asked.service.scheduler.intake.let_go(trigger_id, by, asked.noted("dead_letter.discard", trigger_id))
    asked.gateway.changes.tell("queue")
    return Done()


_PAGED = ("agent", "before", "limit")
ENDPOINTS = (
    Endpoint("GET", "/queue", Scope.READ, "What waits, newest first", queue, answer=list[TriggerView], query=_PAGED),
    Endpoint("GET", "/dead-letters", Scope.READ, "What was given up, newest first", dead_letters,
             answer=list[TriggerView], query=_PAGED),
    Endpoint("GET", "/triggers/{id}", Scope.READ, "One trigger, with its attempts", one, answer=TriggerDetail),
    Endpoint("POST", "/triggers/{id}/replay", Scope.TRIGGER, "Let a dead letter wait again", replay,
             answer=TriggerView),
    Endpoint("POST", "/triggers/{id}/discard", Scope.TRIGGER, "Let what waits not begin", discard, answer=Done),
    Endpoint("POST", "/dead-letters/{id}/discard", Scope.TRIGGER, "Give a dead letter up for good", let_go,
             answer=Done),
)  # fmt: skip
