"""`freehold stop`: end the running project."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import note, print_json, say
from freehold.cli.pasted import for_environment
from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.project.state import state_directory
from freehold.wire.service import SCHEDULER_LOCK

PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.05


@click.command(name="stop", context_settings={"allow_extra_args": True})
@click.pass_context
def command(ctx: click.Context) -> None:
    """End the running project. Runs go on, and what waits is kept: the next `freehold start` goes on with it."""
    context: Context = ctx.obj
    if ctx.args:
        agent = ctx.args[0]
        raise FreeholdError(
            Code.USAGE,
            "`freehold stop` ends the whole project, and takes no name",
            f"freehold kill {agent} ends what runs of it; freehold pause {agent} lets it begin nothing any more",
        )
    gateway = gateway_of(context)
    gateway.post("/stop", object)
    here = isinstance(gateway.address, LocalAddress)
    if here:
        _wait_until_gone(gateway, state_directory(context.project_dir) / SCHEDULER_LOCK)
    if context.json:
        print_json({"stopped": str(gateway.address)})
    elif not context.quiet:
        say("stopped" if here else "it is stopping")
        note(for_environment("runs go on; `freehold kill AGENT` ends them", context.environment))
        if not here:
            again = "systemd starts it again at once where it keeps it, as after a push"
            note(for_environment(f"{again}; `freehold pause` lets no run begin", context.environment))


def _wait_until_gone(gateway: Gateway, lock: Path) -> None:
    """So that a `start` that follows finds the place free. Raises TIMEOUT."""
    deadline = time.monotonic() + PATIENCE_S
    while gateway.is_there() or _is_held(lock):
        if time.monotonic() > deadline:
            raise FreeholdError(
                Code.TIMEOUT, f"it has not ended within {PATIENCE_S:.0f} s", "It was asked to: look again in a moment."
            )
        time.sleep(_LOOK_EVERY_S)


def _is_held(lock: Path) -> bool:
    """Whether a process still has the project: its socket goes first."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
