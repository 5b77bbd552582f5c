"""Which credentials go to a server, and to whom there: to nobody who does not need them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.agent import Agent
from freehold.project.credential import CredentialRef
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.load import Project
from freehold.project.needs import (
    Unmet,
    needs_of_agent,
    needs_of_notices,
    needs_of_sources,
    unmet,
    working_agents,
)
from freehold.store.credentials import CredentialStore

Values = Mapping[CredentialRef, Mapping[str, Secret]]
"""By credential and field."""


class Place(StrEnum):
    """A user of the project on a server, with a home of its own."""

    KEEPER = "keeper"
    """Gives runs what their agents list, and asks models."""
    GATEWAY = "gateway"
    """Verifies deliveries and sends notices. It is what the internet talks to: it gets no more than that."""


@dataclass(frozen=True)
class Chosen:
    """What each place gets. `is_whole` says that nothing else is needed there; `missing` is what is not stored here."""

    values: Mapping[Place, Values]
    is_whole: bool = True
    missing: tuple[Unmet, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every credential, as `type/instance`: what a release says that it may need."""
        refs = {ref for values in self.values.values() for ref in values} | {each.need.ref for each in self.missing}
        return tuple(sorted(f"{ref.type}/{ref.instance}" for ref in refs))

    def require_complete(self) -> None:
        """Raises CREDENTIAL, with every one that is not stored and how to store it."""
        if self.missing:
            lines = ["these credentials are missing, and nothing was pushed:", *(f"  {each}" for each in self.missing)]
            raise FreeholdError(
                Code.CREDENTIAL,
                "\n".join(lines),
                "Store them, or take them out of what asks for them, and push again.",
            )


def choose(project: Project, store: CredentialStore, agent: str = "") -> Chosen:
    """What the agents that are switched on need, and the service around them; with `agent`, what that one adds."""
    agents = [each for each in working_agents(project) if not agent or each.name == agent]
    needs = [need for each in agents for need in needs_of_agent(each)]
    needs += needs_of_sources(project, agents)
    needs += [] if agent else needs_of_notices(project)
    return Chosen(
        {
            Place.KEEPER: _values(store, _of_keeper(agents)),
            Place.GATEWAY: _values(store, _of_gateway(project, agents, with_notices=not agent)),
        },
        is_whole=not agent,
        missing=tuple(unmet(needs, lambda ref, field: store.get(ref, field) is not None)),
    )


def _of_keeper(agents: Iterable[Agent]) -> Iterator[tuple[CredentialRef, Sequence[str]]]:
    """Whole credentials that runs are given, models' keys, and the fields that MCP servers are opened with."""
    for agent in agents:
        for ref in agent.credentials:
            yield ref, _all_fields(ref)
        for model in agent.models:
            if model.key and not agent.script:
                yield model.key, _all_fields(model.key)
        for server in agent.mcp:
            if server.credential:
                yield server.credential.ref, (server.credential.field,)


def _of_gateway(
    project: Project, agents: Iterable[Agent], *, with_notices: bool
) -> Iterator[tuple[CredentialRef, Sequence[str]]]:
    """The one field that verifies: what else an agent has under the same name is not for it. Of a mail account it needs
    the user's name as well."""
    for need in needs_of_sources(project, agents):
        yield need.ref, need.fields
    for need in needs_of_notices(project) if with_notices else ():
        yield need.ref, (*need.fields, "username")


def _all_fields(ref: CredentialRef) -> Sequence[str]:
    return EVERY_CREDENTIAL_TYPE[ref.type].field_names


def _values(store: CredentialStore, wanted: Iterable[tuple[CredentialRef, Sequence[str]]]) -> Values:
    found: dict[CredentialRef, dict[str, Secret]] = {}
    for ref, fields in wanted:
        for field in fields:
            if (value := store.get(ref, field)) is not None:
                found.setdefault(ref, {})[field] = value
    return found
