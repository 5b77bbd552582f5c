"""The secrets that one run has to do with: what it holds, and what the keeper uses for it."""

from __future__ import annotations

from freehold.base.secret import Secret
from freehold.project.agent import Agent
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import CredentialStore


def secrets_of(agent: Agent, store: CredentialStore) -> list[Secret]:
    """Every secret field of the credentials, the model keys and the MCP servers of `agent` that has a value."""
    found = [
        store.get(ref, field.name)
        for ref in {*agent.credentials, *agent.model_keys}
        for field in CREDENTIAL_TYPES[ref.type].fields
        if field.secret
    ]
    found += [store.get(spec.credential.ref, spec.credential.field) for spec in agent.mcp if spec.credential]
    return [secret for secret in found if secret is not None]
