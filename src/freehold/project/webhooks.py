"""Webhooks: the sources that there are, what a trigger may filter by, and the project's own sources and triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.key import Key, Kind
from freehold.project.problems import KeyPath, Reporter, unknown
from freehold.project.shape import fit
from freehold.project.webhook_events import DISCORD_EVENTS, GITHUB_EVENTS, LINEAR_EVENTS, SENTRY_RESOURCES, X_EVENTS

_MEANT = {
    "repository": ("repos",),
    "repo": ("repos",),
    "event": ("events",),
    "action": ("actions",),
    "label": ("labels",),
    "branch": ("branches",),
    "organization": ("organizations", "orgs"),
    "guild": ("guilds",),
    "channel": ("channels",),
    "command": ("commands",),
    "project": ("projects",),
    "user": ("users",),
    "resource": ("resources",),
    "conclusion": ("conclusions",),
}
"""Names that people write for filters, and the filters that they mean (the same as Action Llama corrects)."""


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
_LABELS = _list("labels", "Labels, of which one is enough.")
_BRANCHES = _list("branches", "Branches; a delivery without one passes.")
_ASSIGNEE = Key("assignee", Kind.STRING, "Whom it is assigned to.")
_AUTHOR = Key("author", Kind.STRING, "Who wrote it.")

SOURCE_TYPES: dict[str, SourceType] = {
    source.name: source
    for source in (
        SourceType(
            "github",
            "GitHub",
            "github_webhook_secret",
            "secret",
            (
                _EVENTS,
                _ACTIONS,
                _list("repos", "Repositories, as owner/name."),
                _list("orgs", "Owners of repositories."),
                Key("org", Kind.STRING, "One owner of repositories."),
                _LABELS,
                _ASSIGNEE,
                _AUTHOR,
                _BRANCHES,
                _list("conclusions", "Conclusions of workflow runs; a delivery without one passes."),
            ),
            GITHUB_EVENTS,
            same={"org": "orgs"},
        ),
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
                _list("commands", "Names of slash commands."),
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
        SourceType(
            "slack",
            "Slack",
            "slack_signing_secret",
            "secret",
            (_EVENTS, _list("channels", "Channel ids."), _list("team_ids", "Ids of workspaces.")),
        ),
        SourceType("test", "a source for tests", "", "", (_EVENTS, _ACTIONS, _list("repos", "Repositories."))),
    )
}


@dataclass(frozen=True)
class WebhookSource:
    """A `[webhooks.<name>]` of the project. `secret` verifies its deliveries; None where nothing can."""

    name: str
    type: str
    secret: FieldRef | None
    allow_unsigned: bool


@dataclass(frozen=True)
class WebhookTrigger:
    """A `[[webhooks]]` of an agent. Without filters every delivery of the source starts the agent."""

    source: str
    type: str
    filters: Mapping[str, tuple[str, ...]]


def source_of(name: str, values: Mapping[str, Any], report: Reporter) -> WebhookSource | None:
    """A source whose keys have been checked; None when its type is not known (reported before)."""
    kind = SOURCE_TYPES.get(values["type"] or "")
    if kind is None:
        return None
    instance = values["credential"]
    for key in {source.secret_type for source in SOURCE_TYPES.values()} & values.keys():
        if values[key] is None:
            continue
        if key == kind.secret_type:
            instance = values[key]
        else:
            report.error(
                ("webhooks", name, key), f"is for other sources; {kind.name} uses {kind.secret_type or 'none'}"
            )
    secret = FieldRef(CredentialRef(kind.secret_type, instance), kind.secret_field) if kind.secret_type else None
    if values["allowUnsigned"]:
        report.warning(("webhooks", name, "allowUnsigned"), "anybody who knows the address can start agents")
    return WebhookSource(name, kind.name, secret, values["allowUnsigned"])


def triggers_of(
    tables: list[Mapping[str, Any]], sources: Mapping[str, WebhookSource], report: Reporter
) -> tuple[WebhookTrigger, ...]:
    """The agent's triggers; those that are wrong are reported and left out."""
    triggers = (_trigger(table, sources, report, ("webhooks", index)) for index, table in enumerate(tables))
    return tuple(trigger for trigger in triggers if trigger is not None)


def _trigger(
    table: Mapping[str, Any], sources: Mapping[str, WebhookSource], report: Reporter, at: KeyPath
) -> WebhookTrigger | None:
    name = table.get("source")
    if not isinstance(name, str):
        report.error((*at, "source"), "is missing: a [webhooks.<name>] of the project's config.toml")
        return None
    if name not in sources:
        report.error((*at, "source"), unknown("webhook source", name, sources))
        return None
    kind = SOURCE_TYPES[sources[name].type]
    _report_misnamed(table, kind, report, at)
    known = {spelling for key in kind.filters for spelling in key.spellings}
    values = fit({key: value for key, value in table.items() if key in known}, kind.filters, report, at)
    filters: dict[str, tuple[str, ...]] = {}
    for key, value in values.items():
        wanted = (value,) if isinstance(value, str) else tuple(value or ())
        if wanted:
            target = kind.same.get(key, key)
            filters[target] = (*filters.get(target, ()), *wanted)
    _report_unknown_events(filters, kind, report, at)
    return WebhookTrigger(name, kind.name, filters)


def _report_misnamed(table: Mapping[str, Any], kind: SourceType, report: Reporter, at: KeyPath) -> None:
    known = {spelling for key in kind.filters for spelling in key.spellings}
    for name in table.keys() - known - {"source"}:
        meant = next((filter_ for filter_ in _MEANT.get(name, ()) if filter_ in known), "")
        if meant:
            report.error((*at, name), f'unknown filter "{name}" of {kind.name} (did you mean "{meant}"?)')
        else:
            report.error((*at, name), unknown(f"{kind.name} filter", name, known))


def _report_unknown_events(
    filters: Mapping[str, tuple[str, ...]], kind: SourceType, report: Reporter, at: KeyPath
) -> None:
    if kind.events:
        for event in filters.get(kind.event_filter, ()):
            if event not in kind.events:
                report.error((*at, kind.event_filter), unknown("event", event, kind.events))
