"""All parts of a push, put together. Some know what they want only when the server has said what it is: they ask first
and are settled by the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.deploy.accounts import AccountsPart
from freehold.deploy.apply import Phases
from freehold.deploy.bundle.bundle import Bundle
from freehold.deploy.credentials_part import CredentialsPart
from freehold.deploy.edge_part import EdgePart
from freehold.deploy.edge_wanted import fragment_of
from freehold.deploy.facts import Facts, fact
from freehold.deploy.guard import AFTER_S, Guard
from freehold.deploy.health import EdgePort, Health, HealthPart
from freehold.deploy.managed_files import LogIn
from freehold.deploy.part import Change, Part, Preparing
from freehold.deploy.plan import Plan, Planned, in_order
from freehold.deploy.program_part import ProgramPart
from freehold.deploy.prune_part import PrunePart
from freehold.deploy.release_part import ReleaseFacts, ReleasePart
from freehold.deploy.restart_part import RestartPart
from freehold.deploy.server_preparation import preparation
from freehold.deploy.step import RETURNING, Step
from freehold.deploy.switch_part import SwitchPart
from freehold.deploy.units_part import UnitsFacts, UnitsPart, port_for, started_with, unit_texts
from freehold.deploy.wanted import Wanted
from freehold.edge.fragment import Fragment
from freehold.server.layout import Layout
from freehold.server.release import ReleaseRecord


@dataclass(frozen=True)
class Settled:
    """`health` says how the project's health is looked at, whichever release counts."""

    plan: Plan
    health: HealthPart


class BringingImages(Part, Protocol):
    def needed(self, facts: msgspec.Raw) -> tuple[str, ...]:
        """What the agents run in on the server, by the names there, with what that was built on."""
        ...


