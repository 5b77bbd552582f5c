"""`freehold logs [TARGET] [-f]`: what happened in a run."""

from __future__ import annotations

import asyncio

import click

from freehold.cli.context import Context
from freehold.cli.elsewhere import events_of, gateway_elsewhere, latest_run_id
from freehold.cli.follow import Follower, exit_code_of, shower
from freehold.cli.follow_trigger import RunFollower
from freehold.cli.question import at_terminal
from freehold.cli.target import require_runs_or_project
from freehold.client.gateway import Gateway
from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS, find_run
from freehold.project.state import keeper_directory


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
    run_id = find_run(context.project_dir, target)
    if follow:
        return exit_code_of(asyncio.run(Follower(context, run_id, verbose=verbose, answering=at_terminal()).follow()))
    show = shower(context, verbose=verbose)
    for event in each_event(state / RUNS / run_id / EVENTS):
        show(event)
    return 0


def _show_elsewhere(context: Context, gateway: Gateway, target: str, *, follow: bool, verbose: bool) -> int:
    run_id = latest_run_id(gateway, target)
    show = shower(context, verbose=verbose)
    if follow:
        return exit_code_of(RunFollower(gateway, run_id, show).follow())
    for event in events_of(gateway, run_id):
        show(event)
    return 0
