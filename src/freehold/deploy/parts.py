"""All parts of a push, put together. Some know what they want only when the server has said what it is: they ask first
and are settled by the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from freehold.deploy.accounts import AccountsPart
from freehold.deploy.bundle.bundle import Bundle
from freehold.deploy.facts import Facts, fact
from freehold.deploy.health import HealthPart
from freehold.deploy.part import Part
from freehold.deploy.plan import Plan, Planned, in_order
from freehold.deploy.program_part import ProgramPart
from freehold.deploy.prune_part import PrunePart
from freehold.deploy.release_part import ReleaseFacts, ReleasePart
from freehold.deploy.restart_part import RestartPart
from freehold.deploy.step import RETURNING
from freehold.deploy.switch_part import SwitchPart
from freehold.deploy.units_part import UnitsFacts, UnitsPart, port_for, started_with, unit_texts
from freehold.deploy.wanted import Wanted
from freehold.server.layout import Layout


@dataclass(frozen=True)
class Settled:
    """`health` says how the project's health is looked at, whichever release counts."""

    plan: Plan
    health: HealthPart


@dataclass(frozen=True)
class Parts:
    """For one project and one server. `bundle` is the program that it is to run."""

    wanted: Wanted
    bundle: Bundle

    def asking(self) -> list[Part]:
        """Those that read facts, as far as they are known by then."""
        own: list[Part] = [self._release, SwitchPart(self._layout), self._health, PrunePart(self._layout)]
        if self.wanted.agent:
            return own
        return [
            AccountsPart(self._layout), self._program, UnitsPart(self._layout), RestartPart(self._layout), *own
        ]  # fmt: skip

    def settle(self, facts: Facts, token: str) -> Settled:
        """The plan. Pure. Raises what the parts' plans raise."""
        known = fact(facts, "release", ReleaseFacts)
        release, units = self._settled_release(facts)
        record = release.wanted(known)
        before = known.record.id if known.record else ""
        parts: list[Part] = [release, SwitchPart(self._layout, record.id, record.program, token)]
        parts.append(PrunePart(self._layout, record.id, before))
        if units:
            restart = RestartPart(self._layout, record.service, record.keeper)
            parts += [AccountsPart(self._layout), self._program, units, restart]
        planned = [Planned(part, tuple(part.plan(facts[part.name]))) for part in in_order(parts)]
        due = any(each.changes for each in planned if each.step in RETURNING)
        health = replace(self._health, release=record.id, due=due)
        planned.append(Planned(health, tuple(health.plan(facts[health.name]))))
        return Settled(Plan(self._layout.project, record, known.record, tuple(planned)), health)

    async def prepare(self, plan: Plan) -> None:
        """What is to be made on this machine first. Raises what that raises; nothing was changed on the server then."""
        for each in plan.due:
            if isinstance(each.part, ProgramPart):
                await each.part.prepare(each.changes)

    def _settled_release(self, facts: Facts) -> tuple[ReleasePart, UnitsPart | None]:
        """For an agent alone everything but its files stays as it is: then there are no units."""
        if self.wanted.agent:
            return self._release, None
        program = self._program.digest(facts["program"])
        texts = unit_texts(self._layout, port_for(fact(facts, "units", UnitsFacts), self.wanted.first_port))
        service, keeper = started_with(self._layout, texts, program, self.wanted.settings)
        record = msgspec.structs.replace(self._release.record, program=program, service=service, keeper=keeper)
        return replace(self._release, record=record, units=texts), UnitsPart(self._layout, texts)

    @property
    def _layout(self) -> Layout:
        return self.wanted.layout

    @cached_property
    def _program(self) -> ProgramPart:
        return ProgramPart(self._layout, self.bundle)

    @cached_property
    def _release(self) -> ReleasePart:
        return ReleasePart(self._layout, self.wanted.files, self.wanted.record, agent=self.wanted.agent)

    @cached_property
    def _health(self) -> HealthPart:
        return HealthPart(self._layout, timeout_s=self.wanted.health_timeout_s)
