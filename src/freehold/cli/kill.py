"""`freehold kill TARGET`: end a run, or every run of an agent."""

from __future__ import annotations

import asyncio

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of, is_ulid
from freehold.cli.context import Context
from freehold.cli.elsewhere import whole_run_id
from freehold.cli.gateway import running_gateway_of
from freehold.cli.output import print_json, say
from freehold.cli.target import require_runs_or_project
from freehold.client.gateway import Gateway, in_path
from freehold.client.keeper import ask
from freehold.keeper.history import find_run, views
from freehold.project.state import keeper_directory
from freehold.wire.keeper import KillRun
from freehold.wire.runs import RunState, RunView
from freehold.wire.service import Killed, KillRequest, Page

_MOST_RUNS = 500


@click.command(name="kill")
@click.argument("target")
@click.option("--reason", default="killed by a person", help="Kept with the run's result.")
@click.pass_obj
def command(context: Context, target: str, reason: str) -> None:
    """End a run (TARGET is its id, or the last eight characters of it), or every run of an agent.

    Of a running project, what was ended so is not tried again.
    """
    gateway = running_gateway_of(context)
    killed = (
        kill_by_gateway(gateway, target, reason)
        if gateway
        else asyncio.run(_kill(context, _runs_of(context, target), reason))
    )
    for view in killed:
        if context.json:
            print_json(view)
        else:
            say(f"{view.run_id}: {view.result or 'stopping'}")


def kill_by_gateway(gateway: Gateway, target: str, reason: str) -> list[RunView]:
    """The runs that end because of it, as they stood. Raises NOT_FOUND when `target` is neither an agent nor a run."""
    if not agent_of(target):
        try:
            return _kill_agent(gateway, target, reason)
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
    run_id = whole_run_id(gateway, target)
    return [gateway.post(f"/runs/{in_path(run_id)}/kill", RunView, KillRequest(reason))]


def _kill_agent(gateway: Gateway, agent: str, reason: str) -> list[RunView]:
    runs = gateway.get("/runs", Page, agent=agent, limit=_MOST_RUNS).runs
    gateway.post(f"/agents/{in_path(agent)}/kill", Killed, KillRequest(reason))
    active = [run for run in runs if run.state is not RunState.FINISHED]
    if not active:
        raise _nothing_to_end(agent)
    return active


def _runs_of(context: Context, target: str) -> list[str]:
    require_runs_or_project(context.project_dir)
    state = keeper_directory(context.project_dir)
    run_id = find_run(context.project_dir, target)
    if target != run_id[:-27] or is_ulid(target[-26:]):
        return [run_id]
    active = [view.run_id for view in views(state, target) if view.state is not RunState.FINISHED]
    if not active:
        raise _nothing_to_end(target)
    return active


def _nothing_to_end(agent: str) -> FreeholdError:
    return FreeholdError(Code.CONFLICT, f'no run of "{agent}" is under way', "`freehold runs` lists what ended.")


async def _kill(context: Context, run_ids: list[str], reason: str) -> list[RunView]:
    project, home = context.project_dir, context.home
    return [await ask(project, home, "run/kill", KillRun(run_id, reason), RunView) for run_id in run_ids]
