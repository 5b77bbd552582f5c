"""What `freehold env deprov` does, from the first look to the last line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import click

from freehold.base.clock import SystemClock
from freehold.base.errors import FreeholdError
from freehold.base.plain_text import one_line
from freehold.cli.context import Context
from freehold.cli.env_bind import bind
from freehold.cli.output import confirm, note, paint, print_json, say
from freehold.cli.provision_flags import Flags
from freehold.cli.provision_means import is_accepted, log_in, project_here
from freehold.cli.provision_shop import Shop
from freehold.client.gateway_address import KEY_TYPE as GATEWAY_KEY
from freehold.client.server_target import target_of
from freehold.deploy.deprovision.belongings import Belongings, find_belongings, provider_of, zone_of
from freehold.deploy.deprovision.plan import Plan, Wanted, closing_lines, plan_lines, plan_teardown
from freehold.deploy.deprovision.server_side import OnServer, look
from freehold.deploy.deprovision.teardown import Outcome, Teardown
from freehold.deploy.provision.arrival import Arrival
from freehold.deploy.provision.record import Changes, Record
from freehold.deploy.provision.step import CLOUDFLARE
from freehold.hosts.host import Host
from freehold.hosts.ssh_config import route_to
from freehold.hosts.target import place_of
from freehold.project.credential import CredentialRef
from freehold.project.environments import Environment
from freehold.project.overlay import chosen_environment
from freehold.providers.dns import Dns
from freehold.providers.provider import Provider
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts

_ZONE_STAYS_STRICT = "the zone's SSL mode, strict: other names in it may count on it by now; change it at Cloudflare"


@dataclass(frozen=True)
class _Met:
    """The server as far as it can be reached; `problem` says why it cannot."""

    host: Host | None = None
    there: OnServer | None = None
    problem: str = ""


async def deprovision(context: Context, name: str, wanted: Wanted, *, dry_run: bool, yes: bool) -> int:
    Environments(context.home).require(name)
    with Environments(context.home).held(name):
        return await _deprovision(context, name, replace(wanted, project=project_here(context)), dry_run, yes=yes)


async def _deprovision(context: Context, name: str, wanted: Wanted, dry_run: bool, *, yes: bool) -> int:
    environment = Environments(context.home).read(name)
    shop = Shop(context, name)
    met = _Met()
    try:
        provider = await shop.provider(provider_of(environment)) if provider_of(environment) else None
        dns = await shop.dns() if zone_of(environment) else None
        belongings = await find_belongings(environment, provider, dns)
        met = await _meet(context, environment, belongings, provider)
        plan = _plan(environment, met, belongings, wanted)
        _show(context, plan, environment, met, say if dry_run else note)
        if dry_run:
            _tell_plan(context, plan, name, met)
            return 0
        if not (plan.is_empty or _is_agreed(context, name, yes=yes)):
            note("Nothing was changed.")
            return 1
        outcome = Outcome() if plan.is_empty else await _carry_out(context, environment, plan, met, provider, dns)
    finally:
        if met.host is not None:
            await met.host.close()
        await shop.close()
    return _conclude(context, environment, plan, outcome, met)


def _plan(environment: Environment, met: _Met, belongings: Belongings, wanted: Wanted) -> Plan:
    provision = environment.provision
    plan = plan_teardown(
        met.there,
        belongings,
        wanted,
        name_of_hostname=provision.project if provision else "",
        has_server_somewhere=environment.has_server and (belongings.has_server or not provider_of(environment)),
    )
    if plan.removes_names and provision and provision.ssl_mode == "zone":
        return replace(plan, stays=(*plan.stays, _ZONE_STAYS_STRICT))
    return plan


async def _meet(context: Context, environment: Environment, belongings: Belongings, provider: Provider | None) -> _Met:
    """A rented server that is gone already is not looked for at an address that others may have by now."""
    if not environment.has_server or (provider is not None and not belongings.has_server):
        return _Met()
    target = target_of(environment, FileCredentialStore(context.home))
    assert environment.server is not None
    arrival = Arrival(log_in(context), lambda error: is_accepted(context, Flags(), error), SystemClock())
    try:
        host, _ = await arrival.meet(target)
    except FreeholdError as error:
        return _Met(problem=f"{error.message}\n{error.hint}".strip())
    try:
        return _Met(host, await look(host, environment.server.base_path))
    except FreeholdError as error:
        await host.close()
        return _Met(problem=f"{error.message}\n{error.hint}".strip())


def _show(context: Context, plan: Plan, environment: Environment, met: _Met, tell: Callable[..., None]) -> None:
    if context.json:
        return
    if met.problem:
        first, *rest = met.problem.splitlines()
        note(paint("the server cannot be asked: ", fg="yellow", bold=True), first)
        for line in rest:
            note(f"  {line}")
        note("  What runs there, and whether other projects do, is not known.")
    for line in plan_lines(plan, environment.name):
        tell(f"  {one_line(line)}" if line.startswith("  ") else one_line(line))


def _tell_plan(context: Context, plan: Plan, name: str, met: _Met) -> None:
    if context.json:
        print_json(
            {
                "environment": name, "projects": plan.projects, "remove": [*plan.things, *map(str, plan.away)],
                "stays": plan.stays, "forgets": plan.forgets, "problem": met.problem,
            }
        )  # fmt: skip


def _is_agreed(context: Context, name: str, *, yes: bool) -> bool:
    """By typing the environment's name. Raises USAGE where nobody can."""
    if yes or context.no_input or not sys.stdin.isatty():
        return confirm(f"Take {name} down?", yes=yes, no_input=context.no_input)
    typed: str = click.prompt(f"Type {name} to do it", default="", show_default=False, err=True)
    return typed.strip() == name


