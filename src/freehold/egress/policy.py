"""The egress rules of an agent, as its configuration and its credentials make them (pure)."""

from __future__ import annotations

from freehold.egress.rules import Rules, allow_list, nothing
from freehold.project.agent import Agent
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.egress import PACKAGE_REGISTRIES


def rules_of(agent: Agent) -> Rules:
    """What a run of `agent` may reach through the proxy; nothing where its network is `none`."""
    if agent.network == "none":
        return nothing(agent.name, f'agents/{agent.name} has network = "none"')
    return allow_list(
        agent.name,
        egress=agent.egress,
        credential_hosts={ref.type: CREDENTIAL_TYPES[ref.type].egress for ref in agent.credentials},
        registries=PACKAGE_REGISTRIES,
        ssh=agent.holds_git_ssh,
    )
