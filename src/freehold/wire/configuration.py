"""What of a project's files is at work: the answer of `GET /configuration`. Names and references, never values."""

from __future__ import annotations

import msgspec


class LoadedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """`revision` is the version of the files that its runs are begun from: another one than the project's where an edit
    has errors, which `error` tells; empty where none of its versions is sound. `credentials` as `type:instance`."""

    name: str
    revision: str = ""
    goes_on: bool = False
    """A version before the edit with errors is at work."""
    models: list[str] = []
    credentials: list[str] = []
    triggers: list[str] = []
    harness: str = ""
    engine: str = ""
    network: str = ""
    calls: list[str] | None = None
    """The agents that it may call; null: all of them."""
    scale: int = 0
    timeout_s: int = 0
    warnings: list[str] = []
    error: str = ""
    hint: str = ""


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """`credential` opens it; empty where none is needed. `host` answers; empty for rehearsals."""

    name: str
    provider: str
    model: str
    host: str
    credential: str = ""


class LoadedChannel(msgspec.Struct, frozen=True):
    """A webhook source, a channel of notices or an MCP server, by name and type. Of a webhook source, `address` is
    where its sender sends to, empty while that is not known, and `unsigned` says that it takes deliveries without a
    signature."""

    name: str
    type: str
    credential: str = ""
    address: str = ""
    unsigned: bool = False


class LoadedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` are the names of those that are stored; none: it is not stored at all. `needed` is false where what
    names it does without, as a webhook source that takes unsigned deliveries."""

    name: str
    used_by: list[str]
    fields: list[str]
    needed: bool = True


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """`revision` is the version of the project's files that serves, since when it does; null where no versions are
    kept. `error` says why an edit of the project's own files is not taken over; the version before goes on then.
    `release` is the one that was looked at last, where a push put the project there."""

    project: str
    version: str
    environment: str
    revision: str
    since: str | None
    agents: list[LoadedAgent]
    models: list[LoadedModel]
    webhooks: list[LoadedChannel]
    notices: list[LoadedChannel]
    mcp: list[LoadedChannel]
    credentials: list[LoadedCredential]
    warnings: list[str]
    release: str = ""
    error: str = ""
    hint: str = ""
