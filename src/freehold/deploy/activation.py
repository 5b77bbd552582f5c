"""Letting a release count that is on the server already: how a push goes back, and what a rollback is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from freehold.deploy.apply import Phases
from freehold.deploy.facts import gather
from freehold.deploy.guard import AFTER_S, Guard
from freehold.deploy.health import Health, HealthPart
from freehold.deploy.lease import Lease
from freehold.deploy.restart_part import RestartPart
from freehold.deploy.step import Step
from freehold.deploy.switch_part import SwitchPart
from freehold.deploy.units_part import UnitsPart
from freehold.hosts.host import Host
from freehold.server.layout import Layout
from freehold.server.release import ReleaseRecord


@dataclass(frozen=True)
class Activation:
    """`health` says how it is looked at, whichever release it is."""

    layout: Layout
    lease: Lease
    health: HealthPart
    guard_after_s: float = AFTER_S

    async def activate(
        self,
        host: Host,
        record: ReleaseRecord,
        phases: Phases,
        *,
        before: ReleaseRecord | None = None,
        rolled_back: Sequence[str] | None = None,
    ) -> Health:
        """`record` counts, with its units and its program, and is well. Raises `UnhealthyError`, NOT_FOUND when it is
        not there any more, else what the host raises. What is right already is left alone.

        Where nobody sees to it any more, the server itself goes back to `before`. `rolled_back` as `SwitchPart` has it.
        """
        units, health = UnitsPart(self.layout), replace(self.health, release=record.id)
        with phases.of(Step.UNITS):
            await units.restore(host, record.id)
        restart = RestartPart(self.layout, record.service, record.keeper)
        guard = None
        if before and before.id != record.id:
            guard = Guard(
                self.layout, record, before, health.asked(), units.enabled, restart.record_path, self.guard_after_s
            )
        switch = SwitchPart(self.layout, record.id, record.program, self.lease.token, guard, rolled_back)
        facts = await gather(host, [switch, restart])
        self.lease.require()
        with phases.of(Step.SWITCH):
            await switch.carry_out(host, switch.plan(facts[switch.name]))
        if changes := restart.plan(facts[restart.name]):
            with phases.of(Step.RESTART):
                await restart.carry_out(host, changes)
        with phases.of(Step.HEALTH):
            return await health.wait(host)
