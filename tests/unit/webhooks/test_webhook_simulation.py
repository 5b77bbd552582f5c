"""Deliveries of our own."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.webhooks import SenderHeaders
from freehold.webhooks.reading import read
from freehold.webhooks.simulation import simulated
from tests.support.webhooks import DATA, NOW, SECRET, source

VECTORS = {each["provider"]: each for each in json.loads((DATA / "signatures.json").read_text())["vectors"]}
MOMENTS = {"github": 0, "slack": 1531420618, "sentry": 0}


@pytest.mark.parametrize("kind", sorted(MOMENTS))
def test_it_is_signed_as_the_sender_signs(kind: str) -> None:
    vector = VECTORS[kind]
    now = datetime.fromtimestamp(MOMENTS[kind], UTC)
    body, secret = vector["body"].encode(), Secret(vector["secret"])
    made = simulated(source(kind), body, now=now, delivery_id="1", event="issues", secret=secret)
    signature = next(value for name, value in vector["headers"].items() if "Signature" in name)
    assert signature in made.headers.values()
    assert made.body == body


def test_events_and_ids_are_where_the_sender_writes_them() -> None:
    made = simulated(source("github"), b"{}", now=NOW, delivery_id="d-1", event="issues")
    assert made.headers == {"content-type": "application/json", "x-github-event": "issues", "x-github-delivery": "d-1"}
    own = source("generic", headers=SenderHeaders(event="x-event", delivery="x-id"))
    assert simulated(own, b"{}", now=NOW, delivery_id="d-1", event="e").headers["x-id"] == "d-1"
    for it in (source("github"), own):
        event = read(it, simulated(it, b"{}", now=NOW, delivery_id="d-1", event="e"))
        assert (event.event, event.delivery_id) == ("e", "d-1")


def test_headers_that_are_given_win() -> None:
    given = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "mine", "Content-Type": "application/x-www-form-urlencoded"}
    made = simulated(source("github"), b"payload={}", now=NOW, delivery_id="d-1", headers=given)
    assert made.headers == {name.lower(): value for name, value in given.items()}


@pytest.mark.parametrize("kind", ["github", "gitea", "forgejo", "sentry"])
def test_an_event_that_has_to_be_named_is_asked_for(kind: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        simulated(source(kind), b"{}", now=NOW, delivery_id="1")
    assert caught.value.code is Code.USAGE
    assert caught.value.hint == "Name it: --event NAME."


def test_a_payload_of_yesterday_is_sent_now() -> None:
    made = simulated(
        source("linear"), b'{"type": "Issue", "webhookTimestamp": 1}', now=NOW, delivery_id="1", secret=SECRET
    )
    assert json.loads(made.body) == {"type": "Issue", "webhookTimestamp": int(NOW.timestamp() * 1000)}
    with pytest.raises(FreeholdError, match="is not JSON"):
        simulated(source("linear"), b"no", now=NOW, delivery_id="1")
