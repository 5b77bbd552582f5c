"""Senders that nobody here knows, and tests: fields that are called as those of an event are taken as such."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node


def read_test(payload: Node) -> WebhookEvent:
    return _plain(payload, payload["event"].text or "test", payload["body"].text, payload["sender"].text or "test")


def read_generic(named: str, payload: Node) -> WebhookEvent:
    """The body of the event is the whole payload, as JSON: what else matters in it, only the agent can know."""
    event = named or payload["event"].text or payload["type"].text or "webhook"
    return _plain(payload, event, payload.json, _name(payload["sender"]))


def _plain(payload: Node, event: str, body: str, sender: str) -> WebhookEvent:
    labels = tuple(found for label in payload["labels"] if (found := _name(label)))
    return WebhookEvent(
        event=event,
        action=payload["action"].text,
        repo=payload["repo"].text or payload["repository"].text or payload["repository"]["full_name"].text,
        number=payload["number"].number,
        title=payload["title"].text,
        body=body,
        url=payload["url"].text,
        author=_name(payload["author"]),
        assignee=_name(payload["assignee"]),
        labels=labels,
        branch=payload["branch"].text,
        conclusion=payload["conclusion"].text,
        comment=payload["comment"].text,
        sender=sender,
    )


def _name(node: Node) -> str:
    return node.text or node["login"].text or node["name"].text
