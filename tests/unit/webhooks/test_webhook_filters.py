"""Which events start an agent, and in which words the others do not."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.project.webhook_types import SOURCE_TYPES
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.filters import passes, refusal
from tests.support.webhooks import event_of, payload, trigger


def github(event: str, body: dict[str, Any]) -> WebhookEvent:
    return event_of("github", {"repository": {"full_name": "Acme/Shop"}, **body}, {"x-github-event": event})


LABELED = event_of("github", payload("github/issues.labeled"), {"x-github-event": "issues"})
PULL = event_of("github", payload("github/pull_request.labeled"), {"x-github-event": "pull_request"})
INSTALLED = event_of("github", payload("github/installation.created"), {"x-github-event": "installation"})
ISSUE = {"number": 1, "user": {"login": "Ada"}, "labels": [{"name": "bug"}, {"name": "agent"}],
         "assignees": [{"login": "Bo"}, {"login": "Cy"}]}  # fmt: skip
OPENED = github("issues", {"action": "opened", "issue": ISSUE})
ADDED_DOCS = github("issues", {"action": "labeled", "issue": ISSUE, "label": {"name": "docs"}})
TOOK_DOCS = github("issues", {"action": "unlabeled", "issue": ISSUE, "label": {"name": "docs"}})
ASSIGNED = github("issues", {"action": "assigned", "issue": ISSUE, "assignee": {"login": "Cy"}})
PUSH = github("push", {"ref": "refs/heads/main", "commits": []})
TAG = github("push", {"ref": "refs/tags/main", "commits": []})
NEW_TAG = github("create", {"ref": "main", "ref_type": "tag"})
RUN = github(
    "workflow_run",
    {
        "action": "completed",
        "workflow_run": {
            "conclusion": "failure",
            "head_branch": "cart",
            "pull_requests": [{"number": 2, "head": {"ref": "cart"}, "base": {"ref": "main"}}],
        },
    },
)
STATUS = github("status", {"state": "failure", "branches": [{"name": "cart"}, {"name": "main"}]})
DISPATCHED = github("workflow_dispatch", {"ref": "refs/heads/main", "inputs": {}})
GONE = github("issues", {"issue": {}})
GITEA = {"action": "label_updated", "issue": ISSUE, "repository": {"full_name": "acme/shop"}}


def gitea(**changes: list[dict[str, str]]) -> WebhookEvent:
    return event_of("gitea", {**GITEA, "changes": changes}, {"x-gitea-event": "issues"})


def gitlab(**body: Any) -> WebhookEvent:
    return event_of("gitlab", {"project": {"path_with_namespace": "acme/web/shop"}, **body})


MERGE = gitlab(object_kind="merge_request", object_attributes={"source_branch": "cart", "target_branch": "main"})
RELABELED = {"previous": [{"title": "bug"}, {"title": "old"}], "current": [{"title": "bug"}, {"title": "agent"}]}
LINEAR = {"type": "Issue", "action": "update", "organizationId": "o", "data": {"labels": [
    {"id": "1", "name": "bug"}, {"id": "2", "name": "agent"}], "assignee": {"email": "bo@example.com"}}}  # fmt: skip
COMMAND = event_of("discord", {"type": 2, "guild_id": "g", "channel_id": "c", "data": {"name": "deploy"}})
BUTTON = event_of("discord", {"type": 3, "guild_id": "g", "channel_id": "c", "data": {"custom_id": "yes"}})
MESSAGE = event_of("slack", {"team_id": "T", "event": {"type": "message", "channel": "C"}})
BUILD = event_of("mintlify", {"action": "failed", "project": "docs"})

CASES: list[tuple[WebhookEvent, dict[str, list[str]], str]] = [
    (OPENED, {}, ""),
    (INSTALLED, {}, ""),
    (OPENED, {"events": ["push", "issues"]}, ""),
    (OPENED, {"events": ["push"]}, 'events: wanted "push"; it has "issues"'),
    (OPENED, {"actions": ["opened"]}, ""),
    (OPENED, {"actions": ["Opened"]}, 'actions: wanted "Opened"; it has "opened"'),
    (GONE, {"actions": ["opened", "closed"]}, 'actions: wanted "opened", "closed"; it has none'),
    (OPENED, {"repos": ["acme/shop"]}, ""),
    (OPENED, {"repos": ["acme/sho", "shop"]}, 'repos: wanted "acme/sho", "shop"; it has "Acme/Shop"'),
    (INSTALLED, {"repos": ["acme/shop"]}, 'repos: wanted "acme/shop"; it has none'),
    (OPENED, {"orgs": ["acme"]}, ""),
    (OPENED, {"orgs": ["shop"]}, 'orgs: wanted "shop"; it has "Acme"'),
    (INSTALLED, {"orgs": ["codertocat"]}, ""),
    (OPENED, {"author": ["ada"]}, ""),
    (OPENED, {"author": ["bo"]}, 'author: wanted "bo"; it has "Ada"'),
    (OPENED, {"assignee": ["cy"]}, ""),
    (OPENED, {"assignee": ["ada"]}, 'assignee: wanted "ada"; it has "Bo", "Cy"'),
    (ASSIGNED, {"assignee": ["Cy"]}, ""),
    (ASSIGNED, {"assignee": ["Bo"]}, 'assignee: wanted "Bo"; it has "Cy"'),
    (GONE, {"assignee": ["Bo"]}, 'assignee: wanted "Bo"; it has none'),
    # Labels: those that it has; where one was added or removed, that one.
    (OPENED, {"labels": ["agent", "x"]}, ""),
    (OPENED, {"labels": ["docs"]}, 'labels: wanted "docs"; it has "bug", "agent"'),
    (LABELED, {"labels": ["bug"], "actions": ["labeled"]}, ""),
    (PULL, {"labels": ["bug"]}, ""),
    (ADDED_DOCS, {"labels": ["docs"]}, ""),
    (ADDED_DOCS, {"labels": ["agent"]}, 'labels: wanted "agent"; it has "docs"'),
    (TOOK_DOCS, {"labels": ["docs"]}, ""),
    (TOOK_DOCS, {"labels": ["bug"]}, 'labels: wanted "bug"; it has "docs"'),
    (gitea(added_labels=[{"name": "agent"}]), {"labels": ["agent"]}, ""),
    (gitea(added_labels=[{"name": "agent"}]), {"labels": ["bug"]}, 'labels: wanted "bug"; it has "agent"'),
    (gitea(removed_labels=[{"name": "docs"}]), {"labels": ["docs"]}, 'labels: wanted "docs"; it has none'),
    (gitea(removed_labels=[{"name": "docs"}]), {"labels": ["bug"]}, 'labels: wanted "bug"; it has none'),
    (gitea(), {"labels": ["bug"]}, ""),
    (gitlab(labels=[{"title": "bug"}]), {"labels": ["bug"]}, ""),
    (gitlab(labels=[{"title": "bug"}], changes={"labels": RELABELED}), {"labels": ["agent"]}, ""),
    (gitlab(changes={"labels": RELABELED}), {"labels": ["bug"]}, 'labels: wanted "bug"; it has "agent"'),
    (gitlab(changes={"labels": RELABELED}), {"labels": ["old"]}, 'labels: wanted "old"; it has "agent"'),
    (event_of("linear", LINEAR), {"labels": ["bug"]}, ""),
    (event_of("linear", {**LINEAR, "updatedFrom": {"title": "x"}}), {"labels": ["bug"]}, ""),
    (event_of("linear", {**LINEAR, "updatedFrom": {"labelIds": ["1"]}}), {"labels": ["agent"]}, ""),
    (
        event_of("linear", {**LINEAR, "updatedFrom": {"labelIds": ["1"]}}),
        {"labels": ["bug"]},
        'labels: wanted "bug"; it has "agent"',
    ),
    (
        event_of("linear", {**LINEAR, "updatedFrom": {"labelIds": ["1", "2", "3"]}}),
        {"labels": ["bug"]},
        'labels: wanted "bug"; it has none',
    ),
    # Branches: from or into which; a question that is not asked of what has nothing to do with branches.
    (PULL, {"branches": ["changes"]}, ""),
    (PULL, {"branches": ["master"]}, ""),
    (PULL, {"branches": ["main"]}, 'branches: wanted "main"; it has "changes", "master"'),
    (PUSH, {"branches": ["main"]}, ""),
    (PUSH, {"branches": ["Main"]}, 'branches: wanted "Main"; it has "main"'),
    (TAG, {"branches": ["main"]}, 'branches: wanted "main"; it has none'),
    (NEW_TAG, {"branches": ["main"]}, 'branches: wanted "main"; it has none'),
    (OPENED, {"branches": ["main"]}, ""),
    (STATUS, {"branches": ["main"]}, ""),
    (STATUS, {"branches": ["next"]}, 'branches: wanted "next"; it has "cart", "main"'),
    (DISPATCHED, {"branches": ["main"]}, ""),
    (DISPATCHED, {"branches": ["next"]}, 'branches: wanted "next"; it has "main"'),
    (MERGE, {"branches": ["main"]}, ""),
    (MERGE, {"branches": ["cart"]}, ""),
    (MERGE, {"branches": ["x"]}, 'branches: wanted "x"; it has "cart", "main"'),
    (gitlab(object_kind="tag_push", ref="refs/tags/main"), {"branches": ["main"]},
     'branches: wanted "main"; it has none'),
    (gitlab(object_kind="pipeline", object_attributes={"ref": "main", "tag": True}), {"branches": ["main"]},
     'branches: wanted "main"; it has none'),
    (gitlab(object_kind="issue"), {"branches": ["main"]}, ""),
    (BUILD, {"branches": ["main"]}, ""),
    (BUILD, {"branches": ["next"]}, 'branches: wanted "next"; it has "main"'),
    (RUN, {"conclusions": ["failure"], "branches": ["cart"]}, ""),
    (RUN, {"branches": ["main"]}, 'branches: wanted "main"; it has "cart"'),
    (RUN, {"conclusions": ["success"]}, 'conclusions: wanted "success"; it has "failure"'),
    (OPENED, {"conclusions": ["success"]}, ""),
    (gitlab(object_kind="pipeline", object_attributes={"status": "running"}), {"conclusions": ["failed"]}, ""),
    # Groups of a project, and those above.
    (MERGE, {"orgs": ["acme"]}, ""),
    (MERGE, {"orgs": ["acme/web"]}, ""),
    (MERGE, {"orgs": ["web"]}, 'orgs: wanted "web"; it has "acme/web", "acme"'),
    # What takes a repository's place.
    (event_of("sentry", {}, {"sentry-hook-resource": "issue"}), {"resources": ["issue"]}, ""),
    (
        event_of("sentry", {}, {"sentry-hook-resource": "issue"}),
        {"resources": ["error"]},
        'resources: wanted "error"; it has "issue"',
    ),
    (event_of("linear", LINEAR), {"organizations": ["o"], "assignee": ["BO@example.com"], "events": ["issues"]}, ""),
    (event_of("linear", LINEAR), {"organizations": ["p"]}, 'organizations: wanted "p"; it has "o"'),
    (BUILD, {"projects": ["docs"], "actions": ["failed"]}, ""),
    (BUILD, {"projects": ["blog"]}, 'projects: wanted "blog"; it has "docs"'),
    (event_of("twitter", {"for_user_id": "1", "follow_events": []}), {"users": ["1"], "events": ["follow_events"]}, ""),
    (event_of("twitter", {"for_user_id": "1"}), {"users": ["2"]}, 'users: wanted "2"; it has "1"'),
    (COMMAND, {"guilds": ["g"], "channels": ["c"], "commands": ["deploy"]}, ""),
    (COMMAND, {"commands": ["stop"]}, 'commands: wanted "stop"; it has "deploy"'),
    (BUTTON, {"commands": ["stop"]}, ""),
    (BUTTON, {"channels": ["d"]}, 'channels: wanted "d"; it has "c"'),
    (event_of("discord", {"type": 2}), {"commands": ["stop"]}, 'commands: wanted "stop"; it has none'),
    (event_of("discord", {"type": 2}), {"guilds": ["g"]}, 'guilds: wanted "g"; it has none'),
    (MESSAGE, {"events": ["message"], "channels": ["C"], "team_ids": ["T"]}, ""),
    (MESSAGE, {"team_ids": ["U"]}, 'team_ids: wanted "U"; it has "T"'),
    (MESSAGE, {"channels": ["D"]}, 'channels: wanted "D"; it has "C"'),
    (event_of("generic", {"event": "x", "action": "y", "repo": "a/b"}), {"events": ["x"], "actions": ["y"]}, ""),
    (event_of("generic", {"repo": "a/b"}), {"repos": ["a/c"]}, 'repos: wanted "a/c"; it has "a/b"'),
    (event_of("test", {"event": "x"}), {"events": ["y"]}, 'events: wanted "y"; it has "x"'),
    # All filters have to pass.
    (OPENED, {"events": ["issues"], "actions": ["closed"], "labels": ["bug"]},
     'actions: wanted "closed"; it has "opened"'),
]  # fmt: skip


@pytest.mark.parametrize(("event", "filters", "why"), CASES)
def test_filters(event: WebhookEvent, filters: dict[str, list[str]], why: str) -> None:
    asked = trigger(event.source, **filters)
    assert refusal(asked, event) == why
    assert passes(asked, event) is (not why)


def test_every_filter_of_every_type_is_in_the_table_above_passing_and_failing() -> None:
    passed = {(event.source, name) for event, filters, why in CASES if not why for name in filters}
    failed = {(event.source, why.partition(":")[0]) for event, filters, why in CASES if why}
    known = {(kind.name, kind.same.get(key.name, key.name)) for kind in SOURCE_TYPES.values() for key in kind.filters}
    named = {name for _, name in known}
    assert {name for _, name in passed} == named
    assert {name for _, name in failed} == named
    assert passed <= known
    assert failed <= known


@pytest.mark.parametrize("kind", sorted(SOURCE_TYPES))
def test_what_an_empty_event_is_asked_it_does_not_have(kind: str) -> None:
    """Each filter of each type is compared with something: nothing passes because a name was forgotten."""
    event = WebhookEvent(event="", source=kind)
    for key in SOURCE_TYPES[kind].filters:
        name = SOURCE_TYPES[kind].same.get(key.name, key.name)
        asked = trigger(kind, **{name: ["x"]})
        assert passes(asked, event) is (name in ("branches", "conclusions", "commands"))


def test_another_type_of_source_and_what_one_said_oneself() -> None:
    assert refusal(trigger("linear"), OPENED) == "the trigger is for linear, and this is of github"
    own = event_of("slack", {"api_app_id": "A", "event": {"type": "message", "app_id": "A"}})
    assert refusal(trigger("slack"), own) == "the application sent it itself"


def test_the_reason_stays_short() -> None:
    event = github("issues", {"issue": {"labels": [{"name": f"{n:04}" * 100} for n in range(100)]}})
    assert len(refusal(trigger("github", labels=["x"]), event)) < 1500
    assert "..." in refusal(trigger("github", labels=["x"]), event)
