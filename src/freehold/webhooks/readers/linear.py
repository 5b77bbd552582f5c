"""Linear: people are e-mail addresses, and the organization takes the repository's place."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node

_CALLED = {"Issue": "issues", "Comment": "issue_comment"}
"""As GitHub calls them; other types are in lower case."""


def read_linear(payload: Node) -> WebhookEvent:
    kind, data = payload["type"].text, payload["data"]
    about = data["issue"] if kind == "Comment" else data
    author = _person(about["creator"]) or _person(data["user"])
    assignee = _person(about["assignee"])
    changed = _changed_labels(payload, data)
    organization = payload["organizationId"].text or data["team"]["organization"]["id"].text
    return WebhookEvent(
        event=_CALLED.get(kind, kind.lower()),
        action=payload["action"].text,
        repo=organization,
        number=about["number"].number,
        title=about["title"].text or about["name"].text,
        body=about["description"].text or (about["body"].text if kind != "Comment" else ""),
        url=payload["url"].text or data["url"].text or about["url"].text,
        author=author,
        assignee=assignee,
        labels=about["labels"].each("name"),
        label=changed[0] if changed else "",
        comment=data["body"].text if kind == "Comment" else "",
        sender=_person(payload["actor"]) or _person(payload["createdBy"]) or _person(payload["updatedBy"]),
        compared={} if changed is None else {"labels": changed},
    )


def _changed_labels(payload: Node, data: Node) -> tuple[str, ...] | None:
    """The labels that an update added; the ids of those that it removed have no names, so they are none.

    None where the update changed no labels.
    """
    if "labelIds" not in payload["updatedFrom"].keys:
        return None
    before = {entry.text for entry in payload["updatedFrom"]["labelIds"]}
    return tuple(label["name"].text for label in data["labels"] if label["id"].text not in before)


def _person(node: Node) -> str:
    return node["email"].text or node["name"].text
