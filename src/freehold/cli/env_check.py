"""`freehold env check [--fix]`: whether a server is as projects need it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.base.words import plural
from freehold.cli.context import Context
from freehold.cli.env_pin import accept_host_key
from freehold.cli.output import confirm, paint, print_json, say
from freehold.cli.pasted import for_environment
from freehold.cli.server import environment_asked_for, meet
from freehold.client.server_target import target_of
from freehold.deploy.check import Fix, Result, State
from freehold.deploy.server_check import NAMES, Place, check_server
from freehold.hosts.failures import UnknownHostKeyError
from freehold.hosts.host import Host
from freehold.hosts.ssh_config import Route, route_to
from freehold.hosts.ssh_host import open_ssh_host
from freehold.hosts.target import DEFAULT_PORT
from freehold.project.environments import Environment
from freehold.project.load import AGENTS_DIRECTORY, name_of
from freehold.server.layout import BASE, Layout, server_name
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts

_MARKS = {
    State.PASS: ("✓", "green"),
    State.FIXED: ("✓", "green"),
    State.WARN: ("!", "yellow"),
    State.SKIP: ("-", None),
    State.FAIL: ("✗", "red"),
}


@click.command(name="check")
@click.argument("name", default="")
@click.option("--fix", is_flag=True, help="Repair what can be repaired, asking before each change.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--host-key", default="", metavar="KEY", help="Accept this host key (or SHA256:...) from now on.")
@click.pass_obj
def check(context: Context, name: str, fix: bool, yes: bool, host_key: str) -> int:
    """Check a server from this machine: SSH, sudo, system, Python, Docker, disk, memory, clock, ports, gateway, how it
    is shut (sshd, fail2ban, firewall), its journal, its edge with HTTPS, and whether webhooks get to it.

    Exit code 0 when nothing failed (warnings do not count), 5 when the server cannot be reached, else 1.
    """
    environment = environment_asked_for(context, name)
    if host_key:
        accept_host_key(context, environment.name, host_key)
        environment = environment_asked_for(context, environment.name)

    def agreed(offer: str) -> bool:
        return confirm(f"{offer}?", yes=yes, no_input=context.no_input)

    try:
        results = meet(
            context, lambda: asyncio.run(_check(context, environment, fix=agreed if fix else None)), context.home
        )
        code = 1
    except FreeholdError as error:
        if error.code in (Code.CONFIG, Code.USAGE) or isinstance(error, UnknownHostKeyError):
            raise
        results = [Result("ssh", State.FAIL, error.message, error.hint)]
        results += [Result(each, State.SKIP, "the server could not be asked") for each in NAMES]
        code = error.exit_code
    results = [replace(each, hint=for_environment(each.hint, environment.name)) for each in results]
    _tell(context, environment.name, results)
    return code if any(result.state is State.FAIL for result in results) else 0


async def _check(context: Context, environment: Environment, fix: Fix | None) -> list[Result]:
    target = target_of(environment, FileCredentialStore(context.home))
    known = KnownHosts(context.home)
    place = place_in(context, environment, route_to(target))
    host = await open_ssh_host(target, known)

    async def log_in() -> Host:
        return await open_ssh_host(target, known)

    try:
        found = await check_server(host, place, log_in, fix)
    finally:
        await host.close()
    route = place.route
    where = f"{route.user}@{route.host}" + (f" port {route.port}" if route.port != DEFAULT_PORT else "")
    return [Result("ssh", State.PASS, f"logged in as {where}"), *found]


def place_in(context: Context, environment: Environment, route: Route) -> Place:
    """What is looked at: the server, and this folder's project on it, if it is a project's."""
    server = environment.server
    exposed = bool(server and server.expose)
    project = (context.project_dir / AGENTS_DIRECTORY).is_dir()
    base = server.base_path if server else BASE
    return Place(
        route=route,
        exposed=exposed,
        gateway_socket=Layout(server_name(name_of(context.project_dir)), base).gateway_socket if project else "",
        url=environment.gateway_url or (f"https://{server.hostname}" if server and server.hostname else ""),
    )


def _tell(context: Context, name: str, results: Sequence[Result]) -> None:
    if context.json:
        print_json({"environment": name, "checks": results})
        return
    for result in results:
        if context.quiet and result.state in (State.PASS, State.SKIP):
            continue
        mark, colour = _MARKS[result.state]
        first, *rest = result.message.splitlines() or [""]
        say(paint(mark, fg=colour, bold=True), f" {result.name}: {one_line(first)}")
        for line in rest:
            say(f"    {line}")
        for line in result.hint.splitlines():
            say(paint(f"    → {line}", bold=True))
    failed = sum(result.state is State.FAIL for result in results)
    warned = sum(result.state is State.WARN for result in results)
    say(f"{plural(failed, 'failure')}, {plural(warned, 'warning')}")
    if fixable := sum(result.fixable for result in results):
        say(f"`freehold env check {name} --fix` can repair {fixable} of them")
