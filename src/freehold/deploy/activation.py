"""Letting a release count that is on the server already: how a push goes back, and what a rollback is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from freehold.deploy.apply import Phases
from freehold.deploy.facts import gather
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

    async def activate(self, host: Host, record: ReleaseRecord, phases: Phases) -> Health:
        """`record` counts, with its units and its program, and is well. Raises `UnhealthyError`, NOT_FOUND when it is
        not there any more, else what the host raises. What is right already is left alone."""
        with phases.of(Step.UNITS):
            await UnitsPart(self.layout).restore(host, record.id)
        switch = SwitchPart(self.layout, record.id, record.program, self.lease.token)
        restart = RestartPart(self.layout, record.service, record.keeper)
        facts = await gather(host, [switch, restart])
        self.lease.require()
        with phases.of(Step.SWITCH):
            await switch.carry_out(host, switch.plan(facts[switch.name]))
        if changes := restart.plan(facts[restart.name]):
            with phases.of(Step.RESTART):
                await restart.carry_out(host, changes)
        with phases.of(Step.HEALTH):
            return await replace(self.health, release=record.id).wait(host)
