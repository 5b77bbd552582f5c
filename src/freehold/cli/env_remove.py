"""`freehold env remove`: forget a server."""

from __future__ import annotations

import click

from freehold.cli.context import Context
from freehold.cli.env_bind import bind
from freehold.cli.output import confirm, note, print_json, say
from freehold.project.overlay import chosen_environment
from freehold.project.problems import Problems
from freehold.store.environments import Environments


@click.command(name="remove")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, name: str, yes: bool) -> None:
    """Forget an environment. Nothing happens on its server: what runs there goes on, and costs what it costs."""
    inventory = Environments(context.home)
    inventory.require(name)
    server = inventory.read_as_is(name, Problems()).server
    bought = (
        f" It is the only record of a server at {server.provider}; `freehold env deprov {name}` takes that down."
        if server and server.ids
        else ""
    )
    if not confirm(f"Forget environment {name}?{bought}", yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    inventory.remove(name)
    if chosen_environment(context.project_dir, "") == name:
        bind(context.project_dir, "")
    if context.json:
        print_json({"removed": name})
    elif not context.quiet:
        say(f"{name} is forgotten; its server goes on")
