"""A provider in memory: what tests, and rehearsals of `env prov`, meet instead of one that sends bills."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal

from freehold.base.errors import FreeholdError
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.key import KeyOnProvider
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.offer import Architecture, Catalogue, Image, Plan, Price, Region
from freehold.providers.ownership import Owner


def _price(month: str) -> Price:
    return Price(Decimal(month), Decimal(month) / 730, "EUR", includes_tax=True)


SMALL_CATALOGUE = Catalogue(
    plans=(
        Plan("small", 2, 4096, 40, Architecture.X86, {"north": _price("4.51"), "south": _price("5.20")}),
        Plan("large", 8, 16384, 160, Architecture.X86, {"north": _price("17.30")}),
        Plan("arm", 2, 4096, 40, Architecture.ARM, {"south": _price("3.99")}),
    ),
    regions=(
        Region("north", "Tampere", "FI", frozenset({"small", "large"})),
        Region("south", "Palermo", "IT", frozenset({"small", "arm"})),
    ),
    images=(
        Image("1", "debian-12", "debian", "12", Architecture.X86),
        Image("2", "debian-13", "debian", "13", Architecture.X86),
        Image("3", "ubuntu-24.04", "ubuntu", "24.04", Architecture.X86),
        Image("4", "debian-12", "debian", "12", Architecture.ARM),
        Image("5", "fedora-43", "fedora", "43", Architecture.X86),
    ),
)


@dataclass
class _Made:
    """One thing at the provider, and whose it is."""

    owner: Owner
    machine: Machine
    spec: ServerSpec
    reads: int = 0


@dataclass
class FakeProvider:
    """`Provider` in memory. A server runs when it has been read `reads_until_running` times.

    `refusals` are raised in turn, each instead of the next thing that would be made or removed; `specs` is what servers
    were asked for.
    """

    sold: Catalogue = SMALL_CATALOGUE
    reads_until_running: int = 1
    address: str = "192.0.2.10"
    host_key_fingerprint: str | None = None
    refusals: deque[Refusal] = field(default_factory=deque)
    name: str = "fake"
    rents: bool = True
    specs: list[ServerSpec] = field(default_factory=list)
    _servers: dict[str, _Made] = field(default_factory=dict)
    _keys: dict[str, tuple[Owner, KeyOnProvider]] = field(default_factory=dict)
    _firewalls: dict[str, tuple[Owner, Firewall]] = field(default_factory=dict)
    _last_id: int = 0

    @property
    def firewalls(self) -> dict[str, Firewall]:
        """By id, whosever they are."""
        return {key: one for key, (_, one) in self._firewalls.items()}

    async def check(self) -> str:
        return "nobody's account"

    async def catalogue(self) -> Catalogue:
        return self.sold

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        return tuple(key for _, key in self._keys.values())

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:
        for _, key in self._keys.values():
            if key.is_same_as(public_key):
                return key
        self._refuse(f"add the SSH key {owner.name}")
        key = KeyOnProvider(self._new_id(), owner.name, public_key)
        self._keys[key.id] = (owner, key)
        return key

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:
        there = next((one.id for whose, one in self._firewalls.values() if whose == owner), None)
        self._refuse(f"create the firewall {owner.name}")
        firewall = Firewall(there or self._new_id(), owner.name, frozenset(rules))
        self._firewalls[firewall.id] = (owner, firewall)
        return firewall

    async def create(self, spec: ServerSpec) -> Machine:
        for made in self._servers.values():
            if made.owner == spec.owner:
                return made.machine
        self._refuse(f"create the server {spec.name}")
        try:
            self.sold.require_sold(spec.plan, spec.region)
        except FreeholdError as gone:
            raise ApiError(Refusal.NOT_SOLD, f"Fake: could not create the server {spec.name}: {gone}") from gone
        self.specs.append(spec)
        machine = Machine(self._new_id(), spec.name, MachineState.STARTING, spec.plan, spec.region)
        self._servers[machine.id] = _Made(spec.owner, machine, spec)
        return machine

    async def machine(self, machine_id: str) -> Machine | None:
        made = self._servers.get(machine_id)
        if made is None:
            return None
        made.reads += 1
        if made.reads >= self.reads_until_running:
            v4 = self.address if made.spec.ipv4 else None
            made.machine = replace(
                made.machine, state=MachineState.RUNNING, ipv4=v4, ipv6="2001:db8::1",
                host_key_fingerprint=self.host_key_fingerprint,
            )  # fmt: skip
        return made.machine

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:
        whose = [(LeftoverKind.SERVER, key, one.owner) for key, one in self._servers.items()]
        whose += [(LeftoverKind.FIREWALL, key, its_owner) for key, (its_owner, _) in self._firewalls.items()]
        whose += [(LeftoverKind.SSH_KEY, key, its_owner) for key, (its_owner, _) in self._keys.items()]
        return tuple(Leftover(kind, key, owner.name) for kind, key, its_owner in whose if its_owner == owner)

    async def remove(self, leftover: Leftover) -> None:
        self._refuse(f"remove the {leftover}")
        self._servers.pop(leftover.id, None)
        self._firewalls.pop(leftover.id, None)
        self._keys.pop(leftover.id, None)

    async def close(self) -> None:
        """Nothing is open."""

    def _refuse(self, does: str) -> None:
        if self.refusals:
            refusal = self.refusals.popleft()
            raise ApiError(refusal, f"Fake: could not {does}: {refusal}", "Nothing real has happened.")

    def _new_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)
