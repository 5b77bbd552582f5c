"""Notices: what people are told of, the channels of a project, and which agent's outcomes go to which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from freehold.base.hosts import normalise_host
from freehold.project.credential import CredentialRef, FieldRef, parse_field_ref
from freehold.project.key import Key, Kind
from freehold.project.problems import KeyPath, Reporter, shown, unknown


class NoticeKind(StrEnum):
    """What a notice tells of."""

    FAILED = "failed"
    BUDGET = "budget"
    DEAD_LETTER = "dead_letter"
    PERMISSION = "permission"
    COMPLETED = "completed"


USUAL_KINDS = (NoticeKind.FAILED, NoticeKind.BUDGET, NoticeKind.DEAD_LETTER, NoticeKind.PERMISSION)
"""All that somebody may have to do something about."""


class ChannelType(StrEnum):
    SLACK = "slack"
    EMAIL = "email"
    NTFY = "ntfy"
    WEBHOOK = "webhook"


SECURITIES = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_S, _I, _B, _L = Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.STRINGS

KEYS = (
    Key("type", _S, "How they are sent.", required=True, choices=tuple(ChannelType)),
    Key(
        "kinds",
        _L,
        "What is told: of `failed`, `budget`, `dead_letter`, `permission`, `completed`; else all but `completed`.",
    ),
    Key(
        "default", _B, "Whether it is told of the project, and of agents that do not say where their notices go.", True
    ),
    Key("url", _S, "For `ntfy`: address and topic, `https://ntfy.sh/my-topic`; for `webhook`: where to."),
    Key(
        "credential",
        _S,
        "What opens it, `type.field` or `type:instance.field`: `slack_webhook.url`, `smtp.password`, "
        "`ntfy_token.token`, `notice_webhook_secret.secret`. For `slack` and `webhook` the default instance is used "
        "where nothing is written.",
    ),
    Key("to", _L, "For `email`: who gets it."),
    Key("from", _S, "For `email`: who it is from."),
    Key("host", _S, "For `email`: the mail server."),
    Key("port", _I, "For `email`: its port; else 587, with `tls` 465.", minimum=1),
    Key("username", _S, "For `email`: the login; else the credential's `username`, else the address in `from`."),
    Key("security", _S, "For `email`; `none` only on this machine.", "starttls", choices=SECURITIES),
)

_AS_PROJECT = ()
"""What stands for a kind that is not written; one that is written is a list."""

AGENT_KEYS = tuple(
    Key(kind, _L, f"Where `{kind}` goes; nowhere when the list is empty.", default=_AS_PROJECT) for kind in NoticeKind
)
"""Of an agent's `notices`, where it is a table."""

_OWN_KEYS = {
    ChannelType.SLACK: frozenset[str](),
    ChannelType.EMAIL: frozenset({"to", "from", "host", "port", "username", "security"}),
    ChannelType.NTFY: frozenset({"url"}),
    ChannelType.WEBHOOK: frozenset({"url"}),
}
_CREDENTIALS = {
    ChannelType.SLACK: FieldRef(CredentialRef("slack_webhook"), "url"),
    ChannelType.EMAIL: FieldRef(CredentialRef("smtp"), "password"),
    ChannelType.NTFY: FieldRef(CredentialRef("ntfy_token"), "token"),
    ChannelType.WEBHOOK: FieldRef(CredentialRef("notice_webhook_secret"), "secret"),
}
_NEEDS_ONE = frozenset({ChannelType.SLACK, ChannelType.WEBHOOK})
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_TOPIC = re.compile(r"/[A-Za-z0-9_-]{1,64}")
"""As ntfy's own server has it."""


@dataclass(frozen=True)
class Mail:
    """How mail is sent. `username` is empty where the credential says it."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: str
    username: str


@dataclass(frozen=True)
class Channel:
    """A `[notices.<name>]` of the project. `mail` is set for `email` alone; `credential` None: nothing opens it."""

    name: str
    type: ChannelType
    kinds: frozenset[NoticeKind]
    is_default: bool
    url: str = ""
    credential: FieldRef | None = None
    mail: Mail | None = None


Routes = Mapping[NoticeKind, tuple[str, ...]]
"""The channels that are told, by what they are told of."""


def channel_of(name: str, values: Mapping[str, Any], report: Reporter) -> Channel | None:
    """A channel whose keys have been checked; None when it is unusable (then reported)."""
    at = ("notices", name)
    if not values["type"]:
        return None
    kind = ChannelType(values["type"])
    _report_strangers(kind, values, report, at)
    usable = (_mail(values, report, at),) if kind is ChannelType.EMAIL else ()
    if None in usable or not _has_address(kind, values["url"], report, at):
        return None
    return Channel(
        name=name,
        type=kind,
        kinds=_kinds(values["kinds"], report, (*at, "kinds")) or frozenset(USUAL_KINDS),
        is_default=values["default"],
        url=values["url"] or "",
        credential=_credential(kind, values["credential"], report, (*at, "credential")),
        mail=usable[0] if usable else None,
    )


def routes_of(channels: Mapping[str, Channel]) -> dict[NoticeKind, tuple[str, ...]]:
    """Where the project's own notices go, and those of agents that say nothing else."""
    return _among(channel for channel in channels.values() if channel.is_default)


