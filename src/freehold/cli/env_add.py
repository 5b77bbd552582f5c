"""`freehold env add` and `env init`: a server that is there becomes an environment."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, say
from freehold.cli.server import meet
from freehold.client.server_target import target_of
from freehold.client.tunnel import Tunnel
from freehold.hosts.failures import HostKeyError
from freehold.hosts.target import parse_hop
from freehold.project.environments import TO_BE_FILLED_IN, environment_of, name_problem
from freehold.project.host_key import HostKey, Pin
from freehold.project.problems import Problems
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts

_SKELETON = f"""\
# A server that projects are pushed to. docs/configuration.md has every key.

[server]
host = "{TO_BE_FILLED_IN}"            # a name, an address, or an alias of ~/.ssh/config
# user = "root"                 # else what ~/.ssh/config says, and then root
# port = 22
# keyPath = "~/.ssh/id_ed25519" # this key alone; else vps_ssh, the agent's keys and yours
# hostKey = "SHA256:..."        # else it is shown and asked for at the first meeting
# expose = true                 # reachable from outside, through the server's edge
"""


@click.command(name="add")
@click.argument("server", metavar="[USER@]HOST[:PORT]")
@click.option("--name", required=True, help="What the environment is called.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of SSH [22, or what ~/.ssh/config says].")
@click.option(
    "--key", type=click.Path(path_type=Path), help="The private key, and no other [those that ssh would use]."
)
@click.option("--host-key", default="", metavar="KEY", help="The server's host key, or its fingerprint SHA256:...")
@click.pass_obj
def add(context: Context, server: str, name: str, port: int | None, key: Path | None, host_key: str) -> None:
    """Log in to a server, and remember it as an environment, host key included. Nothing is changed there.

    The host key is shown and asked for, unless --host-key names it. When the server cannot be reached, nothing is
    written.
    """
    inventory = Environments(context.home)
    if problem := name_problem(name):
        raise FreeholdError(Code.USAGE, problem)
    if name in inventory.names():
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {name} is there already: {inventory.file(name)}",
            f"choose another name, or forget that one first: freehold env remove {name}",
        )
    table = _table(server, port, key, str(_pin(host_key)) if host_key else "")
    seen = _log_in(context, name, table, _typed(server, name, port, key))
    inventory.add(name, _text({**table, "hostKey": str(seen)}))
    if context.json:
        print_json({"added": name, "file": inventory.file(name), "hostKey": str(seen), "fingerprint": seen.fingerprint})
    elif not context.quiet:
        say(f"{name} is {server}: {inventory.file(name)}")
        note(f"host key: {seen.algorithm} {seen.fingerprint}\nnext: freehold env check {name}")


@click.command(name="init")
@click.argument("name")
@click.pass_obj
def init(context: Context, name: str) -> None:
    """Write an environment's file to fill in. `freehold env add` is quicker for a server that can be reached now."""
    path = Environments(context.home).add(name, _SKELETON)
    if context.json:
        print_json({"file": path})
    elif not context.quiet:
        say(str(path))
        note(f"fill in its host, then: freehold env check {name}")


def _table(server: str, port: int | None, key: Path | None, host_key: str) -> dict[str, str | int]:
    """The keys of `[server]` that were given."""
    try:
        place = parse_hop(server)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, str(error)) from None
    if key and not key.expanduser().is_file():
        raise FreeholdError(Code.USAGE, f"there is no key {key}")
    given: dict[str, str | int] = {
        "host": place.host,
        "user": place.user,
        "port": port or place.port,
        "keyPath": str(key.expanduser().absolute()) if key else "",
        "hostKey": host_key,
    }
    return {name: value for name, value in given.items() if value}


def _typed(server: str, name: str, port: int | None, key: Path | None) -> str:
    more = [*(["--port", str(port)] if port else []), *(["--key", str(key)] if key else [])]
    return shlex.join(["freehold", "env", "add", server, "--name", name, *more])


def _log_in(context: Context, name: str, table: dict[str, str | int], typed: str) -> HostKey:
    problems = Problems()
    environment = environment_of(name, {"server": table}, name, problems)
    problems.raise_errors()
    tunnel = Tunnel(target_of(environment, FileCredentialStore(context.home)), KnownHosts(context.home))
    try:
        return meet(context, tunnel.connect, context.home).host_key
    except HostKeyError as error:
        raise _not_there_yet(error, name, typed) from error
    finally:
        tunnel.close()


def _not_there_yet(error: HostKeyError, name: str, typed: str) -> FreeholdError:
    """With what accepts the key before there is an environment that `env check` could be told."""
    check = f"freehold env check {name} --host-key"
    if error.name == name:
        hint = error.hint.replace(check, f"{typed} --host-key")
    else:
        known = f"`ssh {error.name}` asks for it, and what it remembers counts here"
        hint = error.hint.replace(f"{check} {error.key.fingerprint}", known)
    return FreeholdError(error.code, error.message, hint)


def _pin(text: str) -> str:
    try:
        pin = Pin.parse(text)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"--host-key: {error}") from None
    return str(pin.key or pin.fingerprint)


def _text(table: dict[str, str | int]) -> str:
    import tomlkit

    return tomlkit.dumps({"server": table})