@dataclass(frozen=True)
class Parts:
    """For one project and one server. `bundle` is the program that it is to run, None where an agent goes alone;
    `images` brings what its agents run in; `log_in` is for those that make the server right
    (`server_preparation.py`); `say` is told in a line what is waited for; `take_over` agrees that a HAProxy which
    somebody else configured becomes ours; `fresh` is the id of a new release."""

    wanted: Wanted
    bundle: Bundle | None
    log_in: LogIn
    images: BringingImages
    say: Callable[[str], None] = lambda _line: None
    take_over: bool = False
    guard_after_s: float = AFTER_S
    fresh: str = field(default_factory=new_ulid)

    def asking(self) -> list[Part]:
        """Those that read facts, as far as they are known by then."""
        own: list[Part] = [
            self.images, self._credentials, self._release, SwitchPart(self._layout), self._health,
            PrunePart(self._layout),
        ]  # fmt: skip
        if self.wanted.agent:
            return own
        edge = EdgePart(self._layout.project, None)
        return [*self._server, self._program, UnitsPart(self._layout), edge, RestartPart(self._layout), *own]

    def settle(self, facts: Facts, token: str) -> Settled:
        """The plan. Pure. Raises what the parts' plans raise, and PROTOCOL for facts that are none."""
        try:
            return self._settle(facts, token)
        except msgspec.DecodeError as error:
            raise FreeholdError(
                Code.PROTOCOL, f"what the server says of itself cannot be read: {error}", "Is it the one you mean?"
            ) from None

    def _settle(self, facts: Facts, token: str) -> Settled:
        known = fact(facts, "release", ReleaseFacts)
        release, units = self._settled_release(facts)
        record = release.wanted(known)
        whole = not self.wanted.agent
        fragment = fragment_of(self.wanted.environment, self._layout, self._port(facts)) if whole else None
        restart = RestartPart(self._layout, record.service, record.keeper)
        health = replace(self._health, release=record.id, edge=edge_ports(fragment))
        prune = PrunePart(self._layout, record.id, known.current, self._program if whole else None)
        going = prune.going(facts[prune.name])
        guard = self._guard(record, known.record, health, restart)
        parts: list[Part] = [
            self.images,
            replace(self._credentials, going=going),
            release,
            SwitchPart(self._layout, record.id, record.program, token, guard),
            prune,
        ]
        if whole:
            edge = EdgePart(self._layout.project, fragment, take_over=self.take_over, environment=self._environment)
            parts += [*self._server, self._program, units, edge, restart]
        planned = list(_planned(parts, facts))
        due = any(each.changes for each in planned if each.step in RETURNING)
        health = replace(health, due=due, since=fact(facts, health.name, Health).now)
        planned.append(Planned(health, tuple(health.plan(facts[health.name]))))
        missing = tuple(map(str, self.wanted.credentials.missing))
        return Settled(Plan(self._layout.project, record, known.record, tuple(planned), missing), health)

    def _guard(
        self, record: ReleaseRecord, before: ReleaseRecord | None, health: HealthPart, restart: RestartPart
    ) -> Guard | None:
        if before is None or before.id == record.id:
            return None
        enabled = UnitsPart(self._layout).enabled
        return Guard(self._layout, record, before, health.asked(), enabled, restart.record_path, self.guard_after_s)

    async def prepare(self, plan: Plan, phases: Phases) -> None:
        """What is to be made on this machine first. Raises what that raises; nothing was changed on the server then."""
        for each in plan.due:
            if isinstance(each.part, Preparing):
                with phases.before(each.step):
                    await each.part.prepare(each.changes)

    def _settled_release(self, facts: Facts) -> tuple[ReleasePart, UnitsPart]:
        """For an agent alone everything but its files stays as it is."""
        images = self.images.needed(facts["images"])
        if self.wanted.agent:
            record = msgspec.structs.replace(self._release.record, images=images)
            return replace(self._release, record=record), UnitsPart(self._layout)
        program = self._program.digest(facts["program"])
        texts = unit_texts(self._layout, self._port(facts))
        service, keeper = started_with(self._layout, texts, program, self.wanted.settings)
        record = msgspec.structs.replace(
            self._release.record, program=program, service=service, keeper=keeper, images=images
        )
        return replace(self._release, record=record, units=texts), UnitsPart(self._layout, texts)

    def _port(self, facts: Facts) -> int:
        return port_for(fact(facts, "units", UnitsFacts), self.wanted.first_port)

    @property
    def _layout(self) -> Layout:
        return self.wanted.layout

    @property
    def _environment(self) -> str:
        return self.wanted.environment.name

    @cached_property
    def _server(self) -> tuple[Part, ...]:
        prepared = preparation(self.log_in, exposed=self.wanted.expose, say=self.say)
        return (AccountsPart(self._layout), *prepared)

    @cached_property
    def _program(self) -> ProgramPart:
        assert self.bundle is not None  # an agent alone brings no program, and none is asked for
        return ProgramPart(self._layout, self.bundle)

    @cached_property
    def _credentials(self) -> CredentialsPart:
        return CredentialsPart(self._layout, self.wanted.credentials)

    @cached_property
    def _release(self) -> ReleasePart:
        return ReleasePart(
            self._layout, self.wanted.files, self.wanted.record, agent=self.wanted.agent, fresh=self.fresh,
            environment=self._environment,
        )  # fmt: skip

    @cached_property
    def _health(self) -> HealthPart:
        return HealthPart(self._layout, timeout_s=self.wanted.health_timeout_s, say=self.say)


def _planned(parts: Sequence[Part], facts: Facts) -> Iterator[Planned]:
    """Where packages are still to come, what needs them cannot be planned to the last word: it is planned when they are
    there (`push.py`)."""
    waits = False
    for part in in_order(parts):
        if part.name == Step.EDGE and waits:
            yield Planned(part, (Change("put the edge before the gateway, once its package is there"),))
            continue
        changes = tuple(part.plan(facts[part.name]))
        waits = waits or (part.name == Step.PACKAGES and bool(changes))
        yield Planned(part, changes)


def edge_ports(fragment: Fragment | None) -> tuple[EdgePort, ...]:
    """Where the server itself can come in as a visitor does; nowhere without an edge, or where it lets nobody in but
    Cloudflare."""
    if fragment is None or fragment.only_cloudflare:
        return ()
    host = fragment.hosts[0] if fragment.hosts else ""
    return (EdgePort(443, tls=True, host=host),) if fragment.certificate else (EdgePort(80, host=host),)