def agent_routes(
    written: Any, channels: Mapping[str, Channel], report: Reporter, at: KeyPath = ("notices",)
) -> dict[NoticeKind, tuple[str, ...]]:
    """Where an agent's notices go, by its checked `notices`: a list of channels, or a table of such lists by kind (what
    it does not name goes where the project's go)."""
    if written is None:
        return routes_of(channels)
    if isinstance(written, Mapping):
        own = {
            NoticeKind(kind): tuple(_known(names, channels, report, (*at, kind)))
            for kind, names in written.items()
            if isinstance(names, list)
        }
        return {**routes_of(channels), **own}
    names = _known(written, channels, report, at)
    return _among(channels[name] for name in names)


def _among(channels: Iterable[Channel]) -> dict[NoticeKind, tuple[str, ...]]:
    chosen = list(channels)
    routes = {kind: tuple(one.name for one in chosen if kind in one.kinds) for kind in NoticeKind}
    return {kind: names for kind, names in routes.items() if names}


def _known(names: list[str], channels: Mapping[str, Channel], report: Reporter, at: KeyPath) -> list[str]:
    for index, name in enumerate(names):
        if name not in channels:
            report.error((*at, index), unknown("notice channel", name, channels))
    return [name for name in dict.fromkeys(names) if name in channels]


def _kinds(written: list[str], report: Reporter, at: KeyPath) -> frozenset[NoticeKind]:
    for index, name in enumerate(written):
        if name not in set(NoticeKind):
            report.error((*at, index), unknown("kind of notice", name, NoticeKind))
    return frozenset(NoticeKind(name) for name in written if name in set(NoticeKind))


def _report_strangers(kind: ChannelType, values: Mapping[str, Any], report: Reporter, at: KeyPath) -> None:
    for key in KEYS:
        strange = any(key.name in own for own in _OWN_KEYS.values()) and key.name not in _OWN_KEYS[kind]
        if strange and values[key.name] not in (None, [], key.default):
            of = " and ".join(str(one) for one, own in _OWN_KEYS.items() if key.name in own)
            report.error((*at, key.name), f"is for {of}, not for {kind}")


def _has_address(kind: ChannelType, url: str | None, report: Reporter, at: KeyPath) -> bool:
    """Whether `url` is there where it must be, and can be used; else it is reported."""
    if "url" not in _OWN_KEYS[kind]:
        return True
    example = "https://ntfy.sh/my-topic" if kind is ChannelType.NTFY else "https://example.com/freehold"
    problem = f"is missing; write for example {example}" if not url else url_problem(url)
    if not problem and kind is ChannelType.NTFY and not _TOPIC.fullmatch(urlsplit(url or "").path):
        problem = f"must be the server and one topic, as in {example}"
    if problem:
        report.error((*at, "url"), problem)
    return not problem


def url_problem(url: str) -> str:
    """Why notices cannot be sent to this address; empty when they can. It is not repeated: it may be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host or any(character.isspace() for character in url):
        return "is not an address; it begins with https://"
    if parts.username is not None or parts.password is not None:
        return "holds a password; store it with `freehold creds add`, and name it as `credential`"
    if parts.scheme == "http" and host not in LOOPBACK:
        return "must begin with https://, so that nobody reads along; http:// is for this machine alone"
    return ""


def _mail(values: Mapping[str, Any], report: Reporter, at: KeyPath) -> Mail | None:
    problems = _mail_problems(values)
    for key, problem in problems:
        report.error((*at, *key), problem)
    if problems:
        return None
    security = values["security"]
    return Mail(
        to=tuple(dict.fromkeys(values["to"])),
        sender=values["from"],
        host=values["host"],
        port=values["port"] or _PORTS[security],
        security=security,
        username=values["username"] or "",
    )


def _mail_problems(values: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    found: list[tuple[KeyPath, str]] = [
        ((key,), f"is missing: {example}")
        for key, example in (("to", 'to = ["me@example.com"]'), ("from", "an address"), ("host", "the mail server"))
        if not values[key]
    ]
    addresses: list[tuple[KeyPath, str]] = [(("to", index), text) for index, text in enumerate(values["to"])]
    if values["from"]:
        addresses.append((("from",), values["from"]))
    found += [(key, f"{shown(text)} is not a mail address") for key, text in addresses if not _ADDRESS.fullmatch(text)]
    host = values["host"] or ""
    if host and host not in LOOPBACK and (problem := _host_problem(host)):
        found.append((("host",), problem))
    if values["security"] == "none" and host not in LOOPBACK:
        found.append((("security",), '"none" is for a mail server on this machine; others would read along'))
    if (values["port"] or 0) > 65535:
        found.append((("port",), f"must be at most 65535, not {values['port']}"))
    return found


def _host_problem(host: str) -> str:
    try:
        normalise_host(host)
    except ValueError as error:
        return str(error)
    return ""


def _credential(kind: ChannelType, written: str | None, report: Reporter, at: KeyPath) -> FieldRef | None:
    usual = _CREDENTIALS[kind]
    if not written:
        return usual if kind in _NEEDS_ONE else None
    try:
        reference = parse_field_ref(written)
    except ValueError as error:
        report.error(at, f"{shown(written)} {error}")
        return None
    if (reference.ref.type, reference.field) != (usual.ref.type, usual.field):
        wanted = f"{usual} or {usual.ref.type}:<instance>.{usual.field}"
        report.error(at, f"{shown(written)} is not what opens {kind}; write {wanted}")
        return None
    return reference
