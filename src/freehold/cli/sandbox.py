"""`freehold sandbox list|ssh|remove|prune`: servers in containers on this machine."""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import TYPE_CHECKING

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.cli.env_bind import bind
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.sandbox_create import ID_KEY, PROVIDER, create
from freehold.cli.when import local_time, to_the_minute
from freehold.client.server_target import KEY_FIELD, KEY_TYPE
from freehold.project.credential import DEFAULT_INSTANCE
from freehold.project.home import credentials_directory
from freehold.project.host_key import HostKey
from freehold.project.overlay import chosen_environment
from freehold.project.problems import Problems
from freehold.providers.sandbox.order import Sandbox, State, container_name
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    from freehold.cli.sandboxes import Workshop
    from freehold.containers.image_store import Image  # it loads all that talks to Docker


@click.group(name="sandbox")
def command() -> None:
    """Servers for trying things, in containers on this machine.

    One boots systemd and has SSH, Docker and an address of its own. It is a test server, and no jail: whoever is root
    in it can become root of this machine.
    """


command.add_command(create)


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the sandboxes of this machine's Docker."""
    found = asyncio.run(_all())
    if context.json:
        print_json([_described(sandbox) for sandbox in found])
    elif not found:
        say("No sandboxes. Make one: freehold sandbox create NAME")
    else:
        rows = [(each.name, each.address or "none", each.state, _since(each)) for each in found]
        table(["sandbox", "address", "state", "since"], rows, [("since", to_the_minute)])


@command.command(name="ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND...]")
@click.pass_obj
def ssh(context: Context, name: str, words: tuple[str, ...]) -> None:
    """Log in to a sandbox as root, or run a command there. NAME is its own name, or its environment's.

    Several words reach the program as they are; a single one is a line for the shell, as ssh has it.
    """
    sandbox = asyncio.run(_met(context, name))
    line = words[0] if len(words) == 1 else shlex.join(words)
    program = login_command(context, sandbox.address, line)
    try:
        os.execvp(program[0], program)  # noqa: S606  an argv, and nothing of ours is left to do
    except FileNotFoundError:
        raise FreeholdError(
            Code.FAILED, "there is no ssh on this machine", "install it: apt-get install openssh-client"
        ) from None


