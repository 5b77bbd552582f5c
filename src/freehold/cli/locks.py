"""`freehold locks [release URI]`: what runs have locked for themselves."""

from __future__ import annotations

import click

from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.when import local_time
from freehold.wire.service import LockView, ReleaseLock


@click.group(name="locks", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what runs have locked for themselves.

    A lock ends by itself: with its run, or when the run has not renewed it in time.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the locks that are held, and by which run."""
    locks = gateway_of(context).get("/locks", list[LockView])
    if context.json:
        print_json(locks)
    elif not locks:
        say("Nothing is locked.")
    else:
        rows = [(lock.uri, lock.run_id, local_time(lock.held_since), local_time(lock.expires_at)) for lock in locks]
        table(["resource", "held by", "since", "until"], rows)


@command.command(name="release")
@click.argument("uri")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def release(context: Context, uri: str, yes: bool) -> None:
    """Take a lock away from the run that holds it. The run is not told: end it first, or be sure that it hangs."""
    if not confirm(f"Take {uri} away from the run that holds it?", yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    gateway_of(context).post("/locks/release", object, ReleaseLock(uri))
    if context.json:
        print_json({"released": uri})
    elif not context.quiet:
        say(f"{uri} is free")
