"""What the scheduler knows of each agent: its configuration, what a person switched, and why it begins nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.project.names import agent_name_problem
from freehold.scheduler.dispatch import AgentFacts
from freehold.scheduler.edition import Edition
from freehold.store.switches import Switches

HOLD = timedelta(seconds=30)
"""How long an agent whose run could not begin is left alone before the next try."""


@dataclass(frozen=True)
class Hold:
    """Why an agent's runs do not begin, and when that is tried again."""

    error: FreeholdError
    until: datetime


class Agents:
    """`edition` is the newest version of each part of the project that was sound."""

    def __init__(self, edition: Edition, switches: Switches = Switches()) -> None:  # noqa: B008  it is frozen
        self.edition = edition
        self.switches = switches
        self._holds: dict[str, Hold] = {}

    @property
    def project(self) -> Project:
        return self.edition.project

    @property
    def errors(self) -> Mapping[str, FreeholdError]:
        """What is wrong with a later edit of an agent, which goes on as it was, or has no sound version at all."""
        return self.edition.errors

    @property
    def project_error(self) -> FreeholdError | None:
        """What is wrong with a later edit of the project's own files."""
        return self.edition.error

    def agent(self, name: str) -> Agent:
        """Raises NOT_FOUND with the names that there are, or CONFIG with its errors."""
        if name not in self.project.agents and name not in self.project.broken:
            # Not in the project's own words, which say where it lies: runs and the network ask here.
            known = self.project.agent_names
            why = agent_name_problem(name) or f'there is no agent "{name}" {did_you_mean(name, known)}'.rstrip()
            raise FreeholdError(Code.NOT_FOUND, why, f"the agents are: {one_of(known)}")
        return self.project.agent(name)

    def scale(self, agent: Agent) -> int:
        return self.switches.scale_of(agent.name, agent.scale)

    def scales(self) -> dict[str, int]:
        """How many runs each agent may have at a time."""
        return {name: self.scale(agent) for name, agent in self.project.agents.items()}

    def require_takes_triggers(self, name: str) -> Agent:
        """The agent, when a trigger for it can be taken in. Raises NOT_FOUND, CONFIG, or CONFLICT: it is switched off
        by `scale = 0`. A disabled one takes them, and they wait."""
        agent = self.agent(name)
        if self.scale(agent) == 0:
            raise FreeholdError(
                Code.CONFLICT, f"agent {name} is switched off (scale = 0)", f"freehold agent scale {name} 1"
            )
        return agent

    def hold(self, name: str, error: FreeholdError, now: datetime) -> datetime:
        """Let the agent begin nothing for a while; until when."""
        until = now + HOLD
        self._holds[name] = Hold(error, until)
        return until

    def let_go(self, name: str = "") -> None:
        """Something changed (a reload, a credential): what held the agent, or all, may be over."""
        if name:
            self._holds.pop(name, None)
        else:
            self._holds.clear()

    def held(self, name: str, now: datetime) -> Hold | None:
        hold = self._holds.get(name)
        return hold if hold and hold.until > now else None

    def next_look(self, now: datetime) -> datetime | None:
        """When the first of the holds is over."""
        return min((hold.until for hold in self._holds.values() if hold.until > now), default=None)

    def facts(self, name: str, active: int, now: datetime) -> AgentFacts:
        if name not in self.project.agents:
            return AgentFacts(0, active, held=self._why_not_there(name))
        if not self.switches.is_enabled(name):
            return AgentFacts(0, active, held="disabled")
        held = self.held(name, now)
        scale = self.scale(self.project.agents[name])
        return AgentFacts(scale, active, held=held.error.message if held else "")

    def _why_not_there(self, name: str) -> str:
        if name in self.project.broken:
            return f"agent {name} has errors, and no version of it is known that had none"
        return f"agent {name} is not in the project any more; what waits for it begins when it is there again"
