"""Sentry: what happened is the resource, which a header names."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node


def read_sentry(resource: str, payload: Node) -> WebhookEvent:
    data = payload["data"]
    about = data["event"] if resource == "event_alert" else data[resource]
    # A comment is a text, beside the ids of what it is about.
    comment = data["comment"].text or data["comment"]["text"].text if resource == "comment" else ""
    return WebhookEvent(
        event=resource,
        action=payload["action"].text,
        repo=_project(resource, data, about),
        title=about["title"].text or data["description_title"].text or data["issue"]["title"].text,
        body=about["message"].text or data["description_text"].text or about["culprit"].text,
        url=about["web_url"].text or data["web_url"].text or data["issue"]["web_url"].text or about["url"].text,
        assignee=about["assignedTo"]["email"].text or about["assignedTo"]["name"].text,
        comment=comment,
        sender=payload["actor"]["name"].text or payload["actor"]["type"].text,
    )


def _project(resource: str, data: Node, about: Node) -> str:
    if resource == "event_alert":
        return data["triggered_rule"].text
    project = about["project"]["slug"].text or data["project_slug"].text or data["issue"]["project"]["slug"].text
    return project or about["organization"]["slug"].text or about["project"].word
