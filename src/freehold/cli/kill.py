"""`freehold kill TARGET`: end a run, or every run of an agent."""

from __future__ import annotations

import asyncio

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import is_ulid
from freehold.cli.context import Context
from freehold.cli.output import print_json, say
from freehold.client.keeper import ask
from freehold.keeper.history import find_run, views
from freehold.wire.keeper import KillRun
from freehold.wire.runs import RunState, RunView


@click.command(name="kill")
@click.argument("target")
@click.option("--reason", default="killed by a person", help="Kept with the run's result.")
@click.pass_obj
def command(context: Context, target: str, reason: str) -> None:
    """End a run (TARGET is its id, or the last eight characters of it), or every run of an agent."""
    killed = asyncio.run(_kill(context, _runs_of(context, target), reason))
    for view in killed:
        if context.json:
            print_json(view)
        else:
            say(f"{view.run_id}: {view.result or 'stopping'}")


def _runs_of(context: Context, target: str) -> list[str]:
    state = context.project_dir / ".freehold"
    run_id = find_run(state, target)
    if target != run_id[:-27] or is_ulid(target[-26:]):
        return [run_id]
    active = [view.run_id for view in views(state, target) if view.state is not RunState.FINISHED]
    if not active:
        raise FreeholdError(Code.NOT_FOUND, f'no run of "{target}" is under way', "`freehold runs` lists what ended.")
    return active


async def _kill(context: Context, run_ids: list[str], reason: str) -> list[RunView]:
    project, home = context.project_dir, context.home
    return [await ask(project, home, "run/kill", KillRun(run_id, reason), RunView) for run_id in run_ids]
