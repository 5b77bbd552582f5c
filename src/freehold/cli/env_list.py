"""`freehold env list` and `env show`: which environments there are, and what their files say."""

from __future__ import annotations

from typing import Any

import click

from freehold.cli.context import Context
from freehold.cli.output import print_json, say, table
from freehold.cli.server import environment_asked_for
from freehold.deploy.provision.step import steps_to_do
from freehold.deploy.provision.wish import EXISTING
from freehold.project.environments import Environment
from freehold.project.overlay import chosen_environment
from freehold.project.problems import Problems
from freehold.store.environments import HOW_TO_ADD, Environments


@click.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the environments; `*` is the one that counts here."""
    inventory = Environments(context.home)
    chosen = chosen_environment(context.project_dir, context.environment)
    found = []
    for name in inventory.names():
        problems = Problems()
        environment = inventory.read_as_is(name, problems)
        found.append(
            (environment, "; ".join(f"{each.path}: {each.message}" for each in problems.errors) or _left(environment))
        )
    if context.json:
        print_json([{**described(each), "chosen": each.name == chosen, "problem": why} for each, why in found])
    elif not found:
        say(f"No environments yet. {HOW_TO_ADD}")
    else:
        rows = [(f"{each.name}{'*' * (each.name == chosen)}", _where(each), _by(each), why) for each, why in found]
        headers = ["environment", "server", "provider", "problem"]
        table(headers, rows) if any(why for _, why in found) else table(headers[:3], [row[:3] for row in rows])


@click.command(name="show")
@click.argument("name", default="")
@click.pass_obj
def show(context: Context, name: str) -> None:
    """Show what an environment's file says, with what holds where it says nothing."""
    environment = environment_asked_for(context, name)
    file = Environments(context.home).file(environment.name)
    if context.json:
        print_json({**described(environment), "file": str(file)})
        return
    say(f"{environment.name}: {file}")
    rows = [(key, value) for key, value in _as_written(environment) if value not in ("", None)]
    width = max((len(key) for key, _ in rows), default=0) + 2
    for key, value in rows:
        say(f"  {key + ':':<{width}}{str(value).lower() if isinstance(value, bool) else value}")


def _as_written(environment: Environment) -> list[tuple[str, Any]]:
    """By the keys of the file, which are those of the documentation."""
    found = described(environment)
    words = {"key_path": "keyPath", "base_path": "basePath", "host_key": "hostKey", "gateway_url": "gateway.url"}
    rows = [(words.get(key, key), value) for key, value in found.items() if key not in ("name", "ids")]
    return [*rows, *(environment.server.ids if environment.server else ())]


def described(environment: Environment) -> dict[str, Any]:
    """An environment as `--json` tells of it."""
    server = environment.server
    if server is None:
        return {"name": environment.name, "gateway_url": environment.gateway_url}
    return {
        "name": environment.name,
        "host": server.host,
        "user": server.user if environment.user_written else None,
        "port": server.port if environment.port_written else None,
        "key_path": server.key_path,
        "base_path": server.base_path,
        "expose": server.expose,
        "provider": server.provider,
        "host_key": environment.pin.fingerprint if environment.pin else "",
        "gateway_url": environment.gateway_url,
        "hostname": server.hostname,
        "ids": dict(server.ids),
    }


def _left(environment: Environment) -> str:
    """What to do about one that was begun, and not finished."""
    provision, server = environment.provision, environment.server
    if provision is None or server is None:
        return ""
    rented = server.provider not in ("", EXISTING)
    left = steps_to_do(rented=rented, certificate=provision.certificate, done=provision.done)
    return f"not finished: freehold env prov {environment.name}" if left else ""


def _where(environment: Environment) -> str:
    server = environment.server
    if server is None or not server.host:
        return environment.gateway_url or "none"
    user = f"{server.user}@" if environment.user_written else ""
    return f"{user}{server.host}{f':{server.port}' if environment.port_written else ''}"


def _by(environment: Environment) -> str:
    return environment.server.provider if environment.server else ""