async def _carry_out(
    context: Context, environment: Environment, plan: Plan, met: _Met, provider: Provider | None, dns: Dns | None
) -> Outcome:
    def told(text: str) -> None:
        if not (context.quiet or context.json):
            note(one_line(text))

    return await Teardown(environment, met.host, provider, dns, told).carry_out(plan)


def _conclude(context: Context, environment: Environment, plan: Plan, outcome: Outcome, met: _Met) -> int:
    """The file goes with the last thing; until then it remembers what there is."""
    forgotten = plan.forgets and not outcome.left
    if forgotten:
        _forget(context, environment)
    elif plan.removes_names and not outcome.left:
        _forget_name(context, environment)
    if context.json:
        print_json(
            {
                "environment": environment.name, "removed": outcome.removed, "proven": outcome.proven,
                "left": outcome.left, "stays": plan.stays, "forgotten": forgotten, "problem": met.problem,
            }
        )  # fmt: skip
        return 1 if outcome.left or plan.leaves_all_there else 0
    for line in outcome.proven:
        say(paint("✓ ", fg="green", bold=True), line)
    for left in outcome.left:
        say(paint("✗ ", fg="red", bold=True), f"{left.what}: {one_line(left.why)}")
        if left.by_hand:
            say(f"    by hand: {one_line(left.by_hand)}")
    if outcome.left:
        note(f"The environment stays until all is gone; then again: freehold env deprov {environment.name}")
        return 1
    for line in closing_lines(plan, environment.name):
        say(line)
    return 1 if plan.leaves_all_there else 0


def _forget(context: Context, environment: Environment) -> None:
    """Its file, the host key that was accepted for its place, the key of its gateway, a project's binding to it."""
    if environment.has_server:
        route = route_to(target_of(environment, FileCredentialStore(context.home)))
        KnownHosts(context.home).forget(place_of(route.place_host, route.port))
    Environments(context.home).remove(environment.name)
    FileCredentialStore(context.home).remove(CredentialRef(GATEWAY_KEY, environment.name))
    if chosen_environment(context.project_dir, "") == environment.name:
        bind(context.project_dir, "")


def _forget_name(context: Context, environment: Environment) -> None:
    """The server stays, and answers to no name any more."""
    record = Record(Environments(context.home), environment.name)
    server = dict.fromkeys(
        ("hostname", "cloudflareHostname", "cloudflareZoneId", "cloudflareDnsRecordId", "proxyNetworks")
    )
    provision = dict.fromkeys(
        ("project", "certificate", "certificateId", "certificateFile", "certificateKeyFile", "sslMode")
    )
    done = [step for step in record.provision.done if step not in CLOUDFLARE] if environment.provision else None
    record.write(Changes(server, {**provision, **({"done": done} if done is not None else {})}, {"url": None}))
