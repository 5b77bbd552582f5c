"""What of the project's files is at work, and why an edit is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from freehold.base.clock import rfc3339
from freehold.base.errors import FreeholdError
from freehold.base.threads import in_thread
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.loaded import configuration, credentials_in_use
from freehold.project.credential import CredentialRef
from freehold.store.api_keys import Scope
from freehold.store.credentials import CredentialStore
from freehold.wire.configuration import Configuration


async def loaded(asked: Asked) -> Configuration:
    agents = asked.service.scheduler.agents
    used = credentials_in_use(agents.edition)
    stored = await in_thread(_stored, asked.gateway.credentials, used)
    since = await in_thread(asked.service.revisions.chosen_at) if agents.edition.chosen else None
    return configuration(agents.edition, rfc3339(since) if since else None, stored, asked.gateway.address)


def _stored(store: CredentialStore, refs: Iterable[CredentialRef]) -> Mapping[CredentialRef, Sequence[str]]:
    found = {}
    for ref in refs:
        try:
            found[ref] = store.fields(ref)
        except FreeholdError:
            found[ref] = []  # whoever needs it is told why it cannot be read; here it is as if it were not there
    return found


ENDPOINTS = (
    Endpoint("GET", "/configuration", Scope.READ, "What of the project's files is at work, and why an edit is not",
             loaded, answer=Configuration),
)  # fmt: skip
