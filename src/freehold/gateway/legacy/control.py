"""`/control/*` and `/locks/status`."""

from __future__ import annotations

from typing import Any

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of
from freehold.gateway.api import agents, project, runs
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.legacy import words
from freehold.store.api_keys import Scope
from freehold.wire.service import SetScale

LARGEST_SCALE = 1000


async def instances(asked: Asked) -> dict[str, Any]:
    return {"instances": [words.instance(view) for view in asked.service.scheduler.dispatcher.active.values()]}


async def status(asked: Asked) -> dict[str, Any]:
    found = await project.status(asked)
    scheduler = {
        "mode": "docker",
        "projectName": found.name,
        "startedAt": found.started_at,
        "paused": found.paused,
        "initializing": False,
    }
    return {
        "scheduler": scheduler,
        **await instances(asked),
        "agents": [words.agent(view) for view in found.agents],
        "running": found.running,
        "queueSizes": {view.name: view.waiting for view in found.agents},
    }


async def pause(asked: Asked) -> dict[str, Any]:
    await project.pause(asked)
    return _success("Scheduler paused")


async def resume(asked: Asked) -> dict[str, Any]:
    await project.resume(asked)
    return _success("Scheduler resumed")


async def stop(asked: Asked) -> dict[str, Any]:
    await project.stop(asked)
    return _success("Scheduler stopping")


async def trigger(asked: Asked) -> dict[str, Any]:
    """`instanceId` is the trigger's id, which says for sure what came of it; a run has none before it begins."""
    accepted = await agents.trigger(asked)
    return {**_success(f"Agent {accepted.agent} triggered"), "instanceId": accepted.trigger_id}


async def kill(asked: Asked) -> dict[str, Any]:
    await runs.kill(asked)
    return _success(f"Instance {asked.path['id']} killed")


async def kill_agent(asked: Asked) -> dict[str, Any]:
    killed = await agents.kill(asked)
    return {**_success(f"Killed {killed.killed}"), "killed": killed.killed}


async def enable(asked: Asked) -> dict[str, Any]:
    await agents.enable(asked)
    return _success(f"Agent {asked.path['name']} enabled")


async def disable(asked: Asked) -> dict[str, Any]:
    await agents.disable(asked)
    return _success(f"Agent {asked.path['name']} disabled")


async def scale(asked: Asked) -> dict[str, Any]:
    """Kept in the database; the agent's files, comments and all, stay as they are."""
    wanted = asked.body(SetScale).scale
    if wanted is None or not 1 <= wanted <= LARGEST_SCALE:
        raise FreeholdError(Code.USAGE, "Scale must be an integer of at least 1")
    await agents.scale(asked)
    return _success(f"Agent {asked.path['name']} scaled to {wanted}")


async def project_scale(asked: Asked) -> dict[str, Any]:
    asked.body(dict[str, Any])
    raise FreeholdError(
        Code.CONFLICT,
        "The project's scale is not changed from here.",
        "Set scale in config.toml; it is taken over at once.",
    )


async def locks(asked: Asked) -> dict[str, Any]:
    found = await asked.service.scheduler.locks.all()
    return {
        "locks": [
            {
                "resourceKey": lock.uri,
                "agentName": agent_of(lock.run_id),
                "holder": lock.run_id,
                "heldSince": rfc3339(lock.held_since),
            }
            for lock in found
        ]
    }


async def authenticated(_asked: Asked) -> dict[str, Any]:
    return {"authenticated": True}


def _success(message: str) -> dict[str, Any]:
    return {"success": True, "message": message}


_READ, _TRIGGER, _ADMIN = Scope.READ, Scope.TRIGGER, Scope.ADMIN
ENDPOINTS = (
    Endpoint("GET", "/control/instances", _READ, "", instances),
    Endpoint("GET", "/control/status", _READ, "", status),
    Endpoint("POST", "/control/pause", _ADMIN, "", pause),
    Endpoint("POST", "/control/resume", _ADMIN, "", resume),
    Endpoint("POST", "/control/stop", _ADMIN, "", stop),
    Endpoint("POST", "/control/trigger/{name}", _TRIGGER, "", trigger),
    Endpoint("POST", "/control/kill/{id}", _TRIGGER, "", kill),
    *(Endpoint("POST", f"/control/agents/{{name}}/{verb}", _ADMIN, "", enable) for verb in ("enable", "resume")),
    *(Endpoint("POST", f"/control/agents/{{name}}/{verb}", _ADMIN, "", disable) for verb in ("disable", "pause")),
    Endpoint("POST", "/control/agents/{name}/kill", _TRIGGER, "", kill_agent),
    Endpoint("POST", "/control/agents/{name}/scale", _ADMIN, "", scale),
    Endpoint("POST", "/control/project/scale", _ADMIN, "", project_scale),
    Endpoint("GET", "/locks/status", _READ, "", locks),
    Endpoint("GET", "/api/auth/check", _READ, "", authenticated),
)
