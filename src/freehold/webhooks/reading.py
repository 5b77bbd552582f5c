"""From a delivery to an event."""

from __future__ import annotations

import hashlib

import msgspec

from freehold.base.clock import rfc3339
from freehold.base.plain_text import one_line
from freehold.project.webhooks import WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import cut, payload_of
from freehold.webhooks.providers import provider_of

LONGEST_DELIVERY_ID = 200
"""Characters; those of known senders have 36."""


def read(source: WebhookSource, delivery: Delivery) -> WebhookEvent:
    """What `delivery` says, in the words of its sender's type. It is to be verified before.

    What it leaves out is empty in the event. Raises `FreeholdError` (`PROTOCOL`) where there is nothing to be read:
    no UTF-8, no JSON, no object, nested too deep, a form without the field that the sender puts it in.
    """
    provider = provider_of(source)
    payload = payload_of(delivery, plain_forms=provider.plain_forms)
    event = provider.read(delivery.header(*provider.event_headers), payload)
    return msgspec.structs.replace(
        event,
        event=one_line(cut(event.event, 100)),
        source=source.type,
        timestamp=rfc3339(delivery.received_at),
        delivery_id=_delivery_id(event.delivery_id or delivery.header(*provider.delivery_headers), source, delivery),
    )


def _delivery_id(named: str, source: WebhookSource, delivery: Delivery) -> str:
    if not named and source.type == "twitter":
        # It names none, and everything in its payloads has an id and a time: the same body is the same delivery.
        return f"sha256:{hashlib.sha256(delivery.body).hexdigest()}"
    if len(named) > LONGEST_DELIVERY_ID:
        return f"sha256:{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return one_line(named)
