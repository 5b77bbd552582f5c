"""The context that an agent gets, for every sender: real payloads where there are some."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.webhooks import event_of, payload

AT = "2026-01-23T12:53:20.000Z"
ISSUE: dict[str, Any] = {
    "number": 1,
    "title": "Spelling error in the README file",
    "body": "It looks like you accidently spelled 'commit' with two 't's.",
    "author": "Codertocat",
    "assignee": "Codertocat",
    "labels": ["bug"],
    "url": "https://github.com/Codertocat/Hello-World/issues/1",
    "repo": "Codertocat/Hello-World",
    "sender": "Codertocat",
}
USER = {"login": "octocat"}
REPOSITORY = {"full_name": "acme/shop"}
FORM = {"content-type": "application/x-www-form-urlencoded"}

LINEAR_ISSUE = {
    "action": "update",
    "type": "Issue",
    "organizationId": "org-1",
    "actor": {"id": "u", "type": "user", "name": "Ada", "email": "ada@example.com", "url": ""},
    "url": "https://linear.app/acme/issue/ACM-7",
    "webhookTimestamp": 1769172798084,
    "webhookId": "wh-1",
    "data": {
        "id": "i-1",
        "identifier": "ACM-7",
        "number": 7,
        "title": "Fix the cart",
        "description": "It is empty.",
        "creator": {"name": "Bo", "email": "bo@example.com"},
        "assignee": {"name": "Cy", "email": "cy@example.com"},
        "labelIds": ["l1", "l2"],
        "labels": [{"id": "l1", "name": "bug"}, {"id": "l2", "name": "agent"}],
        "team": {"id": "t", "key": "ACM"},
    },
}
"""Field names by linear/linear, packages/sdk/src/schema.graphql (IssueWebhookPayload)."""

MERGE_REQUEST = {
    "object_kind": "merge_request",
    "user": {"username": "ada", "name": "Ada"},
    "project": {"path_with_namespace": "acme/web/shop"},
    "object_attributes": {
        "iid": 4, "title": "Cart", "description": "Fills it.", "action": "update", "source_branch": "cart",
        "target_branch": "main", "url": "https://gitlab.example.com/acme/web/shop/-/merge_requests/4",
    },
    "labels": [{"title": "agent"}, {"title": "bug"}],
    "assignees": [{"username": "bo"}],
    "changes": {"labels": {"previous": [{"title": "bug"}], "current": [{"title": "bug"}, {"title": "agent"}]}},
}  # fmt: skip
"""Field names by docs.gitlab.com, webhook events."""

CONTEXTS: list[tuple[str, dict[str, str], object, dict[str, Any]]] = [
    (
        "github", {"x-github-event": "issues"}, payload("github/issues.labeled"),
        {"event": "issues", "action": "labeled", "label": "bug", **ISSUE},
    ),
    (
        "github", {"x-github-event": "issues"}, payload("github/issues.assigned"),
        {"event": "issues", "action": "assigned", **ISSUE},
    ),
    (
        "github", {"x-github-event": "pull_request"}, payload("github/pull_request.labeled"),
        {
            **ISSUE, "event": "pull_request", "action": "labeled", "number": 2, "label": "bug",
            "title": "Update the README with new information.",
            "body": "This is a pretty simple change that we need to pull into master.",
            "url": "https://github.com/Codertocat/Hello-World/pull/2", "branch": "changes", "base": "master",
        },
    ),
    (
        "github", {"x-github-event": "installation"}, payload("github/installation.created"),
        {"event": "installation", "action": "created", "repo": "", "sender": "Codertocat",
         "url": "https://github.com/settings/installations/957387"},
    ),
    (
        "github", {"x-github-event": "issue_comment"},
        {"action": "created", "issue": {"number": 3, "title": "T", "body": "B", "user": {"login": "ada"},
         "labels": [], "html_url": "https://x/3"}, "comment": {"body": "do it", "html_url": "https://x/3#1"},
         "repository": REPOSITORY, "sender": USER},
        {"event": "issue_comment", "action": "created", "repo": "acme/shop", "number": 3, "title": "T", "body": "B",
         "author": "ada", "comment": "do it", "url": "https://x/3#1", "sender": "octocat"},
    ),
    (
        "github", {"x-github-event": "pull_request_review"},
        {"action": "submitted", "review": {"body": "no", "state": "changes_requested", "html_url": "https://x/r"},
         "pull_request": {"number": 5, "title": "P", "user": {"login": "ada"}, "head": {"ref": "h"},
         "base": {"ref": "b"}}, "repository": REPOSITORY, "sender": USER},
        {"event": "pull_request_review", "action": "submitted", "repo": "acme/shop", "number": 5, "title": "P",
         "author": "ada", "branch": "h", "base": "b", "comment": "no", "url": "https://x/r", "sender": "octocat"},
    ),
    (
        "github", {"x-github-event": "push"},
        {"ref": "refs/heads/feature/cart", "compare": "https://x/c", "commits": [], "pusher": {"name": "ada"},
         "head_commit": {"message": "Fill it\n\nAt last."}, "repository": REPOSITORY, "sender": USER},
        {"event": "push", "repo": "acme/shop", "title": "Fill it", "body": "Fill it\n\nAt last.",
         "url": "https://x/c", "author": "ada", "branch": "feature/cart", "sender": "octocat"},
    ),
    (
        "github", {"x-github-event": "workflow_run"},
        {"action": "completed", "workflow_run": {"name": "CI", "display_title": "Fill it", "head_branch": "cart",
         "conclusion": "failure", "html_url": "https://x/w", "actor": USER, "pull_requests": [{"number": 9,
         "head": {"ref": "cart"}, "base": {"ref": "main"}}]}, "repository": REPOSITORY, "sender": USER},
        {"event": "workflow_run", "action": "completed", "repo": "acme/shop", "number": 9, "title": "Fill it",
         "url": "https://x/w", "author": "octocat", "branch": "cart", "base": "main", "conclusion": "failure",
         "sender": "octocat"},
    ),
    (
        "github", {"x-github-event": "repository_dispatch"},
        {"action": "nightly", "branch": "main", "client_payload": {"deep": True}, "repository": REPOSITORY,
         "sender": USER},
        {"event": "repository_dispatch", "action": "nightly", "repo": "acme/shop", "body": '{"deep":true}',
         "sender": "octocat"},
    ),
    (
        "github", {"x-github-event": "merge_group"},
        {"action": "checks_requested", "merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-1",
         "base_ref": "refs/heads/main"}, "repository": REPOSITORY, "sender": USER},
        {"event": "merge_group", "action": "checks_requested", "repo": "acme/shop",
         "branch": "gh-readonly-queue/main/pr-1", "base": "main", "sender": "octocat"},
    ),
    (
        "gitea", {"x-gitea-event": "issues"},
        {"action": "label_updated", "number": 3, "changes": {"added_labels": [{"name": "agent"}],
         "removed_labels": []}, "issue": {"number": 3, "title": "T", "user": {"username": "ada"},
         "labels": [{"name": "bug"}, {"name": "agent"}]}, "repository": REPOSITORY, "sender": {"username": "bo"}},
        {"event": "issues", "action": "label_updated", "repo": "acme/shop", "number": 3, "title": "T",
         "author": "ada", "labels": ["bug", "agent"], "label": "agent", "sender": "bo"},
    ),
    (
        "forgejo", {"x-forgejo-event": "push"},
        {"ref": "refs/heads/main", "compare_url": "https://x/c", "commits": [{"message": "One"}],
         "head_commit": {"message": "One"}, "pusher": {"login": "ada"}, "repository": REPOSITORY,
         "sender": {"login": "ada"}},
        {"event": "push", "repo": "acme/shop", "title": "One", "body": "One", "url": "https://x/c", "author": "ada",
         "branch": "main", "sender": "ada"},
    ),
    (
        "gitlab", {"x-gitlab-event": "Merge Request Hook"}, MERGE_REQUEST,
        {"event": "merge_request", "action": "update", "repo": "acme/web/shop", "number": 4, "title": "Cart",
         "body": "Fills it.", "url": "https://gitlab.example.com/acme/web/shop/-/merge_requests/4", "assignee": "bo",
         "labels": ["agent", "bug"], "label": "agent", "branch": "cart", "base": "main", "sender": "ada"},
    ),
    (
        "gitlab", {},
        {"object_kind": "pipeline", "object_attributes": {"status": "failed", "ref": "main", "tag": False,
         "url": "https://x/p"}, "user": {"username": "ada"}, "project": {"path_with_namespace": "acme/shop"},
         "commit": {"message": "One\nTwo"}},
        {"event": "pipeline", "action": "failed", "repo": "acme/shop", "title": "One", "url": "https://x/p",
         "branch": "main", "conclusion": "failed", "sender": "ada"},
    ),
    (
        "gitlab", {},
        {"object_kind": "note", "user": {"username": "ada"}, "project": {"path_with_namespace": "acme/shop"},
         "object_attributes": {"note": "do it", "action": "create", "url": "https://x/n"},
         "issue": {"iid": 8, "title": "T", "description": "B", "labels": [{"title": "bug"}]}},
        {"event": "note", "action": "create", "repo": "acme/shop", "number": 8, "title": "T", "body": "B",
         "url": "https://x/n", "labels": ["bug"], "comment": "do it", "sender": "ada"},
    ),
    (
        "linear", {}, LINEAR_ISSUE,
        {"event": "issues", "action": "update", "repo": "org-1", "number": 7, "title": "Fix the cart",
         "body": "It is empty.", "url": "https://linear.app/acme/issue/ACM-7", "author": "bo@example.com",
         "assignee": "cy@example.com", "labels": ["bug", "agent"], "sender": "ada@example.com"},
    ),
    (
        "linear", {}, {**LINEAR_ISSUE, "updatedFrom": {"labelIds": ["l1"]}},
        {"event": "issues", "action": "update", "repo": "org-1", "number": 7, "title": "Fix the cart",
         "body": "It is empty.", "url": "https://linear.app/acme/issue/ACM-7", "author": "bo@example.com",
         "assignee": "cy@example.com", "labels": ["bug", "agent"], "label": "agent", "sender": "ada@example.com"},
    ),
    (
        "linear", {},
        {"action": "create", "type": "Comment", "organizationId": "org-1", "url": "https://x/7#c", "data": {
         "body": "do it", "user": {"email": "ada@example.com"}, "issue": {"title": "Fix the cart",
         "url": "https://x/7"}}},
        {"event": "issue_comment", "action": "create", "repo": "org-1", "title": "Fix the cart",
         "url": "https://x/7#c", "author": "ada@example.com", "comment": "do it", "sender": ""},
    ),
    (
        "linear", {}, {"action": "create", "type": "ProjectUpdate", "organizationId": "o", "data": {"body": "well"}},
        {"event": "projectupdate", "action": "create", "repo": "o", "body": "well", "sender": ""},
    ),
    (
        "sentry", {"sentry-hook-resource": "issue"}, payload("sentry/issue.created")["body"],
        {"event": "issue", "action": "created", "repo": "web", "title": "ValueError: example", "body": "example.main",
         "url": "https://sentry.io/organizations/example-org/issues/1/", "sender": "Sentry"},
    ),
    (
        "sentry", {"sentry-hook-resource": "event_alert"}, payload("sentry/event_alert.triggered")["body"],
        {"event": "event_alert", "action": "triggered", "repo": "Example rule", "title": "ValueError: example",
         "body": "example.main", "sender": "Sentry", "url": "https://sentry.io/organizations/example-org/issues/1/"
         "events/00000000000000000000000000000000/"},
    ),
    (
        "sentry", {"sentry-hook-resource": "comment"},
        {"action": "created", "data": {"comment": "look", "project_slug": "web", "comment_id": 1, "issue_id": 2},
         "actor": {"type": "user", "id": 1, "name": "colleen"}},
        {"event": "comment", "action": "created", "repo": "web", "comment": "look", "sender": "colleen"},
    ),
    (
        "sentry", {"sentry-hook-resource": "metric_alert"},
        {"action": "critical", "data": {"description_title": "Critical: Too many errors", "description_text": "1000",
         "web_url": "https://x/a", "metric_alert": {}}, "actor": {"name": "Sentry"}},
        {"event": "metric_alert", "action": "critical", "repo": "", "title": "Critical: Too many errors",
         "body": "1000", "url": "https://x/a", "sender": "Sentry"},
    ),
    (
        "slack", {}, payload("slack/ReactionAddedPayload"),
        {"event": "reaction_added", "repo": "", "thread": "0000000000.000000", "sender": ""},
    ),
    (
        "slack", {},
        {**payload("slack/AppMentionPayload"), "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event": {
         "type": "app_mention", "user": "U1", "text": "<@A1> look", "ts": "1.2", "channel": "C1"}},
        {"event": "app_mention", "repo": "T1", "body": "<@A1> look", "channel": "C1", "thread": "1.2", "sender": "U1"},
    ),
    (
        "slack", FORM,
        urlencode({**payload("slack/SlashCommandPayload"), "command": "/go", "text": "now", "team_id": "T1",
                   "channel_id": "C1", "user_id": "U1", "trigger_id": "t.1"}).encode(),
        {"event": "slash_command", "action": "/go", "repo": "T1", "title": "/go", "body": "now", "channel": "C1",
         "sender": "U1"},
    ),
    (
        "slack", FORM,
        urlencode({"payload": json.dumps({"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"},
                   "channel": {"id": "C1"}, "trigger_id": "t.2", "message": {"ts": "3.4"}, "actions": [
                   {"action_id": "approve", "value": "42", "text": {"text": "Approve"}}]})}).encode(),
        {"event": "block_actions", "action": "approve", "repo": "T1", "title": "Approve", "body": "42",
         "channel": "C1", "thread": "3.4", "sender": "U1"},
    ),
    (
        "mintlify", {}, {"action": "failed", "project": "docs", "error": "no page", "user": {"email": "a@example.com"},
                         "build_url": "https://x/b"},
        {"event": "build", "action": "failed", "repo": "docs", "title": "Build failed", "body": "Build failed: no page",
         "url": "https://x/b", "branch": "main", "conclusion": "failure", "sender": "a@example.com"},
    ),
    (
        "discord", {},
        {"type": 2, "id": "77", "guild_id": "g", "channel_id": "c", "member": {"user": {"username": "ada"}},
         "data": {"name": "deploy", "options": [{"name": "to", "value": "prod"}]}, "token": "canary"},
        {"event": "application_command", "action": "deploy", "repo": "g", "title": "/deploy", "branch": "c",
         "channel": "c", "body": '[{"name":"to","value":"prod"}]', "sender": "ada"},
    ),
    (
        "twitter", {},
        {"for_user_id": "1", "user_has_blocked": False, "tweet_create_events": [{"id_str": "9", "text": "hi\nthere",
         "user": {"screen_name": "ada", "id_str": "2"}}]},
        {"event": "tweet_create_events", "action": "create", "repo": "1", "title": "hi", "body": "hi\nthere",
         "url": "https://x.com/ada/status/9", "author": "ada", "sender": "ada"},
    ),
    (
        "twitter", {},
        {"for_user_id": 1, "direct_message_events": [{"message_create": {"sender_id": "3",
         "message_data": {"text": "psst"}}}], "users": {}},
        {"event": "direct_message_events", "action": "message", "repo": "1", "title": "psst", "body": "psst",
         "sender": "3"},
    ),
    (
        "test", {}, {"event": "issues", "action": "opened", "repo": "a/b", "number": 1, "title": "T", "body": "B",
                     "labels": ["x"], "source": "github"},
        {"event": "issues", "action": "opened", "repo": "a/b", "number": 1, "title": "T", "body": "B",
         "labels": ["x"], "sender": "test"},
    ),
    (
        "generic", {}, {"type": "deployed", "action": "done", "repository": {"full_name": "a/b"}, "x": [1]},
        {"event": "deployed", "action": "done", "repo": "a/b", "sender": "",
         "body": '{"type":"deployed","action":"done","repository":{"full_name":"a/b"},"x":[1]}'},
    ),
    ("generic", FORM, b"event=ping&text=a+b", {"event": "ping", "repo": "", "body": '{"event":"ping","text":"a b"}',
                                               "sender": ""}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "headers", "body", "expected"), CONTEXTS, ids=[f"{kind}-{want['event']}" for kind, _, _, want in CONTEXTS]
)
def test_the_context_of(kind: str, headers: dict[str, str], body: object, expected: dict[str, Any]) -> None:
    assert event_of(kind, body, headers).context() == {"source": kind, "timestamp": AT, **expected}
