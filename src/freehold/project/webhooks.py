"""The project's own webhook sources, and the triggers of its agents that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.problems import KeyPath, Reporter, unknown
from freehold.project.shape import fit
from freehold.project.webhook_types import SOURCE_TYPES, SourceType

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


_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A token (RFC 9110 §5.6.2)."""

_NEVER_NAMED = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Headers that are never read, because what is read is shown with the receipt of a delivery."""


@dataclass(frozen=True)
class SenderHeaders:
    """Where a sender that is none of the known ones writes what; lower-case names, empty where it does not."""

    signature: str = "x-hub-signature-256"
    timestamp: str = ""
    event: str = ""
    delivery: str = ""


_HEADER_KEYS = {
    "signatureHeader": "signature",
    "timestampHeader": "timestamp",
    "eventHeader": "event",
    "deliveryHeader": "delivery",
}


@dataclass(frozen=True)
class WebhookSource:
    """A `[webhooks.<name>]` of the project. `secret` verifies its deliveries; None where nothing can.

    `previous` verifies too, while a secret is being changed. `headers` are for sources of the type `generic`.
    """

    name: str
    type: str
    secret: FieldRef | None
    allow_unsigned: bool
    previous: FieldRef | None = None
    headers: SenderHeaders = SenderHeaders()

    @property
    def takes_unsigned(self) -> bool:
        """Whether anybody who knows the address may send to it."""
        return self.allow_unsigned or self.secret is None

    @cached_property
    def secrets(self) -> tuple[FieldRef, ...]:
        """Every field that may verify a delivery, the current one first."""
        return tuple(ref for ref in (self.secret, self.previous) if ref is not None)


@dataclass(frozen=True, slots=True)
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
    secret = _secret_of(kind, instance)
    if values["allowUnsigned"]:
        report.warning(("webhooks", name, "allowUnsigned"), "anybody who knows the address can start agents")
    elif secret is None:
        report.warning(
            ("webhooks", name, "type"), "nothing verifies it: anybody who knows the address can start agents"
        )
    previous = _secret_of(kind, values["previousCredential"]) if values["previousCredential"] else None
    return WebhookSource(
        name,
        kind.name,
        secret,
        values["allowUnsigned"],
        previous,
        _headers_of(kind, values, report, ("webhooks", name)),
    )


def _secret_of(kind: SourceType, instance: str) -> FieldRef | None:
    return FieldRef(CredentialRef(kind.secret_type, instance), kind.secret_field) if kind.secret_type else None


def _headers_of(kind: SourceType, values: Mapping[str, Any], report: Reporter, at: KeyPath) -> SenderHeaders:
    headers: dict[str, str] = {}
    for key, field in _HEADER_KEYS.items():
        written = values[key]
        if written is None:
            continue
        if kind.name != "generic":
            report.error((*at, key), f"is for sources of the type generic; {kind.name} has headers of its own")
        elif not _HEADER.fullmatch(written):
            report.error((*at, key), "is not the name of an HTTP header")
        elif written.lower() in _NEVER_NAMED:
            report.error((*at, key), "is a header that is never read: what it holds would be shown with the delivery")
        else:
            headers[field] = written.lower()
    return SenderHeaders(**headers)


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
