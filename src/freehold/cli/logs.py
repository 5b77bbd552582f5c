"""`freehold logs [TARGET] [-f]`: what happened in a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.elsewhere import events_of, gateway_elsewhere, latest_run_id
from freehold.cli.follow import Follower, exit_code_of, shower
from freehold.cli.follow_trigger import RunFollower
from freehold.cli.output import note
from freehold.cli.question import at_terminal
from freehold.cli.target import require_runs_or_project
from freehold.client.gateway import Gateway, in_path
from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS, find_run, require_agent
from freehold.project.state import keeper_directory
from freehold.wire.service import AgentView

_LOOK_S = 0.5


@click.command(name="logs")
@click.argument("target", default="")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends; the exit code is then that of `run`.")
@click.option("-v", "--verbose", is_flag=True, help="Whole tool outputs, thoughts, every connection and request.")
@click.pass_obj
def command(context: Context, target: str, follow: bool, verbose: bool) -> int:
    """Show the events of a run: TARGET is a run id, the last eight characters of one, or an agent (its latest run)."""
    gateway = gateway_elsewhere(context)
    if gateway:
        return _show_elsewhere(context, gateway, target, follow=follow, verbose=verbose)
    require_runs_or_project(context.project_dir)
    state = keeper_directory(context.project_dir)
    root = context.project_dir
    run_id = _found(target, lambda: find_run(root, target), lambda: require_agent(root, target), wait=follow)
    if follow:
        return exit_code_of(asyncio.run(Follower(context, run_id, verbose=verbose, answering=at_terminal()).follow()))
    show = shower(context, verbose=verbose)
    for event in each_event(state / RUNS / run_id / EVENTS):
        show(event)
    return 0


def _show_elsewhere(context: Context, gateway: Gateway, target: str, *, follow: bool, verbose: bool) -> int:
    agent = f"/agents/{in_path(target)}"
    run_id = _found(target, lambda: latest_run_id(gateway, target), lambda: gateway.get(agent, AgentView), wait=follow)
    show = shower(context, verbose=verbose)
    if follow:
        return exit_code_of(RunFollower(gateway, run_id, show).follow())
    for event in events_of(gateway, run_id):
        show(event)
    return 0


def _found(target: str, find: Callable[[], str], require: Callable[[], object], *, wait: bool) -> str:
    """The run to show. Who follows an agent that is there, and has not run yet, waits for its first run."""
    told = False
    while True:
        try:
            return find()
        except FreeholdError as error:
            if not (wait and target) or error.code is not Code.NOT_FOUND:
                raise
            if not told:
                _require(require, error)
                note(f"Waiting for the first run of {target}; Ctrl-C ends that.")
                told = True
        time.sleep(_LOOK_S)


def _require(require: Callable[[], object], error: FreeholdError) -> None:
    """Raises `error`, which says what the target could be, where no agent is called so."""
    try:
        require()
    except FreeholdError as problem:
        raise (error if problem.code is Code.NOT_FOUND else problem) from None
