"""GitLab: events are called as `object_kind` calls them (`merge_request`, `issue`, `note`, `pipeline`, `push` ...)."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node

_ENDED = frozenset({"success", "failed", "canceled", "skipped"})
"""Statuses of pipelines and jobs that are conclusions."""

_REFS = ("refs/heads/", "refs/tags/")


def read_gitlab(payload: Node) -> WebhookEvent:
    kind = payload["object_kind"].text or payload["event_name"].text
    subject = payload["object_attributes"]
    about = payload["merge_request"] or payload["issue"] or subject
    project = payload["project"]
    repo = project["path_with_namespace"].text or project["name"].text
    sender = payload["user"]["username"].text or payload["user_username"].text or payload["user_name"].text
    status = subject["status"].text or payload["build_status"].text or payload["status"].text
    changed = _changed_labels(payload["changes"]["labels"])
    branches = _branches(payload, about)
    assignees = payload["assignees"].each("username") or about["assignees"].each("username")
    return WebhookEvent(
        event=kind,
        action=subject["action"].text or payload["action"].text or status,
        repo=repo,
        number=about["iid"].number,
        title=about["title"].text or payload["name"].text or _first_line(payload),
        body=about["description"].text or payload["description"].text,
        url=subject["url"].text or about["url"].text or payload["url"].text,
        author=sender if subject["action"].text == "open" or kind == "push" else "",
        assignee=assignees[0] if assignees else "",
        labels=payload["labels"].each("title") or about["labels"].each("title"),
        label=changed[0] if changed else "",
        branch=branches[0] if branches else "",
        base=about["target_branch"].text,
        conclusion=status if status in _ENDED else "",
        comment=subject["note"].text,
        sender=sender,
        compared={
            "orgs": _groups(repo),
            "assignee": assignees,
            **({} if changed is None else {"labels": changed}),
            **({} if branches is None else {"branches": branches}),
        },
    )


def _branches(payload: Node, about: Node) -> tuple[str, ...] | None:
    """The branches that it is about; none for a tag, and None where there is no question of branches."""
    ref = payload["ref"].text or payload["object_attributes"]["ref"].text
    if ref:
        is_tag = ref.startswith("refs/tags/") or bool(payload["tag"] or payload["object_attributes"]["tag"])
        return () if is_tag else (_name_of(ref),)
    found = (about["source_branch"].text, about["target_branch"].text)
    return tuple(branch for branch in found if branch) or None


def _changed_labels(changes: Node) -> tuple[str, ...] | None:
    """The labels that an update added, which may be none; None where it did not change labels."""
    if not changes:
        return None
    before = changes["previous"].each("title")
    return tuple(name for name in changes["current"].each("title") if name not in before)


def _groups(repo: str) -> tuple[str, ...]:
    """`a/b` and `a` of `a/b/project`: a project belongs to its group, and to those above it."""
    parts = repo.split("/")[:-1]
    return tuple("/".join(parts[:end]) for end in range(len(parts), 0, -1))


def _first_line(payload: Node) -> str:
    last = (payload["commits"].first, payload["commit"])
    return next((text.partition("\n")[0] for commit in last if (text := commit["message"].text)), "")


def _name_of(ref: str) -> str:
    return next((ref.removeprefix(prefix) for prefix in _REFS if ref.startswith(prefix)), ref)
