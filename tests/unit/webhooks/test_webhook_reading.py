"""From a delivery to an event: ids, summaries, and how much of it is taken."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from freehold.project.webhooks import SenderHeaders
from freehold.webhooks.reading import read
from tests.support.webhooks import NOW, delivery, event_of, payload, source

AT = "2026-01-23T12:53:20.000Z"
EXAMPLES = Path(__file__).parents[4] / "shared" / "specs"
"""More payloads than are copied here, where a checkout has them beside it."""

REPOSITORY = {"full_name": "acme/shop"}

DELIVERY_IDS: list[tuple[str, dict[str, str], object, str]] = [
    ("github", {"x-github-delivery": "d-1"}, {}, "d-1"),
    ("gitlab", {"idempotency-key": "d-2", "x-gitlab-event-uuid": "no"}, {}, "d-2"),
    ("gitlab", {"x-gitlab-event-uuid": "the same for all that follows"}, {}, ""),
    ("gitea", {"x-gitea-delivery": "d-3"}, {}, "d-3"),
    ("forgejo", {"x-forgejo-delivery": "d-4", "x-gitea-delivery": "d-3"}, {}, "d-4"),
    ("sentry", {"request-id": "d-5"}, {}, "d-5"),
    ("linear", {"linear-delivery": "d-6"}, {"webhookId": "of the webhook, not of the delivery"}, "d-6"),
    ("slack", {}, {"event_id": "Ev1", "event": {"type": "message"}}, "Ev1"),
    ("discord", {}, {"id": "77"}, "77"),
    ("twitter", {}, {}, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    ("mintlify", {}, {}, ""),
    ("test", {"x-test-delivery": "d-7"}, {}, "d-7"),
    ("generic", {"webhook-id": "d-8"}, {}, "d-8"),
    ("github", {"x-github-delivery": "a\x1b[31m\nb"}, {}, "a[31m ⏎ b"),
    ("github", {"x-github-delivery": "x" * 500}, {}, f"sha256:{hashlib.sha256(b'x' * 500).hexdigest()}"),
]


@pytest.mark.parametrize(("kind", "headers", "body", "expected"), DELIVERY_IDS)
def test_a_delivery_that_is_sent_again_has_the_same_id(
    kind: str, headers: dict[str, str], body: object, expected: str
) -> None:
    assert event_of(kind, body, headers).delivery_id == expected


def test_a_sender_of_ones_own_names_event_and_delivery_where_it_likes() -> None:
    it = source("generic", headers=SenderHeaders(event="x-event", delivery="x-id"))
    event = read(it, delivery({"event": "no"}, {"x-event": "built", "x-id": "7"}))
    assert (event.event, event.delivery_id) == ("built", "7")
    assert read(it, delivery({"event": "yes"}, {})).event == "yes"
    assert read(it, delivery({}, {})).event == "webhook"


SUMMARIES: list[tuple[str, dict[str, str], object, str]] = [
    (
        "github",
        {"x-github-event": "issues"},
        payload("github/issues.labeled"),
        'issues labeled Codertocat/Hello-World#1 "Spelling error in the README file" by Codertocat',
    ),
    ("linear", {}, {"type": "Issue"}, "issues"),
    ("test", {}, {}, "test by test"),
    ("generic", {}, {"event": "a\nb", "title": "\x1b[2J" + "x" * 1000}, 'a ⏎ b "[2J' + "x" * 77 + ' …"'),
]


@pytest.mark.parametrize(("kind", "headers", "body", "expected"), SUMMARIES)
def test_a_delivery_in_one_line(kind: str, headers: dict[str, str], body: object, expected: str) -> None:
    assert event_of(kind, body, headers).summary == expected


def test_texts_are_cut_and_lists_have_an_end() -> None:
    long = {"title": "t" * 5000, "body": "b" * 4001, "labels": [{"name": f"l{n}"} for n in range(500)], "number": 2**70}
    event = event_of("github", {"issue": long, "repository": REPOSITORY}, {"x-github-event": "issues"})
    assert (len(event.title), event.body) == (4003, "b" * 4000 + "...")
    assert len(event.labels) == 100
    assert event.number is None
    assert len(event.summary) <= 202


def test_the_receipt_is_named_in_the_context() -> None:
    assert event_of("test", {}).context("01jd")["receiptId"] == "01jd"


def test_discords_token_is_not_handed_on() -> None:
    event = event_of("discord", {"type": 2, "token": "canary", "data": {"name": "x"}})
    assert "canary" not in json.dumps(event.context())


def test_what_the_application_said_itself_is_marked() -> None:
    said = {"type": "message", "text": "hi", "bot_id": "B1", "bot_profile": {"app_id": "A1"}}
    assert event_of("slack", {"api_app_id": "A1", "event": said}).is_own
    assert not event_of("slack", {"api_app_id": "A2", "event": said}).is_own
    assert not event_of("slack", {"api_app_id": "", "event": {"type": "message"}}).is_own


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the published examples are not beside this checkout")
def test_every_published_example_is_read_and_says_what_it_is() -> None:
    for path in sorted((EXAMPLES / "github" / "webhooks" / "examples").rglob("*.json")):
        event = event_of("github", path.read_bytes(), {"x-github-event": path.parent.name})
        assert event.event == path.parent.name
        assert event.sender or event.event == "ping", path
        assert event.title or event.event not in ("issues", "pull_request"), path
        assert event.label == "bug" or event.action not in ("labeled", "unlabeled"), path
    for path in sorted((EXAMPLES / "slack" / "samples").glob("*.json")):
        assert event_of("slack", path.read_bytes()).event or path.stem == "SlashCommandPayload", path


def test_the_moment_is_when_it_came() -> None:
    assert event_of("test", {"timestamp": "1970"}).timestamp == AT
    assert read(source("test"), delivery({}, at=NOW)).timestamp == AT
