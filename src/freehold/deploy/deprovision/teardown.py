"""Carrying a teardown out, and the proof that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from freehold.base.errors import FreeholdError
from freehold.deploy.deprovision.belongings import Belongings, find_belongings, zone_of
from freehold.deploy.deprovision.plan import Plan, is_of_a_name
from freehold.deploy.deprovision.server_side import look, take_away
from freehold.hosts.host import Host
from freehold.project.environments import Environment
from freehold.providers.dns import Dns
from freehold.providers.leftover import Leftover
from freehold.providers.provider import Provider

Say = Callable[[str], None]


@dataclass(frozen=True)
class Left:
    """Something that is still there: why, and how it is removed by hand."""

    what: str
    why: str
    by_hand: str = ""


@dataclass
class Outcome:
    """`proven`: what was looked at in the end, and found gone."""

    removed: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)


class Teardown:
    """`host` is None for a server that there is not, or that cannot be reached."""

    def __init__(
        self, environment: Environment, host: Host | None, provider: Provider | None, dns: Dns | None, say: Say
    ) -> None:
        self._environment = environment
        self._host = host
        self._provider = provider
        self._dns = dns
        self._say = say
        self.outcome = Outcome()

    async def carry_out(self, plan: Plan) -> Outcome:
        """One failure keeps nothing else from being removed, but for a server whose projects could not be stopped:
        that goes all the same, with all that is on it."""
        if plan.projects:
            await self._server_side(plan.projects)
        for leftover in plan.away:
            await self._remove(leftover)
        await self._prove(plan)
        return self.outcome

    async def _server_side(self, projects: Sequence[str]) -> None:
        assert self._host is not None
        self._say(f"stopping and removing {', '.join(projects)} on the server")
        try:
            failed = await take_away(self._host, projects, self._base)
        except FreeholdError as error:
            self._leave(f"{', '.join(projects)} on the server", error.message, error.hint)
            return
        for why in failed:
            self._leave("on the server", why, "do it there, or take the server down again")
        if not failed:
            self.outcome.removed += [f"project {name} on the server" for name in projects]

    async def _remove(self, leftover: Leftover) -> None:
        self._say(f"removing the {leftover}")
        try:
            if is_of_a_name(leftover):
                assert self._dns is not None
                await self._dns.remove(zone_of(self._environment), leftover)
            else:
                assert self._provider is not None
                await self._provider.remove(leftover)
        except FreeholdError as error:
            self._leave(str(leftover), error.message, leftover.by_hand or error.hint)
            return
        self.outcome.removed.append(str(leftover))

    async def _prove(self, plan: Plan) -> None:
        """Ask the providers' own lists, and the server where it stays, and not our memory."""
        still = await self._still_there()
        told = {one.what for one in self.outcome.left}
        for leftover in plan.away:
            if leftover not in still.all:
                self.outcome.proven.append(f"{leftover}: gone")
            elif str(leftover) not in told:
                self._leave(str(leftover), "it is still listed", leftover.by_hand)
        if not plan.projects or self._host is None or plan.removes_server:
            return
        try:
            there = await look(self._host, self._base)
        except FreeholdError as error:
            self._leave(f"{', '.join(plan.projects)} on the server", f"nobody could look: {error.message}")
            return
        for name in plan.projects:
            if things := there.projects.get(name):
                self._leave(f"{name} on the server", f"still there: {', '.join(things)}")
            else:
                self.outcome.proven.append(f"project {name} on the server: nothing is left")

    async def _still_there(self) -> Belongings:
        try:
            return await find_belongings(self._environment, self._provider, self._dns)
        except FreeholdError as error:
            self._leave("what providers list", f"nobody could look: {error.message}", error.hint)
            return Belongings()

    def _leave(self, what: str, why: str, by_hand: str = "") -> None:
        self.outcome.left.append(Left(what, why, by_hand))

    @property
    def _base(self) -> str:
        server = self._environment.server
        assert server is not None
        return server.base_path
