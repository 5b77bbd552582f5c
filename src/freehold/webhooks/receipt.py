"""What is kept of a delivery, so that it can be shown, searched and replayed."""

from __future__ import annotations

from freehold.project.webhooks import WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.payload import cut
from freehold.webhooks.providers import provider_of

_LONGEST_VALUE = 1000
_ALWAYS_KEPT = ("content-type", "user-agent")


def stored_headers(source: WebhookSource, delivery: Delivery) -> dict[str, str]:
    """The headers that a receipt keeps: those that say what it is, and what `read` needs to read it again.

    It is a list of what is kept, not of what is left out: no signature, no cookie and no authorization can slip in. A
    delivery that was verified once needs none of them to be replayed.
    """
    kept: dict[str, str] = {}
    for name in (*_ALWAYS_KEPT, *provider_of(source).stored):
        if name in delivery.headers and (value := delivery.header(name)):
            kept[name] = cut(value, _LONGEST_VALUE)
    return kept
