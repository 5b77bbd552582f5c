"""Mintlify: how builds of documentation went; the project takes the repository's place."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node

_CONCLUSIONS = {"failed": "failure", "failure": "failure", "succeeded": "success", "success": "success"}


def read_mintlify(payload: Node) -> WebhookEvent:
    action = payload["action"].text or payload["status"].text
    conclusion = _CONCLUSIONS.get(action, "")
    error = payload["error"].text if conclusion == "failure" else ""
    told = payload["message"].text or payload["error"].text or payload["description"].text
    return WebhookEvent(
        event=payload["event"].text or "build",
        action=action,
        repo=payload["project"].text or payload["organization"].text,
        title=payload["title"].text or f"Build {action}".strip(),
        body=f"Build failed: {error}" if error else told,
        url=payload["url"].text or payload["build_url"].text or payload["logs_url"].text,
        branch=payload["branch"].text or payload["git"]["branch"].text or "main",
        conclusion=conclusion,
        sender=payload["user"]["email"].text or payload["user"]["name"].text or "mintlify",
    )
