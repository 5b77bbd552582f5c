"""The types of webhook sources that there are: what verifies their deliveries, and what triggers may filter by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from freehold.project.key import Key, Kind
from freehold.project.webhook_events import DISCORD_EVENTS, GITHUB_EVENTS, LINEAR_EVENTS, SENTRY_RESOURCES, X_EVENTS


@dataclass(frozen=True)
class SourceType:
    """`secret_type` and `secret_field` name the credential that verifies deliveries; empty where nothing can.

    `filters` are what a trigger may filter by. `same` are other names of filters: a project id may be called `repos`.
    `events` are the known values of the filter that names events; empty where they are not known in advance.
    """

    name: str
    label: str
    secret_type: str
    secret_field: str
    filters: tuple[Key, ...]
    events: frozenset[str] = frozenset()
    event_filter: str = "events"
    same: Mapping[str, str] = field(default_factory=dict)


def _list(name: str, doc: str, also: tuple[str, ...] = ()) -> Key:
    return Key(name, Kind.STRINGS, doc, also=also)


_EVENTS = _list("events", "Kinds of events.")
_ACTIONS = _list("actions", "What happened; a delivery without an action does not pass.")
_REPOS = _list("repos", "Repositories, as owner/name.")
_ORGS = (_list("orgs", "Owners of repositories."), Key("org", Kind.STRING, "One owner of repositories."))
_LABELS = _list(
    "labels", "Labels, of which one is enough; where labels were changed, the ones that were added, or else removed."
)
_BRANCHES = _list("branches", "Branches, from or into which; a delivery without one passes.")
_ASSIGNEE = Key("assignee", Kind.STRING, "Whom it is assigned to.")
_AUTHOR = Key("author", Kind.STRING, "Who wrote the issue or the pull request.")
_CONCLUSIONS = _list("conclusions", "How workflows ended; a delivery without one passes.")
_FORGE = (_EVENTS, _ACTIONS, _REPOS, *_ORGS, _LABELS, _ASSIGNEE, _AUTHOR, _BRANCHES, _CONCLUSIONS)
_SAME_ORG = {"org": "orgs"}

_FORGES = (
    SourceType("github", "GitHub", "github_webhook_secret", "secret", _FORGE, GITHUB_EVENTS, same=_SAME_ORG),
    SourceType(
        "gitlab",
        "GitLab",
        "gitlab_webhook_secret",
        "secret",
        (
            _EVENTS,
            _ACTIONS,
            _list("repos", "Projects, as group/name."),
            *_ORGS,
            _LABELS,
            _ASSIGNEE,
            _BRANCHES,
            _CONCLUSIONS,
        ),
        same=_SAME_ORG,
    ),
    SourceType("gitea", "Gitea", "gitea_webhook_secret", "secret", _FORGE, same=_SAME_ORG),
    SourceType("forgejo", "Forgejo", "forgejo_webhook_secret", "secret", _FORGE, same=_SAME_ORG),
)

_OTHERS = (
    SourceType(
        "sentry",
        "Sentry",
        "sentry_client_secret",
        "secret",
        (_list("resources", "Kinds of resources."),),
        SENTRY_RESOURCES,
        "resources",
    ),
    SourceType(
        "linear",
        "Linear",
        "linear_webhook_secret",
        "secret",
        (_EVENTS, _ACTIONS, _list("organizations", "Organization ids."), _LABELS, _ASSIGNEE, _AUTHOR),
        LINEAR_EVENTS,
    ),
    SourceType(
        "slack",
        "Slack",
        "slack_signing_secret",
        "secret",
        (_EVENTS, _list("channels", "Channel ids."), _list("team_ids", "Ids of workspaces.")),
    ),
    SourceType(
        "mintlify",
        "Mintlify",
        "mintlify_webhook_secret",
        "secret",
        (_EVENTS, _ACTIONS, _list("projects", "Projects.", also=("repos",)), _BRANCHES),
    ),
    SourceType(
        "discord",
        "Discord",
        "discord_bot",
        "public_key",
        (
            _EVENTS,
            _list("guilds", "Guild ids."),
            _list("channels", "Channel ids."),
            _list("commands", "Names of commands; what is no command passes."),
        ),
        DISCORD_EVENTS,
    ),
    SourceType(
        "twitter",
        "X (Twitter)",
        "x_twitter_api",
        "consumer_secret",
        (_EVENTS, _list("users", "Ids of the users that events are for.", also=("repos",))),
        X_EVENTS,
    ),
    SourceType("generic", "any other sender", "generic_webhook_secret", "secret", (_EVENTS, _ACTIONS, _REPOS)),
    SourceType("test", "a source for tests", "", "", (_EVENTS, _ACTIONS, _REPOS)),
)

SOURCE_TYPES: dict[str, SourceType] = {source.name: source for source in (*_FORGES, *_OTHERS)}
