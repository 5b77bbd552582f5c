"""`freehold sandbox create`: a server in a container, to be logged in to with the key `vps_ssh`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.base.words import duration, parse_size
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, say, warn
from freehold.cli.ssh_key import generate_key_pair
from freehold.client.server_target import KEY_FIELD, KEY_TYPE
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.environments import name_problem
from freehold.project.host_key import HostKey
from freehold.providers.sandbox.order import BOOTS_WITHIN_S, Order
from freehold.providers.sandbox.recipe import SUITES, Form
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    from freehold.providers.sandbox.sandboxes import Booted  # it loads all that talks to Docker

PROVIDER = "sandbox"
"""In `provider` of an environment's file."""
ID_KEY = "sandboxName"
_PUBLIC_FIELD = "public_key"


@click.command(name="create")
@click.argument("name")
@click.option("--debian", type=click.Choice(sorted(SUITES)), default="12", help="Which Debian [12].")
@click.option("--plain", is_flag=True, help="As a provider hands it out: without Docker, for `env prov` to prepare.")
@click.option("--memory", default="", metavar="SIZE", help='At most so much memory, "2g" [no bound].')
@click.option("--cpus", type=click.FloatRange(min=0.1), default=None, help="At most so many processors [no bound].")
@click.option("--env", "environment", default="", metavar="NAME", help="Write an environment of this name, too.")
@click.option(
    "--wait", type=click.FloatRange(min=1), default=BOOTS_WITHIN_S, metavar="SECONDS", help="For its boot [120]."
)
@click.pass_obj
def create(
    context: Context,
    name: str,
    debian: str,
    plain: bool,
    memory: str,
    cpus: float | None,
    environment: str,
    wait: float,
) -> None:
    """Make a server in a container, wait until SSH answers, and print its address.

    The first one makes its image, which takes a minute or two. root logs in with the key `vps_ssh`, which is made when
    there is none; nobody else does, and there is no password.
    """
    _require_free(context, environment)
    keys = _public_keys(context, environment)
    form = Form.PLAIN if plain else Form.READY
    order = Order(name, keys, SUITES[debian], form, cpus=cpus or 0, memory_bytes=_size(memory))
    booted, took_s = asyncio.run(_create(context, order, wait))
    address = booted.sandbox.address
    key = HostKey.parse(booted.host_key)
    KnownHosts(context.home).pin(address, key)
    if environment:
        Environments(context.home).add(environment, _text(name, address, key))
    if booted.systemd != "running":
        warn(f"some unit of {name} failed: freehold sandbox ssh {name} systemctl --failed")
    if booted.storage == "vfs":
        warn("this machine's kernel has no overlay file system: Docker in there is slow and takes much disk")
    if context.json:
        answer = {"name": name, "address": address, "systemd": booted.systemd, "hostKey": str(key)}
        print_json({**answer, "fingerprint": key.fingerprint, "environment": environment or None})
        return
    say(address)
    if not context.quiet:
        note(f"{name} runs Debian {debian}; it was there after {duration(took_s)}")
        note(f"log in: freehold sandbox ssh {name}")
        add = f"freehold env add root@{address} --name {name}"
        note(
            f"next, in a project's folder: freehold push -E {environment}"
            if environment
            else f"as an environment: {add}"
        )


def _require_free(context: Context, environment: str) -> None:
    """Before a minute is spent, whether the environment can be written."""
    if not environment:
        return
    if problem := name_problem(environment):
        raise FreeholdError(Code.USAGE, problem)
    inventory = Environments(context.home)
    if environment in inventory.names():
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {environment} is there already: {inventory.file(environment)}",
            f"choose another name, or forget that one first: freehold env remove {environment}",
        )


def _public_keys(context: Context, environment: str) -> tuple[str, ...]:
    """Those that log in: of `vps_ssh`, made when there is none, and of its instance for the environment."""
    store = FileCredentialStore(context.home)
    ref = CredentialRef(KEY_TYPE, DEFAULT_INSTANCE)
    if store.get(ref, KEY_FIELD) is None:
        store.put(ref, generate_key_pair(EVERY_CREDENTIAL_TYPE[KEY_TYPE], str(ref)))
        if not context.quiet:
            note(f"made the key {KEY_TYPE}, with which servers are logged in to")
    found = [
        store.get(CredentialRef(KEY_TYPE, name), _PUBLIC_FIELD) for name in (DEFAULT_INSTANCE, environment) if name
    ]
    keys = tuple(key.reveal() for key in found if key)
    if not keys:
        raise FreeholdError(
            Code.CREDENTIAL,
            f"{KEY_TYPE} has no public key",
            f"store it, too: freehold creds add {KEY_TYPE} --field {_PUBLIC_FIELD}=-",
        )
    return keys


def _size(text: str) -> int:
    try:
        return parse_size(text) if text else 0
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"--memory: {error}") from None


async def _create(context: Context, order: Order, wait_s: float) -> tuple[Booted, float]:
    from freehold.cli.sandboxes import workshop

    def notice(text: str) -> None:
        if not (context.quiet or context.json):
            note(one_line(text))

    loop = asyncio.get_running_loop()
    began = loop.time()
    async with workshop() as shop:
        booted = await shop.sandboxes.create(order, notice, wait_s)
    return booted, loop.time() - began


def _text(name: str, address: str, key: HostKey) -> str:
    import tomlkit

    server = {"host": address, "user": "root", "provider": PROVIDER, ID_KEY: name, "hostKey": str(key)}
    return tomlkit.dumps({"server": server})
