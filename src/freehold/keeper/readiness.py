"""Whether a run can begin at all: asked before it is recorded, so that what is missing is an answer, not a run."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.means import Means
from freehold.project.agent import Agent
from freehold.project.credential import CredentialRef
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import CredentialStore
from freehold.wire.runs import RunOptions


def require_ready(means: Means, agent: Agent, options: RunOptions) -> None:
    """Raises CONFIG or CREDENTIAL, naming everything that is missing and the commands that add it."""
    if agent.scale < 1:
        raise FreeholdError(
            Code.CONFIG,
            f'agent "{agent.name}" is disabled: its scale is 0',
            f"Set scale = 1 in agents/{agent.name}/config.toml.",
        )
    if options.rehearse and agent.rehearsal is None:
        raise FreeholdError(
            Code.CONFIG,
            f"agents/{agent.name}/rehearsal.yaml is missing, so there is nothing to rehearse",
            f"Write one, or make one from a real run: freehold run {agent.name} --record "
            f"agents/{agent.name}/rehearsal.yaml",
        )
    wanted = list(agent.credentials)
    wanted += [spec.credential.ref for spec in agent.mcp if spec.credential]
    missing = missing_credentials(means.credentials, wanted)
    keyless = options.rehearse or options.idle or agent.script is not None
    keys = [] if keyless else missing_credentials(means.credentials, agent.model_keys)
    if missing or keys:
        raise _missing(agent, missing, keys)


def missing_credentials(store: CredentialStore, refs: list[CredentialRef] | tuple[CredentialRef, ...]) -> list[str]:
    """Those of `refs` that the store lacks, as `type:instance`; or a required field that is not there: `ref.field`."""
    missing: list[str] = []
    for ref in dict.fromkeys(refs):
        held = set(store.fields(ref))
        required = CREDENTIAL_TYPES[ref.type].required_fields
        if not held:
            missing.append(str(ref))
        else:
            missing.extend(f"{ref}.{field}" for field in required if field not in held)
    return missing


def _missing(agent: Agent, credentials: list[str], keys: list[str]) -> FreeholdError:
    names = [*credentials, *keys]
    commands = [f"freehold creds add {name.partition('.')[0]}" for name in names]
    hint = "\n".join(dict.fromkeys(commands))
    if keys and not credentials and agent.rehearsal:
        hint += f"\nor, without a key: freehold run {agent.name} --rehearse"
    return FreeholdError(
        Code.CREDENTIAL, f'agent "{agent.name}" needs credentials that are not there: {", ".join(names)}', hint
    )
