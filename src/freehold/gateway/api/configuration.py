"""What of the project's files is at work, and why an edit is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from freehold.base.clock import rfc3339
from freehold.base.errors import FreeholdError
from freehold.base.threads import in_thread
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.loaded import configuration, credentials_in_use
from freehold.project.credential import CredentialRef, Purpose
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.runtime.release_file import credentials_pushed_with
from freehold.store.api_keys import Scope
from freehold.store.credentials import CredentialStore
from freehold.wire.configuration import Configuration

_OF_THE_GATEWAY = frozenset({Purpose.WEBHOOK_SECRET, Purpose.NOTICE})
"""It has these itself, wherever it is."""


async def loaded(asked: Asked) -> Configuration:
    agents = asked.service.scheduler.agents
    used = credentials_in_use(agents.edition)
    stored = await in_thread(_stored, asked.gateway.credentials, used, asked.service.root)
    since = await in_thread(asked.service.revisions.chosen_at) if agents.edition.chosen else None
    return configuration(agents.edition, rfc3339(since) if since else None, stored, asked.gateway.address)


def _stored(
    store: CredentialStore, refs: Iterable[CredentialRef], root: Path
) -> Mapping[CredentialRef, Sequence[str]]:  # fmt: skip
    """The fields of each. On a server most are the keeper's, and the gateway must not look: there it counts that the
    push saw to them, which is so for the fields that each has at least."""
    pushed, found = credentials_pushed_with(root), {}
    for ref in refs:
        try:
            fields = store.fields(ref)
        except FreeholdError:
            fields = []  # whoever needs it is told why it cannot be read; here it is as if it were not there
        kind = EVERY_CREDENTIAL_TYPE[ref.type]
        if not fields and ref in pushed and kind.purpose not in _OF_THE_GATEWAY:
            fields = list(kind.required_fields)
        found[ref] = fields
    return found


ENDPOINTS = (
    Endpoint("GET", "/configuration", Scope.READ, "What of the project's files is at work, and why an edit is not",
             loaded, answer=Configuration),
)  # fmt: skip
