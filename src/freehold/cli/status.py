"""`freehold status [AGENT]`: how a running project stands."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
import msgspec

from freehold import __version__
from freehold.base.plain_text import clipped, one_line
from freehold.base.words import plural
from freehold.cli.agent_status import LONGEST_TEXT, last_run, money, next_run, places, result, starters
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import paint, print_json, say, table, warn
from freehold.cli.pasted import for_environment
from freehold.cli.refused_deliveries import refused_in_short
from freehold.cli.table import Narrower
from freehold.cli.when import local_time
from freehold.client.gateway import in_path
from freehold.client.gateway_address import GatewayAddress, ServerAddress
from freehold.wire.service import AgentView, ProjectStatus

_NARROWER: list[Narrower] = [
    ("started by", lambda text: clipped(text, 24)),
    ("next", None),
    ("started by", None),
    ("last run", None),
    ("waiting", None),
]
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_COLOURS = {"running": "green", "error": "red", "disabled": "yellow", "off": "yellow"}


@click.command(name="status")
@click.argument("agent", default="")
@click.pass_obj
def command(context: Context, agent: str) -> None:
    """Say how the running project stands, or tell everything about AGENT.

    Exit code 5 when it is not running.
    """
    gateway = gateway_of(context)
    if agent:
        view = gateway.get(f"/agents/{in_path(agent)}", AgentView)
        print_json(view) if context.json else _show_agent(view)
        return
    status = gateway.get("/status", ProjectStatus)
    if context.json:
        print_json({**msgspec.to_builtins(status), "client_version": __version__})
        return
    _show_project(status, where_it_answers(gateway.address, status), context)
    if difference := gateway.version_difference:
        warn(difference)


def where_it_answers(asked: GatewayAddress, status: ProjectStatus) -> str:
    """Where a browser reaches it; an address of a server's own is not one of this machine."""
    if not status.address:
        return ""
    web = f", console: {status.console}" if status.console else " (no console: freehold start --web)"
    told = f"gateway: {one_line(status.address)}{one_line(web)}"
    if isinstance(asked, ServerAddress) and urlsplit(status.address).hostname in _OWN_NAMES:
        return f"{told}, there alone: from here, freehold console -E {asked.environment}"
    return told


def _show_project(status: ProjectStatus, where: str, context: Context) -> None:
    now, quiet = datetime.now(UTC), context.quiet

    def told(text: str) -> str:
        return for_environment(text, context.environment)

    if not quiet:
        state = f"running since {local_time(status.started_at)}"
        counts = f"{plural(status.running, 'run')} under way, {status.waiting} waiting"
        say(paint(status.name, bold=True), f": {state}, {counts}")
        if where:
            say(where)
        say(f"spent: {money(status)}")
        if status.release:
            say(f"release {status.release}, Freehold {status.version}; this is {__version__}")
        if status.paused:
            say(paint(told("paused: what comes waits; `freehold resume` lets it begin"), fg="yellow"))
        elif status.held:
            say(paint(f"nothing begins: {one_line(status.held)}", fg="yellow"))
    if status.agents:
        headers = ["agent", "state", "runs", "waiting", "next", "last run", "started by", "says"]
        rows = [_row(agent, now) for agent in status.agents]
        said = len(headers) if any(agent.status_text for agent in status.agents) else -1
        table(headers[:said], [row[:said] for row in rows], _NARROWER)
    else:
        say("No agents yet. `freehold agent new NAME` makes one.")
    for problem in status.problems:
        warn(problem)
    if not quiet and (refused := refused_in_short(status.refused)):
        say(told(f"{refused}: freehold webhook receipts"))
    if status.dead_letters and not quiet:
        say(told(f"{plural(status.dead_letters, 'dead letter')}: freehold queue dead"))


def _row(agent: AgentView, now: datetime) -> list[object]:
    return [
        agent.name,
        agent.state,
        places(agent),
        agent.waiting,
        next_run(agent, now),
        last_run(agent, now),
        starters(agent),
        clipped(agent.status_text, LONGEST_TEXT),
    ]


def _show_agent(agent: AgentView) -> None:
    about = f" {one_line(agent.description)}" if agent.description else ""
    say(paint(agent.name, bold=True), ": ", paint(agent.state, fg=_COLOURS.get(agent.state)), about and f" ·{about}")
    for label, text in _facts(agent):
        say(f"  {label + ':':<14}{one_line(text)}")
    if agent.error:
        warn(agent.error)
        for line in agent.hint.splitlines():
            say(paint(f"  → {line}", bold=True))


def _facts(agent: AgentView) -> list[tuple[str, str]]:
    changed = f" (configured: {agent.scale_configured})" if agent.scale != agent.scale_configured else ""
    run = agent.last_run
    facts = [
        ("enabled", "yes" if agent.enabled else "no: freehold agent enable " + agent.name),
        ("scale", f"{agent.scale}{changed}"),
        ("under way", f"{plural(agent.running, 'run')}, {agent.waiting} waiting"),
        ("started by", ", ".join(agent.triggers) or "hand"),
        ("models", ", ".join(agent.models)),
        ("next run", local_time(agent.next_run_at) if agent.next_run_at else ""),
        ("missed", f"{local_time(agent.skipped_at)}, because it could not begin" if agent.skipped_at else ""),
        ("says", agent.status_text),
        ("last run", f"{run.run_id}: {result(run)}" if run else ""),
    ]
    return [fact for fact in facts if fact[1]]
