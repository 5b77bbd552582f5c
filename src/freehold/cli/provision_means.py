"""The wiring of the way to a server: providers, SSH, questions, this machine's clock."""

from __future__ import annotations

from collections.abc import Sequence

import click

from freehold.base.clock import SystemClock
from freehold.cli.asking import can_ask
from freehold.cli.context import Context
from freehold.cli.output import confirm, note
from freehold.cli.provision_flags import FIRST, Flags
from freehold.cli.provision_shop import Shop
from freehold.cli.provision_tell import Teller, shown_changes, tell
from freehold.cli.server_key import public_key
from freehold.client.server_target import target_of
from freehold.deploy.part import Change
from freehold.deploy.provision.arrival import Arrival, LogIn
from freehold.deploy.provision.https import VISIBLE_WITHIN_S, CloudflareWeb, OwnWeb
from freehold.deploy.provision.journey import Means, Web, steps_left
from freehold.deploy.provision.lookup import look_up
from freehold.deploy.provision.patience import READY_WITHIN_S
from freehold.deploy.provision.preparation import Preparation
from freehold.deploy.provision.record import Record
from freehold.deploy.provision.renting import Renting
from freehold.deploy.provision.step import CLOUDFLARE, RENTED
from freehold.deploy.provision.wish import EXISTING
from freehold.deploy.server_preparation import preparation
from freehold.hosts.failures import HostKeyError
from freehold.hosts.host import Host
from freehold.hosts.ssh_host import open_ssh_host
from freehold.hosts.target import Target
from freehold.project.host_key import HostKey
from freehold.project.load import AGENTS_DIRECTORY, name_of
from freehold.server.layout import server_name
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts


async def means_for(context: Context, record: Record, shop: Shop, flags: Flags, teller: Teller) -> Means:
    """Those that the steps which are left need. Raises CREDENTIAL when a provider does not accept its token."""
    clock, server, left = SystemClock(), record.server, set(steps_left(record))
    arrival = Arrival(log_in(context), lambda error: is_accepted(context, flags, error), clock)
    renting = None
    if server.provider not in ("", EXISTING) and left.intersection(RENTED):
        provider = await shop.provider(server.provider)
        key = await public_key(context, record.provision.key, provider)
        renting = Renting(provider, record, key, teller, clock)

    async def log_in_again() -> Host:
        host, _ = await arrival.meet(target_of(record.environment, FileCredentialStore(context.home)))
        return host

    parts = preparation(log_in_again, exposed=server.expose, say=teller.says)
    return Means(
        arrival=arrival,
        target_of=lambda environment: target_of(environment, FileCredentialStore(context.home)),
        progress=teller,
        clock=clock,
        within_s=flags.timeout or READY_WITHIN_S,
        renting=renting,
        # A server that was just made for this is nobody else's: there is nothing to ask.
        prepare=Preparation(parts, lambda changes: bool(renting) or _is_agreed(context, flags, changes), teller),
        web=await _web(record, shop, flags, teller, clock) if left.intersection(CLOUDFLARE) else None,
    )


async def _web(record: Record, shop: Shop, flags: Flags, teller: Teller, clock: SystemClock) -> Web | None:
    match record.provision.certificate:
        case "own":
            return OwnWeb(record)
        case "cloudflare":
            wait_s = VISIBLE_WITHIN_S if flags.dns_wait is None else flags.dns_wait
            return CloudflareWeb(
                await shop.dns(), record, teller, clock, look_up, flags.replace_records, visible_within_s=wait_s
            )
        case _:
            return None


def log_in(context: Context) -> LogIn:
    known = KnownHosts(context.home)

    async def opened(target: Target) -> tuple[Host, HostKey]:
        host = await open_ssh_host(target, known)
        return host, host.host_key

    return opened


def is_accepted(context: Context, flags: Flags, error: HostKeyError) -> bool:
    if flags.host_key == FIRST:
        return True
    if not can_ask(context):
        return False
    note(
        f"{error.message}\n  The server's console, at the provider's web site, shows the same one if nobody is between."
    )
    return click.confirm(f"Accept the host key of {error.place}?", default=False, err=True)


def _is_agreed(context: Context, flags: Flags, changes: Sequence[Change]) -> bool:
    if not (context.quiet or context.json) or not flags.yes:
        tell(shown_changes(changes))
    return confirm("Change the server so?", yes=flags.yes, no_input=context.no_input)


def project_here(context: Context) -> str:
    """The name on servers of the project that we stand in; empty outside of one."""
    if not (context.project_dir / AGENTS_DIRECTORY).is_dir():
        return ""
    return server_name(name_of(context.project_dir))
