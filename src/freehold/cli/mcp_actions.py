"""What the tools do: each asks the gateway, and gives what it said. Nothing here prints: the streams carry answers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.cli.background import start_in_background
from freehold.cli.context import Context, environment_of
from freehold.cli.elsewhere import events_of, gateway_elsewhere, latest_run_id
from freehold.cli.gateway import gateway_of, running_gateway_of
from freehold.cli.kill import kill_by_gateway
from freehold.client.gateway import in_path
from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS, find_run
from freehold.project.load import load_project
from freehold.project.state import keeper_directory
from freehold.wire.events import AnyEvent
from freehold.wire.service import AgentView, ProjectStatus, TriggerAccepted, TriggerRequest

if TYPE_CHECKING:
    from freehold.cli.mcp_tools import Kill, Logs, Nothing, PerhapsAgent, Run

_LONGEST_TEXT = 4000
"""Characters of one text in an event: a model that reads logs pays for each."""


def start(context: Context, _given: Nothing) -> dict[str, Any]:
    if environment_of(context):
        raise FreeholdError(Code.USAGE, "a project elsewhere is started there", "leave out -E, or name -E local")
    if running_gateway_of(context):
        return {"running": True, "started": False}
    start_in_background(context.project_dir, context.home)
    return {"running": True, "started": True}


def stop(context: Context, _given: Nothing) -> dict[str, Any]:
    gateway_of(context).post("/stop", object)
    return {"stopping": True}


def status(context: Context, _given: Nothing) -> dict[str, Any]:
    return _built(gateway_of(context).get("/status", ProjectStatus))


def agents(context: Context, given: PerhapsAgent) -> dict[str, Any]:
    """Those of a project that is not running, too: then nothing is known of how they stand."""
    gateway = running_gateway_of(context)
    if gateway and given.name:
        return {"agents": [_built(gateway.get(f"/agents/{in_path(given.name)}", AgentView))]}
    if gateway:
        return {"agents": msgspec.to_builtins(gateway.get("/agents", list[AgentView]))}
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    names = [project.agent(given.name).name] if given.name else project.agent_names
    described = {name: agent.description for name, agent in project.agents.items()}
    found = [{"name": name, "description": described.get(name, "")} for name in names]
    return {"agents": found, "running": False}


def run(context: Context, given: Run) -> dict[str, Any]:
    body = TriggerRequest(prompt=given.prompt)
    return _built(gateway_of(context).post(f"/agents/{in_path(given.name)}/trigger", TriggerAccepted, body))


def logs(context: Context, given: Logs) -> dict[str, Any]:
    gateway = gateway_elsewhere(context)
    if gateway:
        run_id = latest_run_id(gateway, given.target)
        events = deque(events_of(gateway, run_id), maxlen=given.lines)
    else:
        state = keeper_directory(context.project_dir)
        run_id = find_run(context.project_dir, given.target)
        events = deque(each_event(state / RUNS / run_id / EVENTS), maxlen=given.lines)
    return {"run_id": run_id, "events": [_shortened(event) for event in events]}


def pause(context: Context, given: PerhapsAgent) -> dict[str, Any]:
    gateway_of(context).post(f"/agents/{in_path(given.name)}/disable" if given.name else "/pause", object)
    return {"paused": given.name or "the project"}


def resume(context: Context, given: PerhapsAgent) -> dict[str, Any]:
    gateway_of(context).post(f"/agents/{in_path(given.name)}/enable" if given.name else "/resume", object)
    return {"resumed": given.name or "the project"}


def kill(context: Context, given: Kill) -> dict[str, Any]:
    killed = kill_by_gateway(gateway_of(context), given.target, given.reason)
    return {"killed": [view.run_id for view in killed]}


def _built(value: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value)
    return found


def _shortened(event: AnyEvent) -> dict[str, Any]:
    found = _built(event)
    return {name: excerpt(value, _LONGEST_TEXT) if isinstance(value, str) else value for name, value in found.items()}
