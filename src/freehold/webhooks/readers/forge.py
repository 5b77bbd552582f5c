"""GitHub, and Gitea and Forgejo, which speak its language."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node

_SUBJECTS = (
    "issue",
    "pull_request",
    "discussion",
    "workflow_run",
    "workflow_job",
    "check_run",
    "check_suite",
    "release",
)
"""What an event may be about, the first one that is there; else it is about what is called as the event is."""

_REFS = ("refs/heads/", "refs/tags/")


def read_forge(event: str, payload: Node) -> WebhookEvent:
    if event in ("push", "create", "delete") or (payload.text_at("ref") and payload["commits"].is_list):
        return _read_ref(event, payload)
    subject = _subject(event, payload)
    pull = payload["pull_request"] or subject["pull_requests"].first
    comment = payload["comment"] or payload["review"]
    changed = _changed_labels(payload)
    branches = _branches(payload, subject)
    assignees = _assignees(payload, subject)
    return WebhookEvent(
        event=event,
        action=payload.text_at("action"),
        repo=payload.text_at("repository", "full_name"),
        number=_first_number(subject["number"], payload["number"], pull["number"]),
        title=subject.text_at("title") or subject.text_at("display_title") or subject.text_at("name"),
        body=subject.text_at("body") or subject.text_at("description") or _inputs(payload),
        url=comment.text_at("html_url") or subject.text_at("html_url"),
        author=_login(subject["user"]) or _login(subject["author"]) or _login(subject["actor"]),
        assignee=assignees[0] if assignees else "",
        labels=subject["labels"].each("name"),
        label=changed[0] if changed else "",
        branch=branches[0] if branches else "",
        base=pull.text_at("base", "ref") or _name_of(payload.text_at("merge_group", "base_ref")),
        conclusion=subject.text_at("conclusion"),
        comment=comment.text_at("body") or comment.text_at("content"),
        sender=_login(payload["sender"]),
        compared={
            "orgs": _owners(payload),
            "assignee": assignees,
            **({} if changed is None else {"labels": changed}),
            **({"branches": branches} if branches else {}),
        },
    )


def _subject(event: str, payload: Node) -> Node:
    for name in _SUBJECTS:
        if found := payload[name]:
            return found
    return payload[event]


def _read_ref(event: str, payload: Node) -> WebhookEvent:
    """A push, or a branch or a tag that came or went."""
    ref, commit = payload.text_at("ref"), payload["head_commit"]
    is_tag = ref.startswith("refs/tags/") or payload.text_at("ref_type") == "tag"
    branch = "" if is_tag else _name_of(ref)
    pusher = payload["pusher"]
    return WebhookEvent(
        event=event,
        action=payload.text_at("action"),
        repo=payload.text_at("repository", "full_name"),
        title=commit.text_at("message").partition("\n")[0] or _name_of(ref),
        body=commit.text_at("message"),
        url=payload.text_at("compare") or payload.text_at("compare_url") or commit.text_at("url"),
        author=_login(pusher) or pusher.text_at("name") or _login(payload["sender"]),
        branch=branch,
        sender=_login(payload["sender"]) or _login(pusher) or pusher.text_at("name"),
        # A tag is on no branch: a trigger that asks for one does not want it.
        compared={"orgs": _owners(payload), "branches": (branch,) if branch else ()},
    )


def _branches(payload: Node, subject: Node) -> tuple[str, ...]:
    """The branches that it is about, that from which it comes first; none where there is no question of branches.

    A workflow is about the branch that it ran on, also where that is to go into another one.
    """
    pull, group = payload["pull_request"], payload["merge_group"]
    found = (
        pull.text_at("head", "ref") or subject.text_at("head_branch") or subject.text_at("check_suite", "head_branch"),
        pull.text_at("base", "ref"),
        _name_of(group.text_at("head_ref")),
        _name_of(group.text_at("base_ref")),
        _name_of(payload.text_at("ref")),
        *payload["branches"].each("name"),
    )
    return tuple(branch for branch in found if branch)


def _inputs(payload: Node) -> str:
    """What was handed over with a `repository_dispatch` or a `workflow_dispatch`."""
    return (payload["client_payload"] or payload["inputs"]).json


def _name_of(ref: str) -> str:
    return next((ref.removeprefix(prefix) for prefix in _REFS if ref.startswith(prefix)), ref)


def _changed_labels(payload: Node) -> tuple[str, ...] | None:
    """The label that was added or removed; None where the event is about something else.

    Gitea and Forgejo have one action for both, of which only what was added counts: an agent that takes away the label
    that started it must not start itself again. Older ones do not say which label it was.
    """
    changes = payload["changes"]
    match payload.text_at("action"):
        case "labeled" | "unlabeled":
            name = payload.text_at("label", "name")
            return (name,) if name else ()
        case "label_updated" if changes["added_labels"] or changes["removed_labels"]:
            return changes["added_labels"].each("name")
        case "label_cleared":
            return ()
        case _:
            return None


def _assignees(payload: Node, subject: Node) -> tuple[str, ...]:
    """Who was assigned or unassigned just now, where that is the event; else all to whom the subject is assigned."""
    changed = _login(payload["assignee"])
    if changed and payload.text_at("action") in ("assigned", "unassigned"):
        return (changed,)
    everybody = [_login(user) for user in subject["assignees"]] or [_login(subject["assignee"])]
    return tuple(login for login in everybody if login)


def _owners(payload: Node) -> tuple[str, ...]:
    """The owner of the repository; of an event without one, the account that it is about."""
    owner, slash, _ = payload.text_at("repository", "full_name").partition("/")
    if slash:
        return (owner,)
    accounts = (payload["organization"], payload["installation"]["account"])
    return tuple(login for account in accounts if (login := _login(account)))


def _login(user: Node) -> str:
    return user.text_at("login") or user.text_at("username")


def _first_number(*nodes: Node) -> int | None:
    return next((node.number for node in nodes if node.number is not None), None)
