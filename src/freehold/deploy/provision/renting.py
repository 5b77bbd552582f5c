"""A server is rented: key, firewall, the server itself, its address. All are known by their mark, and made once."""

from __future__ import annotations

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.patience import Deadline
from freehold.deploy.provision.progress import Progress
from freehold.deploy.provision.record import Changes, Record
from freehold.deploy.provision.wish import IDS, OTHER_ID, REGIONS
from freehold.project.environments import Environment
from freehold.providers.cloud_init import FirstBoot, cloud_config
from freehold.providers.firewall import rules_for
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.provider import Provider

LOOK_EVERY_S = 3.0
WEB_PORTS = (80, 443)


class Renting:
    """The provider's side of an environment that is written down. `public_key` is what the server lets in."""

    def __init__(self, provider: Provider, record: Record, public_key: str, progress: Progress, clock: Clock) -> None:
        self._provider = provider
        self._record = record
        self._public_key = public_key
        self._progress = progress
        self._clock = clock

    async def key(self) -> Changes:
        key = await self._provider.add_key(self._public_key, self._record.owner)
        return Changes(provision={"keyId": key.id})

    async def firewall(self) -> Changes:
        server = self._record.server
        rules = rules_for(ssh_port=server.port, open_ports=WEB_PORTS if server.expose else ())
        firewall = await self._provider.put_firewall(rules, self._record.owner)
        return Changes(provision={"firewallId": firewall.id})

    async def server(self) -> Changes:
        """One that is there already is taken, with the plan that it has."""
        wanted, owner, server = self._record.provision, self._record.owner, self._record.server
        distribution, _, version = wanted.distribution.partition(" ")
        first_boot = FirstBoot(owner.name, (self._public_key,), distribution, version, server.port)
        spec = ServerSpec(
            owner, wanted.plan, wanted.region, wanted.image, (wanted.key_id,), wanted.firewall_id,
            cloud_config(first_boot),
        )  # fmt: skip
        return self._told(await self._provider.create(spec))

    async def address(self, deadline: Deadline) -> Changes:
        """Raises TIMEOUT when it does not run in time, FAILED when it is no longer there."""
        machine_id = server_id(self._record.environment)
        while True:
            machine = await self._provider.machine(machine_id)
            if machine is None or machine.state is MachineState.GOING:
                raise FreeholdError(
                    Code.FAILED,
                    f"the server {machine_id} is no longer there: somebody removed it",
                    f"Take the rest down, then begin anew: freehold env deprov {self._record.name}",
                )
            if machine.ready:
                return Changes({"host": str(machine.address), "user": "root"})
            deadline.require(f"the provider says that the server is {machine.state}")
            await self._clock.sleep(LOOK_EVERY_S)

    async def fingerprint(self) -> str | None:
        """Of the server's host key, where the provider tells it."""
        machine = await self._provider.machine(server_id(self._record.environment))
        return machine.host_key_fingerprint if machine else None

    def _told(self, machine: Machine) -> Changes:
        name = self._provider.name
        changes: dict[str, str | int] = {
            IDS.get(name, OTHER_ID): int(machine.id) if name == "hetzner" else machine.id,
        }
        if name in REGIONS:
            changes[REGIONS[name]] = machine.region
        return Changes(changes, {"plan": machine.plan, "region": machine.region})


def server_id(environment: Environment) -> str:
    """Of the machine at the provider; empty when none is known."""
    server = environment.server
    if server is None:
        return ""
    ids = dict(server.ids)
    return str(ids.get(IDS.get(server.provider, OTHER_ID), ""))
