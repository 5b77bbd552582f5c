"""`freehold agent enable|disable|scale`: what a person changes while the project runs; it holds across restarts."""

from __future__ import annotations

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import print_json, say
from freehold.client.gateway import in_path
from freehold.wire.service import SetScale

AS_CONFIGURED = "default"


@click.command(name="enable")
@click.argument("name")
@click.pass_obj
def enable(context: Context, name: str) -> None:
    """Let an agent of the running project begin runs again."""
    switch_agent(context, name, enabled=True)


@click.command(name="disable")
@click.argument("name")
@click.pass_obj
def disable(context: Context, name: str) -> None:
    """Let an agent of the running project begin no runs. What comes for it waits, runs under way go on."""
    switch_agent(context, name, enabled=False)


@click.command(name="scale")
@click.argument("name")
@click.argument("runs", metavar="RUNS|default")
@click.pass_obj
def scale(context: Context, name: str, runs: str) -> None:
    """Say how many runs an agent may have at a time; `default` is as its configuration says."""
    wanted = _wanted(runs)
    gateway_of(context).ask("PUT", f"/agents/{in_path(name)}/scale", object, SetScale(wanted))
    if context.json:
        print_json({"agent": name, "scale": wanted})
    elif not context.quiet:
        none = f"{name}: begins nothing; what comes waits until `freehold agent scale {name} default`"
        some = f"{name}: as configured" if wanted is None else f"{name}: at most {wanted} at a time"
        say(none if wanted == 0 else some)


def switch_agent(context: Context, name: str, *, enabled: bool) -> None:
    """Raises what the gateway raises: NOT_FOUND with the agents that there are."""
    verb = "enable" if enabled else "disable"
    gateway_of(context).post(f"/agents/{in_path(name)}/{verb}", object)
    if context.json:
        print_json({"agent": name, "enabled": enabled})
    elif not context.quiet:
        say(f"{name}: enabled" if enabled else f"{name}: disabled; what comes waits, runs under way go on")


def _wanted(runs: str) -> int | None:
    if runs == AS_CONFIGURED:
        return None
    if not (runs.isascii() and runs.isdigit() and len(runs) < 10):
        raise FreeholdError(
            Code.USAGE, f'"{runs}" is not a number of runs', f"a number from 0 on, or {AS_CONFIGURED}"
        )  # fmt: skip
    return int(runs)
