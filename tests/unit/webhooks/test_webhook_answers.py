"""Challenges, and what people see who sent a command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.webhooks.answers import answer_accepted, answer_challenge, answer_crc
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.reading import read
from tests.support.webhooks import delivery, event_of, payload, source

FORM = {"content-type": "application/x-www-form-urlencoded"}
CHALLENGES: list[tuple[str, dict[str, str], object, Mapping[str, object] | None]] = [
    ("github", {"x-github-event": "ping"}, payload("github/ping"), {"ok": True, "matched": 0, "skipped": 0}),
    ("github", {"x-github-event": "issues"}, payload("github/issues.labeled"), None),
    ("github", {"x-github-event": "issues"}, {"type": "url_verification", "challenge": "x"}, None),
    ("slack", {}, {"type": "url_verification", "challenge": "3eZb", "token": "t"}, {"challenge": "3eZb"}),
    ("slack", {}, {"type": "url_verification", "challenge": ["no"]}, {"challenge": ""}),
    ("slack", FORM, urlencode({"ssl_check": "1", "token": "t"}).encode(), {}),
    ("slack", {}, payload("slack/ReactionAddedPayload"), None),
    ("slack", FORM, urlencode(payload("slack/SlashCommandPayload")).encode(), None),
    ("discord", {}, {"type": 1}, {"type": 1}),
    ("discord", {}, {"type": 2}, None),
    ("discord", {}, {"type": True}, None),
    ("linear", {}, {"type": 1}, None),
    ("gitlab", {}, {}, None),
    ("test", {}, {"type": "url_verification", "challenge": "x"}, None),
]


@pytest.mark.parametrize(("kind", "headers", "body", "answer"), CHALLENGES)
def test_challenges(kind: str, headers: dict[str, str], body: object, answer: Mapping[str, object] | None) -> None:
    assert answer_challenge(source(kind), delivery(body, headers)) == answer


X = {"default": Secret("consumer-secret")}


def test_x_is_answered_with_its_token_signed() -> None:
    answer = answer_crc([source("twitter")], {"crc_token": "TOKEN123"}, X)
    assert answer == {"response_token": "sha256=qgaw43ZDGzu+XxufVzBPJw6mo/xJp9qvB/JTibOimio="}


WRONG: list[tuple[list[str], dict[str, str], dict[str, Secret], Code]] = [
    (["twitter"], {}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": ""}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": "a" * 257}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": '{"for_user_id":"1"}'}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": "payload=%7B%7D"}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": "a\n"}, X, Code.PROTOCOL),
    (["twitter"], {"crc_token": "TOKEN123"}, {}, Code.DENIED),
    (["twitter"], {"crc_token": "TOKEN123"}, {"default": Secret("")}, Code.DENIED),
    (["github"], {"crc_token": "TOKEN123"}, X, Code.NOT_FOUND),
    (["test"], {}, X, Code.NOT_FOUND),
]


@pytest.mark.parametrize(("kinds", "query", "secrets", "code"), WRONG)
def test_other_questions_are_refused(
    kinds: list[str], query: dict[str, str], secrets: dict[str, Secret], code: Code
) -> None:
    with pytest.raises(FreeholdError) as caught:
        answer_crc([source(kind) for kind in kinds], query, secrets)
    assert caught.value.code is code


def test_two_secrets_at_one_address_cannot_both_answer() -> None:
    two = [source("twitter", "one"), source("twitter", "two", instance="other")]
    with pytest.raises(FreeholdError, match="several") as caught:
        answer_crc(two, {"crc_token": "TOKEN123"}, X)
    assert caught.value.hint == "register the address of one: /webhooks/one"
    same = [source("twitter", "one"), source("twitter", "two")]
    assert answer_crc(same, {"crc_token": "TOKEN123"}, X)


@given(st.text(max_size=300))
def test_a_challenge_never_signs_something_that_could_be_delivered(token: str) -> None:
    """X signs both with the same key: the answer to a challenge is the signature of a body that says the same."""
    try:
        answer_crc([source("twitter")], {"crc_token": token}, X)
    except FreeholdError:
        return
    for headers in ({}, FORM):
        with pytest.raises(FreeholdError):
            read(source("twitter"), delivery(token.encode(), headers))


ACCEPTED: list[tuple[WebhookEvent, int, Mapping[str, object] | None]] = [
    (event_of("discord", {"type": 3}), 1, {"type": 6}),
    (event_of("discord", {"type": 4}), 1, {"type": 8, "data": {"choices": []}}),
    (
        event_of("discord", {"type": 2}),
        2,
        {"type": 4, "data": {"content": "Taken: 2 agents started.", "flags": 64}},
    ),
    (
        event_of("slack", {"command": "/go"}),
        0,
        {"response_type": "ephemeral", "text": "No agent is set up for this."},
    ),
    (event_of("slack", {"event": {"type": "message"}}), 1, {}),
    (event_of("slack", {"type": "view_submission"}), 1, {}),
    (event_of("github", {}, {"x-github-event": "push"}), 1, None),
]


@pytest.mark.parametrize(("event", "started", "answer"), ACCEPTED)
def test_who_sent_a_command_sees_that_it_came(
    event: WebhookEvent, started: int, answer: Mapping[str, object] | None
) -> None:
    found = answer_accepted(event, started)
    assert found == answer
    assert json.dumps(found)
