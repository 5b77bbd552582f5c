"""What is kept of a delivery is enough to read it again, and gives nobody a secret."""

from __future__ import annotations

import pytest

from freehold.project.webhook_types import SOURCE_TYPES
from freehold.project.webhooks import SenderHeaders
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.providers import scheme_of
from freehold.webhooks.reading import read
from freehold.webhooks.receipt import stored_headers
from freehold.webhooks.simulation import simulated
from tests.support.webhooks import NOW, SECRET, delivery, payload, source

NEVER = {"authorization": "canary", "cookie": "canary", "x-api-key": "canary", "x-forwarded-for": "canary"}


@pytest.mark.parametrize("kind", sorted(SOURCE_TYPES))
def test_signatures_and_secrets_are_not_kept(kind: str) -> None:
    scheme = scheme_of(source(kind))
    signed = dict.fromkeys(scheme.headers, "canary") if scheme else {}
    kept = stored_headers(source(kind), delivery({}, {**signed, **NEVER, "content-type": "application/json"}))
    assert kept == {"content-type": "application/json"}


def test_a_sender_of_ones_own() -> None:
    it = source("generic", headers=SenderHeaders("x-sig", timestamp="x-time", event="x-event", delivery="x-id"))
    sent = delivery({}, {"X-Sig": "canary", "X-Time": "1", "X-Event": "e", "X-Id": "i", **NEVER})
    assert stored_headers(it, sent) == {"x-event": "e", "x-id": "i"}


@pytest.mark.parametrize("kind", sorted(SOURCE_TYPES))
def test_a_receipt_says_the_same_as_the_delivery(kind: str) -> None:
    it = source(kind, headers=SenderHeaders(event="x-event"))
    secret = None if kind == "discord" else SECRET
    body = b'{"event": {"type": "message"}, "action": "opened", "id": "7"}'
    sent = simulated(it, body, now=NOW, delivery_id="d-1", event="issues", secret=secret)
    kept = stored_headers(it, sent)
    assert read(it, Delivery(sent.source, kept, sent.body, sent.received_at)) == read(it, sent)


def test_forms_are_read_again_as_forms() -> None:
    it = source("slack")
    body = "&".join(f"{name}={value}" for name, value in payload("slack/SlashCommandPayload").items()).encode()
    sent = delivery(body + b"&command=%2Fgo", {"content-type": "application/x-www-form-urlencoded"})
    assert read(it, delivery(sent.body, stored_headers(it, sent))) == read(it, sent)


def test_values_have_an_end() -> None:
    kept = stored_headers(source("github"), delivery({}, {"user-agent": "a\0" * 5000}))
    assert len(kept["user-agent"]) == 1003
    assert "\0" not in kept["user-agent"]
