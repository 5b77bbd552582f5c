"""Agents: how they stand, starting them, and switching them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.scheduler.admission import Admitted
from freehold.scheduler.due import next_moment, zone
from freehold.scheduler.intake import NewTrigger
from freehold.store.api_keys import Scope
from freehold.wire.runs import TriggerType
from freehold.wire.service import AgentView, Done, Killed, KillRequest, SetScale, TriggerAccepted, TriggerRequest

LONGEST_KEY = 200
MOMENTS = 5
MOST_NOTED = 100
"""Runs that the audit names of those that were killed together."""


async def every(asked: Asked) -> list[AgentView]:
    now = asked.service.clock.now()
    names = asked.service.scheduler.agents.project.agent_names
    return [asked.gateway.views.agent(name, now) for name in names]


async def one(asked: Asked) -> AgentView:
    view = asked.gateway.views.agent(asked.path["name"], asked.service.clock.now())
    return msgspec.structs.replace(view, due_at=_due(asked, view.name)) if view.next_run_at else view


def _due(asked: Asked, name: str) -> list[str]:
    """The next moments of its schedule."""
    agent = asked.service.scheduler.agents.agent(name)
    found: list[str] = []
    moment = asked.service.scheduler.timetable.next.get(name)
    while moment and len(found) < MOMENTS:
        found.append(rfc3339(moment))
        moment = next_moment(agent.schedule, zone(agent.timezone), moment)
    return found


async def trigger(asked: Asked) -> TriggerAccepted:
    request = asked.body(TriggerRequest)
    require_key(request.key)
    return await start(
        asked,
        NewTrigger(
            asked.path["name"],
            TriggerType.MANUAL,
            asked.actor.name,
            request.key,
            prompt=request.prompt,
            context=request.context,
        ),
        "agent.trigger",
    )


def require_key(key: str) -> None:
    """Raises USAGE for what cannot tell one request from another."""
    if len(key) > LONGEST_KEY or "\0" in key:
        raise FreeholdError(Code.USAGE, f"key has at most {LONGEST_KEY} characters, none of them a zero byte")


async def start(asked: Asked, new: NewTrigger, action: str) -> TriggerAccepted:
    """Take a trigger in, and write who asked for it, in one step."""
    scheduler = asked.service.scheduler
    scheduler.agents.require_takes_triggers(new.agent)

    def also(connection: Connection, taken: Sequence[Admitted | FreeholdError]) -> None:
        for one in taken:
            if isinstance(one, Admitted) and not one.repeated:
                asked.noted(action, new.agent, trigger=one.trigger.id)(connection)

    [taken] = await scheduler.intake.take_with([new], also)
    if isinstance(taken, FreeholdError):
        raise taken
    asked.gateway.changes.tell("queue")
    return TriggerAccepted(
        trigger_id=taken.trigger.id,
        agent=new.agent,
        waiting=scheduler.dispatcher.queues.length(new.agent),
        repeated=taken.repeated,
        note=_why_not_yet(asked, new.agent),
    )


def _why_not_yet(asked: Asked, name: str) -> str:
    scheduler = asked.service.scheduler
    if scheduler.agents.switches.paused:
        return "the project is paused; `freehold resume` lets it begin"
    if scheduler.dispatcher.held:
        return scheduler.dispatcher.held
    return scheduler.agents.facts(name, 0, asked.service.clock.now()).held


async def enable(asked: Asked) -> Done:
    return await _switch(asked, enabled=True)


async def disable(asked: Asked) -> Done:
    return await _switch(asked, enabled=False)


async def _switch(asked: Asked, *, enabled: bool) -> Done:
    name = asked.path["name"]
    also = asked.noted("agent.enable" if enabled else "agent.disable", name)
    await asked.service.scheduler.enable(name, enabled, asked.actor.name, also)
    asked.gateway.changes.tell("agent", name)
    return Done()


async def scale(asked: Asked) -> Done:
    name, wanted = asked.path["name"], asked.body(SetScale).scale
    also = asked.noted("agent.scale", name, scale=wanted)
    await asked.service.scheduler.set_scale(name, wanted, asked.actor.name, also)
    asked.gateway.changes.tell("agent", name)
    return Done()


async def kill(asked: Asked) -> Killed:
    name = asked.path["name"]
    request = asked.body(KillRequest)
    if name not in asked.service.scheduler.agents.project.broken:
        asked.service.scheduler.agents.agent(name)
    return Killed(await kill_all(asked, name, request.reason))


async def kill_all(asked: Asked, name: str, reason: str = "") -> int:
    """Ask every run of the agent to end; how many there were."""
    scheduler = asked.service.scheduler
    found = [view.run_id for view in scheduler.dispatcher.active.values() if view.agent == name]
    await asked.note_if_possible("agent.kill", name, runs=found[:MOST_NOTED], of=len(found))
    for run_id in found:
        await scheduler.keeper.kill(run_id, reason or f"killed by {asked.actor.name}")
    return len(found)


ENDPOINTS = (
    Endpoint("GET", "/agents", Scope.READ, "Every agent", every, answer=list[AgentView]),
    Endpoint("GET", "/agents/{name}", Scope.READ, "One agent", one, answer=AgentView),
    Endpoint(
        "POST", "/agents/{name}/trigger", Scope.TRIGGER, "Start an agent; it is on the disk when this is answered",
        trigger, TriggerRequest, TriggerAccepted, status=202,
    ),
    Endpoint("POST", "/agents/{name}/enable", Scope.ADMIN, "Let it begin runs", enable, answer=Done),
    Endpoint("POST", "/agents/{name}/disable", Scope.ADMIN, "Let it begin none", disable, answer=Done),
    Endpoint("PUT", "/agents/{name}/scale", Scope.ADMIN, "How many runs it may have at a time", scale, SetScale, Done),
    Endpoint("POST", "/agents/{name}/kill", Scope.TRIGGER, "End all its runs", kill, KillRequest, Killed),
)  # fmt: skip
