"""The secrets of webhook sources, read from the store when a delivery needs them: a changed one counts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from freehold.base.secret import Secret
from freehold.project.webhooks import WebhookSource
from freehold.store.credentials import CredentialStore


class WebhookSecrets:
    """Deliveries that are looked at in the same moment, one round of the event loop, share what was read: to ask the
    kernel whether a file has changed lets another thread run, and whoever asks has to wait for its turn again."""

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._read: dict[tuple[str, ...], dict[str, Secret]] = {}

    def of(self, sources: Sequence[WebhookSource]) -> dict[str, Secret]:
        """By instance. The sources are of one type. Raises CREDENTIAL where one cannot be read."""
        names = tuple([source.name for source in sources])
        found = self._read.get(names)
        if found is None:
            found = self._of(sources)
            if not self._read:
                asyncio.get_running_loop().call_soon(self._read.clear)
            self._read[names] = found
        return found

    def _of(self, sources: Sequence[WebhookSource]) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for source in sources:
            for field in source.secrets:
                if secret := self._store.get(field.ref, field.field):
                    found[field.ref.instance] = secret
        return found
