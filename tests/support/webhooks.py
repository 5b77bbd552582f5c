"""Webhook sources and deliveries for tests, and the real payloads in tests/data/webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.webhook_types import SOURCE_TYPES
from freehold.project.webhooks import SenderHeaders, WebhookSource, WebhookTrigger
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.reading import read

DATA = Path(__file__).parent.parent / "data" / "webhooks"
NOW = datetime(2026, 1, 23, 12, 53, 20, tzinfo=UTC)
SECRET = Secret("a secret that is long")


def source(
    kind: str,
    name: str = "",
    *,
    instance: str = "default",
    previous: str = "",
    allow_unsigned: bool = False,
    headers: SenderHeaders | None = None,
) -> WebhookSource:
    def field(of: str) -> FieldRef | None:
        known = SOURCE_TYPES[kind]
        return FieldRef(CredentialRef(known.secret_type, of), known.secret_field) if of and known.secret_type else None

    return WebhookSource(
        name or f"my-{kind}", kind, field(instance), allow_unsigned, field(previous), headers or SenderHeaders()
    )


def delivery(body: object, headers: Mapping[str, str] | None = None, at: datetime = NOW) -> Delivery:
    """A delivery of `body`: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery.of("here", (headers or {}).items(), data, at)


def event_of(kind: str, body: object, headers: Mapping[str, str] | None = None) -> WebhookEvent:
    return read(source(kind), delivery(body, headers))


def trigger(kind: str, **filters: list[str]) -> WebhookTrigger:
    return WebhookTrigger(f"my-{kind}", kind, {name: tuple(values) for name, values in filters.items()})


def payload(name: str) -> dict[str, Any]:
    """A payload of tests/data/webhooks, `github/ping` for example."""
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return loaded
