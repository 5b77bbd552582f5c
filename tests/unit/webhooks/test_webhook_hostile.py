"""Whatever comes: every delivery is an event or a refusal in words, never an exception of Python's."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.project.webhook_types import SOURCE_TYPES
from freehold.webhooks.answers import answer_challenge
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.filters import refusal
from freehold.webhooks.reading import read
from tests.support.webhooks import delivery, source, trigger

_KNOWN = """
    action issue pull_request labels label name login user assignee assignees sender repository full_name head base
    ref ref_type commits head_commit message pusher changes added_labels removed_labels object_kind object_attributes
    project path_with_namespace previous current title iid type data updatedFrom labelIds event command payload
    channel actions team member options for_user_id tweet_create_events number body comment review workflow_run
    installation account organization pull_requests check_suite
"""
WORDS = ["labeled", "label_updated", "tag", "Comment"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
KEYS = st.one_of(
    st.text(max_size=5),
    st.sampled_from(_KNOWN.split()),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "x-github-event", "sentry-hook-resource", "x-gitea-event", "x-github-delivery", "request-id"]
    ),
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["application/x-www-form-urlencoded", "issues", "push", "comment", "create", "ping"]),
    ),
)


def check(error: FreeholdError) -> None:
    assert error.code is Code.PROTOCOL
    assert error.message.startswith("the delivery cannot be read: ")


def read_whatever(kind: str, body: bytes, headers: dict[str, str]) -> None:
    """An event that can be stored and compared, or a refusal in words; nothing else."""
    made = delivery(body, headers)
    try:
        event = read(source(kind), made)
        answer_challenge(source(kind), made)
    except FreeholdError as error:
        check(error)
        return
    assert isinstance(event, WebhookEvent)
    text = json.dumps(event.context("r"), allow_nan=False) + event.summary + event.delivery_id
    # A backslash that was written in the payload is no zero byte: JSON doubles it.
    told = json.dumps([event.context("r"), event.summary, event.delivery_id])
    assert "\\u0000" not in told.replace("\\\\", "")
    text.encode()
    for name in ("events", "actions", "repos", "labels", "branches", "commands", "conclusions", "assignee"):
        refusal(trigger(kind, **{name: ["x"]}), event)


@given(st.sampled_from(sorted(SOURCE_TYPES)), VALUES, HEADERS)
def test_any_json_is_an_event_or_a_refusal(kind: str, value: object, headers: dict[str, str]) -> None:
    read_whatever(kind, json.dumps(value).encode(), headers)


@given(st.sampled_from(sorted(SOURCE_TYPES)), st.dictionaries(KEYS, VALUES, max_size=8), HEADERS)
def test_any_object_is_an_event_or_a_refusal(kind: str, value: object, headers: dict[str, str]) -> None:
    read_whatever(kind, json.dumps(value).encode(), headers)


@given(st.sampled_from(sorted(SOURCE_TYPES)), st.binary(max_size=60), HEADERS)
def test_any_bytes_are_an_event_or_a_refusal(kind: str, body: bytes, headers: dict[str, str]) -> None:
    read_whatever(kind, body, headers)
