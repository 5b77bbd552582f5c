"""`freehold env deprov`: what an environment has is taken down, on the server and at providers; with proof."""

from __future__ import annotations

import asyncio

import click

from freehold.cli.context import Context


@click.command(name="deprov")
@click.argument("name")
@click.option("--keep-server", is_flag=True, help="The rented server stays; the project on it and its host name go.")
@click.option("--server", "whole_server", is_flag=True, help="The server goes, and other projects on it as well.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def deprov(context: Context, /, name: str, keep_server: bool, whole_server: bool, dry_run: bool, yes: bool) -> int:
    """Take an environment down: the project on the server, the host name, the rented server; then forget it.

    First the plan is shown, and you are asked to type the environment's name. Afterwards the providers' own lists are
    asked whether anything is left. A server that Freehold did not rent is never removed. Exit code 1 when something
    could not be removed, or the server not be asked: it is listed with how to do it by hand, and the environment stays
    until all is gone.
    """
    from freehold.cli.deprovisioning import deprovision
    from freehold.deploy.deprovision.plan import Wanted

    wanted = Wanted(keep_server=keep_server, whole_server=whole_server)
    return asyncio.run(deprovision(context, name, wanted, dry_run=dry_run, yes=yes))
