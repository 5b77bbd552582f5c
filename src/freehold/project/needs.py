"""Which credentials a project needs: what its agents list, what opens models, webhooks, MCP servers and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from freehold.project.agent import Agent
from freehold.project.credential import CredentialRef
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.load import Project


@dataclass(frozen=True)
class Need:
    """A credential, the fields of it that must have a value, and who asks for it, in words for a person."""

    ref: CredentialRef
    fields: tuple[str, ...]
    asked_by: str


@dataclass(frozen=True)
class Unmet:
    need: Need
    missing: tuple[str, ...]

    def __str__(self) -> str:
        fields = EVERY_CREDENTIAL_TYPE[self.need.ref.type].required_fields
        part = "" if set(fields) == set(self.missing) else f" ({', '.join(self.missing)})"
        return f"{self.need.ref}{part} is not stored; {self.need.asked_by} needs it: freehold creds add {self.need.ref}"


def needs_of_agent(agent: Agent) -> list[Need]:
    """What one agent's runs need."""
    asked_by = f'agent "{agent.name}"'
    needs = [_whole(ref, asked_by) for ref in agent.credentials]
    needs += [
        _whole(model.key, f'model "{model.name}" of {asked_by}')
        for model in agent.models
        if model.key and not agent.script
    ]
    needs += [
        Need(server.credential.ref, (server.credential.field,), f'MCP server "{server.name}" of {asked_by}')
        for server in agent.mcp
        if server.credential
    ]
    return needs


def needs_of_project(project: Project) -> list[Need]:
    """What all agents that are switched on need, the secrets of the webhook sources that start them, and what
    notices are sent with."""
    agents = working_agents(project)
    needs = [need for agent in agents for need in needs_of_agent(agent)]
    return [*needs, *needs_of_sources(project, agents), *needs_of_notices(project)]


def working_agents(project: Project) -> list[Agent]:
    """Those that are switched on, by name."""
    return [agent for _, agent in sorted(project.agents.items()) if agent.scale > 0]


def needs_of_sources(project: Project, agents: Iterable[Agent]) -> list[Need]:
    """The secrets of the webhook sources that start these agents: the one field that verifies deliveries."""
    used = {trigger.source for agent in agents for trigger in agent.webhooks}
    return [
        Need(secret.ref, (secret.field,), f'webhook source "{source.name}"')
        for source in project.config.webhooks.values()
        if source.name in used and not source.allow_unsigned
        for secret in source.secrets
    ]


def needs_of_notices(project: Project) -> list[Need]:
    return [
        Need(channel.credential.ref, (channel.credential.field,), f'notice channel "{channel.name}"')
        for channel in project.config.notices.values()
        if channel.credential
    ]


def unmet(needs: Iterable[Need], has: Callable[[CredentialRef, str], bool]) -> list[Unmet]:
    """The needs whose fields are not all there, the first of each credential."""
    found: dict[CredentialRef, Unmet] = {}
    for need in needs:
        missing = tuple(field for field in need.fields if not has(need.ref, field))
        if missing and need.ref not in found:
            found[need.ref] = Unmet(need, missing)
    return list(found.values())


def _whole(ref: CredentialRef, asked_by: str) -> Need:
    return Need(ref, EVERY_CREDENTIAL_TYPE[ref.type].required_fields, asked_by)
