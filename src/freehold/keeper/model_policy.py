"""Which models a run may ask, and with which keys: from the agent's configuration and the credential store."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.models.policy import KeyKind, ModelPolicy, PolicyModel, provider_model
from freehold.models.prices import find_price
from freehold.project.agent import Agent
from freehold.project.credential_value import hosts_of
from freehold.project.models import ModelSpec
from freehold.project.providers import PROVIDERS
from freehold.store.credentials import CredentialStore
from freehold.wire.runs import RunOptions

KEY_FIELD = "token"
HOSTS_FIELD = "hosts"
"""Of a model key: the hosts beside its provider's own that a person allowed it to be sent to."""


def model_policy(agent: Agent, store: CredentialStore, options: RunOptions) -> ModelPolicy:
    """The policy of one run. Raises CREDENTIAL for a key that is missing, DENIED for one that would go astray.

    Where no session asks a model (a script, somebody who looks around), models without a key are left out.
    """
    tools = frozenset(agent.server_tools)
    if options.rehearse:
        policy = ModelPolicy(tuple(_policy_model(model, store, with_key=False) for model in agent.models), tools)
        return policy.rehearsal()
    models = agent.models
    if options.idle or agent.script:
        models = tuple(model for model in models if model.key is None or store.get(model.key, KEY_FIELD))
    policy = ModelPolicy(tuple(_policy_model(model, store) for model in models), tools)
    for model in policy.models:
        _check(model)
    return policy


def _policy_model(spec: ModelSpec, store: CredentialStore, *, with_key: bool = True) -> PolicyModel:
    key = store.get(spec.key, KEY_FIELD) if spec.key and with_key else None
    if spec.key and with_key and key is None:
        raise FreeholdError(
            Code.CREDENTIAL, f"model {spec.name}: its key {spec.key} is not there", f"freehold creds add {spec.key}"
        )
    return provider_model(
        spec.name,
        PROVIDERS[spec.provider],
        spec.model,
        key,
        base_url=spec.base_url,
        confirmed=spec.host in allowed_hosts(spec, store),
        key_kind=KeyKind.OAUTH_TOKEN if spec.auth_type == "oauth_token" else KeyKind.API_KEY,
        price=spec.price,
    )


def has_known_price(spec: ModelSpec, store: CredentialStore, now: datetime) -> bool:
    """Whether a budget in dollars can hold what it costs; reads the list of prices in (0.3 s, the first time)."""
    return find_price(_policy_model(spec, store, with_key=False), now) is not None


def allowed_hosts(spec: ModelSpec, store: CredentialStore) -> frozenset[str]:
    """The hosts beside the provider's own that the model's key may be sent to."""
    written = store.get(spec.key, HOSTS_FIELD) if spec.key else None
    return hosts_of(written.reveal()) if written else frozenset()


def _check(model: PolicyModel) -> None:
    try:
        model.check()
    except FreeholdError as error:
        if error.code is not Code.DENIED:
            raise
        host = urlsplit(model.base_url).hostname or "HOST"
        credential = PROVIDERS[model.provider].credential
        hint = f"If that is what you want: freehold creds add {credential} --field hosts={host}"
        raise FreeholdError(error.code, error.message, hint) from error
