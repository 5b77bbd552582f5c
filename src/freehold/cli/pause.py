"""`freehold pause|resume [AGENT]`: let nothing begin, and let it begin again."""

from __future__ import annotations

import click

from freehold.cli.agent_switch import switch_agent
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import print_json, say
from freehold.cli.pasted import for_environment


@click.command(name="pause")
@click.argument("agent", default="")
@click.pass_obj
def pause(context: Context, agent: str) -> None:
    """Begin no runs any more, or none of AGENT. Runs under way go on; it holds across restarts.

    What comes for a paused project waits. AGENT alone is disabled, as by `freehold agent disable`.
    """
    if agent:
        switch_agent(context, agent, enabled=False)
        return
    again = for_environment("`freehold resume` lets them begin again", context.environment)
    _switch(context, "pause", f"paused: what comes waits, runs go on; {again}")


@click.command(name="resume")
@click.argument("agent", default="")
@click.pass_obj
def resume(context: Context, agent: str) -> None:
    """Let runs begin again, or those of AGENT."""
    if agent:
        switch_agent(context, agent, enabled=True)
        return
    _switch(context, "resume", "resumed")


def _switch(context: Context, verb: str, told: str) -> None:
    gateway_of(context).post(f"/{verb}", object)
    if context.json:
        print_json({"paused": verb == "pause"})
    elif not context.quiet:
        say(told)