@command.command(name="remove")
@click.argument("name", default="")
@click.option("--all", "every", is_flag=True, help="Every sandbox there is.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, name: str, every: bool, yes: bool) -> None:
    """Remove a sandbox with all that is in it, and the environments that point to it."""
    if bool(name) == every:
        raise FreeholdError(Code.USAGE, "name a sandbox, or give --all", "freehold sandbox list shows them")
    found = asyncio.run(_all() if every else _one(context, name))
    if not found:
        note("There are no sandboxes.")
        return
    names = ", ".join(sandbox.name for sandbox in found)
    what = "sandbox" if len(found) == 1 else "sandboxes"
    if not confirm(f"Remove {what} {names}, with all that is in there?", yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    asyncio.run(_remove(found))
    forgotten = [gone for sandbox in found for gone in _forget(context, sandbox)]
    if context.json:
        print_json({"removed": [sandbox.name for sandbox in found], "environments": forgotten})
    elif not context.quiet:
        say(f"removed {names}")
        for environment in forgotten:
            note(f"environment {environment} pointed there, and is forgotten")


@command.command(name="prune")
@click.option("--all", "also_current", is_flag=True, help="Also those that the next `create` would use again.")
@click.pass_obj
def prune(context: Context, also_current: bool) -> None:
    """Remove the images of former versions that no sandbox uses."""
    removed = asyncio.run(_prune(also_current))
    if context.json:
        print_json([image.names for image in removed])
        return
    for image in removed:
        say(f"removed {', '.join(image.names) or image.id} ({size(image.size_bytes)})")
    note(f"{plural(len(removed), 'image')} removed")


def login_command(context: Context, address: str, line: str = "") -> list[str]:
    """The words of `ssh` to a sandbox: our key and no other, the pinned host key, none of the user's own settings."""
    key = credentials_directory(context.home) / KEY_TYPE / DEFAULT_INSTANCE / KEY_FIELD
    settings = {
        "IdentityFile": _quoted(str(key)),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": _quoted(str(KnownHosts(context.home).path)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "PreferredAuthentications": "publickey",
        "LogLevel": "ERROR",
    }
    options = [word for setting in settings.items() for word in ("-o", "=".join(setting))]
    return ["ssh", "-F", "none", *options, "-l", "root", "--", address, *([line] if line else [])]


def _quoted(path: str) -> str:
    """For ssh_config(5): a path with spaces, and with percent signs that are no tokens."""
    return '"{}"'.format(path.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"'))


def _in_environment(context: Context, name: str) -> str:
    """The sandbox that the environment `name` is, for `env prov` makes names up; else `name` itself."""
    inventory = Environments(context.home)
    server = inventory.read_as_is(name, Problems()).server if name in inventory.names() else None
    is_one = server is not None and server.provider == PROVIDER
    return str(dict(server.ids).get(ID_KEY, name)) if server and is_one else name


async def _all() -> list[Sandbox]:
    from freehold.cli.sandboxes import workshop

    async with workshop() as shop:
        return await shop.sandboxes.all()


async def _one(context: Context, name: str) -> list[Sandbox]:
    from freehold.cli.sandboxes import workshop

    async with workshop() as shop:
        return [await _named(shop, context, name)]


async def _named(shop: Workshop, context: Context, name: str) -> Sandbox:
    """By its own name, or that of its environment. Raises NOT_FOUND."""
    return await shop.sandboxes.find(name) or await shop.sandboxes.require(_in_environment(context, name))


async def _met(context: Context, name: str) -> Sandbox:
    """One that runs, with its host key pinned as Docker tells it: also after another user of this machine made it."""
    from freehold.cli.sandboxes import workshop

    async with workshop() as shop:
        sandbox = await _named(shop, context, name)
        if sandbox.state is not State.RUNNING:
            raise FreeholdError(
                Code.UNREACHABLE,
                f"sandbox {sandbox.name} does not run ({sandbox.state})",
                f"freehold sandbox remove {sandbox.name}"
                if sandbox.state is State.INCOMPLETE
                else f"docker start {container_name(sandbox.name)}",
            )
        told, known = await shop.sandboxes.boot.host_key(sandbox.container_id), KnownHosts(context.home)
        if told and known.keys_of(sandbox.address) != [key := HostKey.parse(told)]:
            known.pin(sandbox.address, key)
        return sandbox


async def _remove(found: list[Sandbox]) -> None:
    from freehold.cli.sandboxes import workshop

    async with workshop() as shop:
        for sandbox in found:
            await shop.sandboxes.remove(sandbox.name)


async def _prune(also_current: bool) -> list[Image]:
    from freehold.cli.sandboxes import workshop

    async with workshop() as shop:
        return await shop.images.prune(also_current=also_current)


def _forget(context: Context, sandbox: Sandbox) -> list[str]:
    """Its host key, and the environments that point there; their names."""
    if sandbox.address:
        KnownHosts(context.home).forget(sandbox.address)
    inventory = Environments(context.home)
    servers = {name: inventory.read_as_is(name, Problems()).server for name in inventory.names()}
    pointing = [
        name
        for name, server in servers.items()
        if server and server.provider == PROVIDER and (ID_KEY, sandbox.name) in server.ids
    ]
    for name in pointing:
        inventory.remove(name)
        if chosen_environment(context.project_dir, "") == name:
            bind(context.project_dir, "")
    return pointing


def _described(sandbox: Sandbox) -> dict[str, str]:
    return {
        "name": sandbox.name,
        "address": sandbox.address,
        "state": sandbox.state,
        "since": sandbox.since,
        "image": sandbox.image,
    }


def _since(sandbox: Sandbox) -> str:
    return local_time(sandbox.since) if sandbox.since else ""
