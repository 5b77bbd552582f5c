"""What of a project's files is at work, told without a secret. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from freehold import __version__
from freehold.gateway.views import triggers_in_words
from freehold.project.agent import Agent
from freehold.project.config import ProjectConfig
from freehold.project.credential import CredentialRef
from freehold.scheduler.edition import Edition
from freehold.wire.configuration import Configuration, LoadedAgent, LoadedChannel, LoadedCredential, LoadedModel


def credentials_in_use(edition: Edition) -> dict[CredentialRef, list[str]]:
    """Each that something names, and what does: agents by their name, the project's own parts in words."""
    config = edition.project.config
    found: dict[CredentialRef, list[str]] = {}
    for who, ref in (*_of_project(config), *_of_agents(edition.project.agents.values())):
        users = found.setdefault(ref, [])
        if who not in users:
            users.append(who)
    return {ref: found[ref] for ref in sorted(found, key=str)}


def configuration(
    edition: Edition, since: str | None, stored: Mapping[CredentialRef, Sequence[str]], address: str = ""
) -> Configuration:  # fmt: skip
    """`stored` are the names of each credential's fields that there are; `address` is where the gateway is reached."""
    project, error = edition.project, edition.error
    config = project.config
    return Configuration(
        project=project.name,
        version=__version__,
        environment=project.environment,
        revision=edition.chosen.revision if edition.chosen else "",
        since=since,
        release=edition.release,
        agents=[_agent(edition, name) for name in project.agent_names],
        models=[
            LoadedModel(
                name=model.name,
                provider=model.provider,
                model=model.model,
                host=model.host,
                credential=str(model.key or ""),
            )
            for model in config.models.values()
        ],
        webhooks=[
            LoadedChannel(
                name,
                source.type,
                str(source.secret.ref) if source.secret else "",
                f"{address}/webhooks/{quote(name, safe='')}" if address else "",
                source.takes_unsigned,
            )
            for name, source in config.webhooks.items()
        ],
        notices=[
            LoadedChannel(name, channel.type, str(channel.credential.ref) if channel.credential else "")
            for name, channel in config.notices.items()
        ],
        mcp=[
            LoadedChannel(name, "url" if spec.url else "command", str(spec.credential.ref) if spec.credential else "")
            for name, spec in config.mcp.items()
        ],
        credentials=[
            LoadedCredential(
                name=str(ref), used_by=users, fields=list(stored.get(ref, ())), needed=_is_needed(ref, edition)
            )
            for ref, users in credentials_in_use(edition).items()
        ],
        warnings=[str(problem) for problem in project.warnings],
        error=error.message if error else "",
        hint=error.hint if error else "",
    )


def _agent(edition: Edition, name: str) -> LoadedAgent:
    project = edition.project
    if name in project.broken:
        error = project.broken[name].as_error()
        return LoadedAgent(name=name, error=error.message, hint=error.hint)
    agent, problem = project.agents[name], edition.errors.get(name)
    return LoadedAgent(
        name=name,
        revision=edition.revision_of(name),
        goes_on=problem is not None,
        models=[model.name for model in agent.models],
        credentials=[str(ref) for ref in agent.credentials],
        triggers=triggers_in_words(agent),
        harness=agent.harness.name,
        engine=agent.engine,
        network=agent.network,
        calls=None if agent.calls is None else list(agent.calls),
        scale=agent.scale,
        timeout_s=agent.timeout_s,
        warnings=[str(warning) for warning in agent.warnings],
        error=problem.message if problem else "",
        hint=problem.hint if problem else "",
    )


def _is_needed(ref: CredentialRef, edition: Edition) -> bool:
    """Whether anything cannot do without it."""
    config = edition.project.config
    unsigned = {f"webhook {name}" for name, source in config.webhooks.items() if source.allow_unsigned}
    named = (*_of_project(config), *_of_agents(edition.project.agents.values()))
    return any(one == ref and who not in unsigned for who, one in named)


def _of_project(config: ProjectConfig) -> Iterable[tuple[str, CredentialRef]]:
    for model in config.models.values():
        if model.key:
            yield f"model {model.name}", model.key
    for name, source in config.webhooks.items():
        for secret in source.secrets:
            yield f"webhook {name}", secret.ref
    for name, channel in config.notices.items():
        if channel.credential:
            yield f"notices {name}", channel.credential.ref
    for name, spec in config.mcp.items():
        if spec.credential:
            yield f"mcp {name}", spec.credential.ref


def _of_agents(agents: Iterable[Agent]) -> Iterable[tuple[str, CredentialRef]]:
    for agent in agents:
        for ref in agent.credentials:
            yield agent.name, ref
