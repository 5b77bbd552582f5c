"""`Provider` on this machine: its servers are sandboxes. For trying things, and for tests of what deploys."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.project.host_key import HostKey
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.key import KeyOnProvider, key_material
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.offer import Architecture, Catalogue, Image, Plan, Price, Region
from freehold.providers.ownership import Owner
from freehold.providers.sandbox.images import Notice
from freehold.providers.sandbox.order import MEGABYTE, Order, Sandbox, State
from freehold.providers.sandbox.recipe import SUITES, Form
from freehold.providers.sandbox.sandboxes import Sandboxes

REGION = "here"
_INSTALLATION_LABEL = "dev.freehold.installation"
_ENVIRONMENT_LABEL = "dev.freehold.environment"
_PLAN_LABEL = "dev.freehold.plan"

_SIZES = {"small": (1, 1024), "medium": (2, 4096), "large": (4, 8192)}
"""Processors and megabytes; those that the machine has are offered, and `whole` sets no bound."""
_WHOLE = "whole"
_PLAIN = "-plain"
_ARM = ("aarch64", "arm64")

_STATES = {
    State.RUNNING: MachineState.RUNNING,
    State.STOPPED: MachineState.OFF,
    State.INCOMPLETE: MachineState.UNKNOWN,
}
_REFUSALS = {
    Code.CONFLICT: Refusal.TAKEN,
    Code.NOT_FOUND: Refusal.NOT_FOUND,
    Code.UNREACHABLE: Refusal.UNREACHABLE,
    Code.TIMEOUT: Refusal.STILL_THERE,
    Code.USAGE: Refusal.INVALID,
    Code.DENIED: Refusal.NO_RIGHT,
    Code.DISK: Refusal.NO_QUOTA,
}


class SandboxProvider:
    """A machine's id is its name. The cloud-config of a `ServerSpec` is carried out by cloud-init, as elsewhere.

    There is no account: a key's id is the key itself, and nothing filters before the server, whose own firewall is all
    that it has; so neither is ever left over. This machine and other sandboxes reach it, by IPv4 only.
    `machine_facts` is `GET /info` of Docker.
    """

    name = "sandbox"
    rents = True

    def __init__(
        self,
        sandboxes: Sandboxes,
        machine_facts: Callable[[], Awaitable[dict[str, Any]]],
        close: Callable[[], Awaitable[None]],
        notify: Notice = lambda _: None,
    ) -> None:
        self._sandboxes = sandboxes
        self._machine_facts = machine_facts
        self._close = close
        self._notify = notify

    async def check(self) -> str:
        with _told("look at this machine"):
            return f"Docker on {(await self._machine_facts()).get('Name') or 'this machine'}"

    async def catalogue(self) -> Catalogue:
        with _told("look at this machine"):
            return catalogue_of(await self._machine_facts())

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        return ()

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:
        key = " ".join(key_material(public_key))
        return KeyOnProvider(key, owner.name, key)

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:
        return Firewall(owner.name, owner.name, frozenset(rules))

    async def create(self, spec: ServerSpec) -> Machine:
        """Started, and perhaps not booted yet."""
        with _told(f"create the server {spec.name}"):
            if there := await self._of(spec.owner):
                if there.state is not State.INCOMPLETE:
                    return await self._machine(there)
                await self._sandboxes.remove(there.name)
            sold = catalogue_of(await self._machine_facts())
            try:
                sold.require_sold(spec.plan, spec.region)
            except FreeholdError as gone:
                message = f"sandbox: could not create the server {spec.name}: {gone.message}"
                raise ApiError(Refusal.NOT_SOLD, message, gone.hint) from gone
            return await self._machine(await self._sandboxes.make(order_of(spec, sold), self._notify))

    async def machine(self, machine_id: str) -> Machine | None:
        with _told(f"look at the server {machine_id}"):
            found = await self._sandboxes.find(machine_id)
            return await self._machine(found) if found else None

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:
        with _told("list what is left"):
            found = await self._of(owner)
        if found is None:
            return ()
        return (Leftover(LeftoverKind.SERVER, found.name, owner.name, f"freehold sandbox remove {found.name}"),)

    async def remove(self, leftover: Leftover) -> None:
        if leftover.kind is LeftoverKind.SERVER:
            with _told(f"remove the {leftover}"):
                await self._sandboxes.remove(leftover.id)

    async def close(self) -> None:
        await self._close()

    async def _of(self, owner: Owner) -> Sandbox | None:
        return await self._sandboxes.find(owner.name)

    async def _machine(self, sandbox: Sandbox) -> Machine:
        fingerprint = None
        if sandbox.state is State.RUNNING:
            with contextlib.suppress(FreeholdError, ValueError):  # it is told once there is one
                key = await self._sandboxes.boot.host_key(sandbox.container_id)
                fingerprint = HostKey.parse(key).fingerprint
        return Machine(
            id=sandbox.name,
            name=sandbox.name,
            state=_STATES[sandbox.state],
            plan=sandbox.marks.get(_PLAN_LABEL, ""),
            region=REGION,
            ipv4=sandbox.address or None,
            host_key_fingerprint=fingerprint,
        )


def catalogue_of(facts: dict[str, Any]) -> Catalogue:
    """What a machine with these facts (`GET /info`) can be asked for."""
    cpus, memory_mb = int(facts.get("NCPU", 1)), int(facts.get("MemTotal", 0)) // MEGABYTE
    architecture = Architecture.ARM if facts.get("Architecture") in _ARM else Architecture.X86
    sizes = {name: size for name, size in _SIZES.items() if size[0] <= cpus and size[1] <= memory_mb}
    price = {REGION: Price(Decimal(0), Decimal(0), "EUR")}
    plans = [
        Plan(name, vcpu, megabytes, 0, architecture, price, "a part of this machine; its disk is shared")
        for name, (vcpu, megabytes) in sizes.items()
    ]
    plans.append(Plan(_WHOLE, cpus, memory_mb, 0, architecture, price, "all that this machine has, shared"))
    images = [
        Image(f"debian-{version}{ending}", f"Debian {version}{told}", "debian", version, architecture)
        for version in SUITES
        for ending, told in (("", ""), (_PLAIN, " (without Docker)"))
    ]
    region = Region(REGION, "this machine", "", frozenset(plan.name for plan in plans))
    return Catalogue(tuple(plans), (region,), tuple(images))


def order_of(spec: ServerSpec, sold: Catalogue) -> Order:
    """Raises INVALID for an image that there is not."""
    if spec.image not in (image.id for image in sold.images):
        raise ApiError(
            Refusal.INVALID,
            f'sandbox: could not create the server {spec.name}: no image "{spec.image}"',
            f"There are: {', '.join(image.id for image in sold.images)}.",
        )
    plan = sold.plan(spec.plan)
    bounded = plan.name != _WHOLE
    return Order(
        name=spec.name,
        public_keys=spec.keys,
        suite=SUITES[spec.image.removeprefix("debian-").removesuffix(_PLAIN)],
        form=Form.PLAIN if spec.image.endswith(_PLAIN) else Form.READY,
        cpus=plan.vcpu if bounded else 0,
        memory_bytes=plan.memory_mb * MEGABYTE if bounded else 0,
        user_data=spec.user_data,
        marks={
            _INSTALLATION_LABEL: spec.owner.installation,
            _ENVIRONMENT_LABEL: spec.owner.environment,
            _PLAN_LABEL: plan.name,
        },
    )


@contextlib.contextmanager
def _told(does: str) -> Iterator[None]:
    """What goes wrong within, as the seam has it."""
    try:
        yield
    except ApiError:
        raise
    except FreeholdError as error:
        refusal = _REFUSALS.get(error.code, Refusal.FAULT)
        raise ApiError(refusal, f"sandbox: could not {does}: {error.message}", error.hint) from error
