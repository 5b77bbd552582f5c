"""`freehold runs [AGENT]`, `runs retry RUN`: what ran, how it ended, what it cost, what it left; and once more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from freehold.base.ids import agent_of
from freehold.base.plain_text import clipped
from freehold.base.words import duration
from freehold.cli.context import Context
from freehold.cli.default_group import DefaultGroup
from freehold.cli.elsewhere import gateway_elsewhere, latest_runs, whole_run_id
from freehold.cli.follow_trigger import follow_trigger
from freehold.cli.gateway import gateway_of
from freehold.cli.output import print_json, say, table
from freehold.cli.pasted import for_environment
from freehold.cli.runs_left import diff, files
from freehold.cli.target import require_runs_or_project
from freehold.cli.when import local_time, to_the_minute
from freehold.client.gateway import in_path
from freehold.client.keeper import ask
from freehold.keeper.history import require_agent, views
from freehold.project.state import keeper_directory
from freehold.wire.keeper import ListRuns
from freehold.wire.runs import RunState, RunView
from freehold.wire.service import TriggerAccepted

_LONGEST_STATUS = 60


def _short_id(run_id: str) -> str:
    """The agent, and as much of the id as commands take for it."""
    return f"{agent_of(run_id)} {run_id[-8:]}"


_NARROWER = [
    ("run", _short_id),
    ("started", to_the_minute),
    ("state", lambda state: clipped(state, 20)),
    ("tokens", None),
    ("trigger", None),
    ("took", None),
]
"""What `runs` loses first in a narrow terminal."""


@click.group(name="runs", cls=DefaultGroup)
def command() -> None:
    """List runs, newest first; what one of them left; begin one of them once more.

    `freehold runs AGENT` is `freehold runs list AGENT`.
    """


@command.command(name="list")
@click.argument("agent", default="")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first."
)
@click.pass_obj
def list_(context: Context, agent: str, limit: int) -> None:
    """List runs, newest first; of AGENT alone when it is given."""
    gateway = gateway_elsewhere(context)
    found = latest_runs(gateway, agent, limit) if gateway else _runs_here(context, agent, limit)
    if context.json:
        for view in found:
            print_json(view)
    elif not found:
        say(for_environment(f"No runs yet. Start one: freehold run {agent or 'AGENT'}", context.environment))
    else:
        headers = ["run", "state", "trigger", "started", "took", "tokens", "cost"]
        table(headers, [_row(view) for view in found], _NARROWER)


@command.command(name="retry")
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Watch it until it ends; the exit code is then that of `run`.")
@click.option("-v", "--verbose", is_flag=True, help="With -f: whole tool outputs, thoughts, every connection.")
@click.pass_obj
def retry(context: Context, run: str, follow: bool, verbose: bool) -> int:
    """Begin again what started RUN, as a new run with the same trigger. The project must be running."""
    gateway = gateway_of(context)
    accepted = gateway.post(f"/runs/{in_path(whole_run_id(gateway, run))}/retry", TriggerAccepted)
    return follow_trigger(context, gateway, accepted, detach=not follow, verbose=verbose)


command.add_command(files)
command.add_command(diff)


def _runs_here(context: Context, agent: str, limit: int) -> list[RunView]:
    require_runs_or_project(context.project_dir)
    found = list_runs(context, agent, limit)
    if agent and not found:
        require_agent(context.project_dir, agent)
    return found


def list_runs(context: Context, agent: str, limit: int) -> list[RunView]:
    """From the files when nothing runs; else from the keeper, which is started to take over what it left."""
    found = views(keeper_directory(context.project_dir), agent, limit)
    if all(view.state is RunState.FINISHED for view in found):
        return found
    return asyncio.run(ask(context.project_dir, context.home, "run/list", ListRuns(agent, limit), list[RunView]))


def _row(view: RunView) -> list[str]:
    state = view.result or view.state
    detail = f" ({clipped(view.status_text, _LONGEST_STATUS)})" if view.status_text and not view.result else ""
    cost = "?" if view.cost_usd is None else f"${view.cost_usd:.4f}"
    started = view.started_at or view.queued_at
    return [
        view.run_id,
        f"{state}{detail}",
        f"{view.trigger.type} {view.trigger.source}".strip(),
        local_time(started),
        _took(view),
        f"{view.usage.tokens:,}",
        cost,
    ]


def _took(view: RunView) -> str:
    if view.finished_at:
        return duration(sum(view.phases_s.values()))
    return duration((datetime.now(UTC) - datetime.fromisoformat(view.queued_at)).total_seconds())
