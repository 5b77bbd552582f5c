"""The secrets of webhook sources, read from the store when a delivery needs them: a changed one counts at once."""

from __future__ import annotations

from collections.abc import Iterable

from freehold.base.secret import Secret
from freehold.project.webhooks import WebhookSource
from freehold.store.credentials import CredentialStore


def secrets_of(sources: Iterable[WebhookSource], store: CredentialStore) -> dict[str, Secret]:
    """By instance. The sources are of one type. Raises CREDENTIAL where one cannot be read."""
    found: dict[str, Secret] = {}
    for source in sources:
        for field in source.secrets:
            if secret := store.get(field.ref, field.field):
                found[field.ref.instance] = secret
    return found
