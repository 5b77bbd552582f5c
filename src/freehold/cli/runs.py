"""`freehold runs [AGENT]`: what ran, how it ended, what it cost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from freehold.base.plain_text import clipped
from freehold.base.words import duration
from freehold.cli.context import Context
from freehold.cli.output import print_json, say, table
from freehold.client.keeper import ask
from freehold.keeper.history import views
from freehold.wire.keeper import ListRuns
from freehold.wire.runs import RunState, RunView

_LONGEST_STATUS = 60


@click.command(name="runs")
@click.argument("agent", default="")
@click.option("-n", "--limit", default=20, show_default=True, help="How many, newest first.")
@click.pass_obj
def command(context: Context, agent: str, limit: int) -> None:
    """List runs, newest first; of AGENT alone when it is given."""
    found = list_runs(context, agent, limit)
    if context.json:
        for view in found:
            print_json(view)
    elif not found:
        say("No runs yet. Start one: freehold run AGENT")
    else:
        table(["run", "state", "trigger", "started", "took", "tokens", "cost"], [_row(view) for view in found])


def list_runs(context: Context, agent: str, limit: int) -> list[RunView]:
    """From the files when nothing runs; else from the keeper, which is started to take over what it left."""
    found = views(context.project_dir / ".freehold", agent, limit)
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
        _local(started),
        _took(view),
        f"{view.usage.tokens:,}",
        cost,
    ]


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(view: RunView) -> str:
    if view.finished_at:
        return duration(sum(view.phases_s.values()))
    return duration((datetime.now(UTC) - datetime.fromisoformat(view.queued_at)).total_seconds())
