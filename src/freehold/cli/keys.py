"""`freehold keys list|add|revoke|keep`: who may ask a running project over the network."""

from __future__ import annotations

import sys

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.when import local_time
from freehold.client.gateway import in_path
from freehold.client.gateway_address import KEY_FIELD, KEY_TYPE, usable_key
from freehold.project.credential import CredentialRef
from freehold.project.problems import unknown
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.wire.service import KeyMade, KeyView, NewKey

SCOPES = ("read", "trigger", "admin")


@click.group(name="keys")
def command() -> None:
    """Make, list and revoke the keys that open a project's gateway; keep one for another's.

    On the machine where the project runs, its own user needs none.
    """


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the keys that there are, the revoked ones too; the keys themselves are not known to anybody."""
    keys = gateway_of(context).get("/keys", list[KeyView])
    if context.json:
        print_json(keys)
    elif not keys:
        say("No keys yet. Make one: freehold keys add NAME")
    else:
        table(["key", "name", "scopes", "made", "last used", "expires", "revoked"], [_row(key) for key in keys])


@command.command(name="add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=["read"],
    show_default=True,
    help="read: see everything but secrets; trigger: begin and end runs too; admin: change what is to be.",
)
@click.option("--days", type=click.IntRange(1, 3660), help="For how long it opens anything [until it is revoked].")
@click.pass_obj
def add(context: Context, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make a key, and print it: this once, and never again."""
    made = gateway_of(context).post("/keys", KeyMade, NewKey(name, list(scopes), days))
    if context.json:
        print_json(made)
        return
    say(made.key)
    if not context.quiet:
        until = f" until {local_time(made.expires_at)}" if made.expires_at else ""
        note(f"the key of {name} ({', '.join(scopes)}){until}; it is not shown again")


@command.command(name="revoke")
@click.argument("key", metavar="KEY|NAME")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def revoke(context: Context, key: str, yes: bool) -> None:
    """Let a key, and the sessions that it opened, open nothing any more. KEY is its id, as `keys list` shows it."""
    gateway = gateway_of(context)
    found = _find(gateway.get("/keys", list[KeyView]), key)
    if not confirm(f"Revoke {found.name} ({found.id})?", yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    gateway.ask("DELETE", f"/keys/{in_path(found.id)}", object)
    if context.json:
        print_json({"revoked": found.id})
    elif not context.quiet:
        say(f"{found.name} opens nothing any more")


@command.command(name="keep")
@click.pass_obj
def keep(context: Context) -> None:
    """Keep a key that was made elsewhere, for commands with -E.

    It is asked for, or read from standard input where that is no terminal.
    """
    instance = context.environment
    if not instance:
        raise FreeholdError(Code.USAGE, "for which environment is the key?", "name it: freehold keys keep -E NAME")
    Environments(context.home).require(instance)
    key = usable_key(Secret(_read(context)))
    FileCredentialStore(context.home).put(CredentialRef(KEY_TYPE, instance), {KEY_FIELD: key})
    if context.json:
        print_json({"kept": f"{KEY_TYPE}:{instance}"})
    elif not context.quiet:
        say(f"kept for {instance}")


def _read(context: Context) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    if context.no_input:
        raise FreeholdError(Code.USAGE, "this needs a key", "give it on standard input")
    return str(click.prompt("key", hide_input=True, err=True))


def _find(keys: list[KeyView], wanted: str) -> KeyView:
    """The key of that id, else the only one in use of that name. Raises NOT_FOUND, CONFLICT."""
    usable = [key for key in keys if key.revoked_at is None]
    found = [key for key in usable if key.id == wanted] or [key for key in usable if key.name == wanted]
    if not found:
        raise FreeholdError(Code.NOT_FOUND, unknown("key", wanted, [key.name for key in usable]))
    if len(found) > 1:
        ids = ", ".join(key.id for key in found)
        raise FreeholdError(Code.CONFLICT, f'{len(found)} keys are called "{wanted}"', f"name one by its id: {ids}")
    return found[0]


def _row(key: KeyView) -> tuple[str, ...]:
    used, expires, revoked = key.last_used_at, key.expires_at, key.revoked_at
    return (
        key.id,
        key.name,
        ", ".join(key.scopes),
        local_time(key.created_at),
        local_time(used) if used else "never",
        local_time(expires) if expires else "",
        local_time(revoked) if revoked else "",
    )
