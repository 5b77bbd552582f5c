"""What an environment has at providers: everything with its mark, and what its file names."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.deploy.provision.renting import server_id
from freehold.deploy.provision.wish import EXISTING, IDS
from freehold.project.environments import Environment
from freehold.providers.dns import Dns
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.ownership import Owner
from freehold.providers.provider import Provider


@dataclass(frozen=True)
class Belongings:
    """`rented` at who sells servers, `names` at who holds the zone."""

    rented: tuple[Leftover, ...] = ()
    names: tuple[Leftover, ...] = ()

    @property
    def all(self) -> tuple[Leftover, ...]:
        return (*self.names, *self.rented)

    @property
    def has_server(self) -> bool:
        return any(one.kind is LeftoverKind.SERVER for one in self.rented)


def provider_of(environment: Environment) -> str:
    """Who rents out the server; empty for one that nobody does. Files of Action Llama say `vps`, and tell by the id."""
    server = environment.server
    if server is None or server.provider == EXISTING:
        return ""
    ids = dict(server.ids)
    return next((name for name, key in IDS.items() if key in ids or name == server.provider), "")


def zone_of(environment: Environment) -> str:
    """The id of the DNS zone that its name is in; empty without one."""
    return str(dict(environment.server.ids).get("cloudflareZoneId", "")) if environment.server else ""


def owner_of(environment: Environment) -> Owner | None:
    return Owner(environment.provision.installation, environment.name) if environment.provision else None


async def find_belongings(environment: Environment, provider: Provider | None, dns: Dns | None) -> Belongings:
    """Asked of the providers' own lists; both are asked anew each time. Raises what they raise."""
    return Belongings(
        await _rented(environment, provider) if provider else (), await _names(environment, dns) if dns else ()
    )


async def _rented(environment: Environment, provider: Provider) -> tuple[Leftover, ...]:
    owner = owner_of(environment)
    found = await provider.leftovers(owner) if owner else ()
    number = server_id(environment) or str(dict(_ids(environment)).get(IDS.get(provider.name, ""), ""))
    if not number or any(one.kind is LeftoverKind.SERVER and one.id == number for one in found):
        return found
    machine = await provider.machine(number)
    if machine is None:
        return found
    return (Leftover(LeftoverKind.SERVER, number, machine.name, f"at {provider.name}"), *found)


async def _names(environment: Environment, dns: Dns) -> tuple[Leftover, ...]:
    zone, owner = zone_of(environment), owner_of(environment)
    found = await dns.leftovers(zone, owner) if owner else ()
    number = str(dict(_ids(environment)).get("cloudflareDnsRecordId", ""))
    hostname = environment.server.hostname if environment.server else ""
    if not (number and hostname) or any(one.id == number for one in found):
        return found
    there = [record for record in await dns.records(zone, hostname) if record.id == number]
    return (*(Leftover(LeftoverKind.DNS_RECORD, one.id, f"{one.type} {one.name}") for one in there), *found)


def _ids(environment: Environment) -> tuple[tuple[str, str | int], ...]:
    return environment.server.ids if environment.server else ()
