"""Deliveries of our own, signed as their sender would sign them: for trying triggers out, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.webhooks import WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.payload import payload_of
from freehold.webhooks.providers import provider_of, scheme_of


def simulated(
    source: WebhookSource,
    body: bytes,
    *,
    now: datetime,
    delivery_id: str,
    event: str = "",
    secret: Secret | None = None,
    headers: Mapping[str, str] | None = None,
) -> Delivery:
    """A delivery to `source` that its sender could have made: `POST` its body with its headers.

    `event` is for senders that name it in a header, and is refused (`USAGE`) when it is missing there. Without `secret`
    it is not signed. `headers` are further ones. Of a sender that writes the time into the body, the body gets `now`.
    """
    provider, scheme = provider_of(source), scheme_of(source)
    made = {"content-type": "application/json", **{name.lower(): value for name, value in (headers or {}).items()}}
    if provider.event_headers and not any(made.get(name) for name in provider.event_headers):
        if not event and source.type != "gitlab":
            raise FreeholdError(
                Code.USAGE,
                f"{source.type} names the event in {provider.event_headers[0]}, and none is given",
                "Name it: --event NAME.",
            )
        made[provider.event_headers[0]] = event
    if provider.delivery_headers:
        made.setdefault(provider.delivery_headers[0], delivery_id)
    if source.type == "linear":
        body = _sent_now(source, body, now)
    if secret and scheme:
        made |= scheme.sign(body, secret, now, delivery_id)
    return Delivery(source.name, made, body, now)


def _sent_now(source: WebhookSource, body: bytes, now: datetime) -> bytes:
    payload_of(Delivery(source.name, {}, body, now))
    fields: dict[str, Any] = msgspec.json.decode(body)
    return msgspec.json.encode({**fields, "webhookTimestamp": int(now.timestamp() * 1000)})
