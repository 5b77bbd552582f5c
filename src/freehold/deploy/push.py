"""A push: facts, plan, apply; and back again when it is not well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from freehold.base.errors import FreeholdError
from freehold.deploy.activation import Activation
from freehold.deploy.apply import HalfwayError, Phases, carry_out
from freehold.deploy.facts import gather
from freehold.deploy.health import HealthPart, NotWell
from freehold.deploy.lease import Lease
from freehold.deploy.parts import Parts
from freehold.deploy.plan import Plan
from freehold.deploy.prune_part import PrunePart
from freehold.deploy.step import Step
from freehold.deploy.wanted import Wanted
from freehold.hosts.host import Host


@dataclass(frozen=True)
class Pushed:
    """`changed` is False when all was as it should be."""

    plan: Plan
    changed: bool
    phases_s: dict[Step, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Push:
    """One project, or one agent of it, to one server, over one connection."""

    host: Host
    wanted: Wanted
    parts: Parts
    lease: Lease
    phases: Phases = field(default_factory=Phases)

    async def plan(self) -> Plan:
        """What would be done, without a lease. Raises what the parts' plans raise."""
        return self.parts.settle(await gather(self.host, self.parts.asking()), token="").plan

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[Begun]:
        """The lease is ours, and the plan is by facts that nobody changes meanwhile. Raises CONFLICT while somebody
        else has it; else as `plan`."""
        with self.phases.of(Step.LEASE):
            facts = await gather(self.host, self.parts.asking(), self.lease)
        async with self.lease.kept(self.host, lambda: self.phases.of(Step.UNLEASE)):
            settled = self.parts.settle(facts, self.lease.token)
            yield Begun(self, self.lease, settled.plan, settled.health)


@dataclass
class Begun:
    """`plan` becomes more exact once packages are there that it waits for."""

    push: Push
    lease: Lease
    plan: Plan
    health: HealthPart

    async def carry_out(self) -> Pushed:
        """Raises UNHEALTHY when the release was not well, and says what counts now; else what the parts raise: then the
        release before still counts."""
        host, phases = self.push.host, self.push.phases
        try:
            await self._install()
            await self.push.parts.prepare(self.plan, phases)
            await carry_out(host, self.plan, self.lease, phases)
        except HalfwayError as failed:
            raise await self._gone_back(failed) from failed.error
        return Pushed(self.plan, bool(self.plan.due), phases.seconds)

    async def _install(self) -> None:
        """Packages first: what needs them is planned by what they bring."""
        host, parts, packages = self.push.host, self.push.parts, self.plan.packages
        if packages is None:
            return
        with self.push.phases.of(Step.PACKAGES):
            await packages.part.carry_out(host, packages.changes)
        settled = parts.settle(await gather(host, parts.asking()), self.lease.token)
        self.plan, self.health = settled.plan, settled.health

    async def _gone_back(self, failed: HalfwayError) -> FreeholdError:
        """What is to be told, once the release before counts again, or could not be made to."""
        plan, host = self.plan, self.push.host
        release = NotWell(host, self.push.wanted.layout, plan.release.id, failed.error, failed.step)
        if plan.before is None:
            return release.told("there is none before it to go back to")
        if not plan.is_new_release:
            return release.told("it is the one that counted before, so there is nothing to go back to")
        try:
            activation = Activation(self.push.wanted.layout, self.lease, self.health)
            await activation.activate(host, plan.before, self.push.phases)
            await self._remove_failed()
        except FreeholdError as error:
            return release.not_back(plan.before.id, error)
        return release.told(f"release {plan.before.id} counts again, and is well")

    async def _remove_failed(self) -> None:
        """It was never well: nobody goes back to it."""
        await PrunePart(self.push.wanted.layout).remove(self.push.host, [self.plan.release.id])
