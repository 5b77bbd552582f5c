"""An endpoint of the API as data: what serves it, what may ask it, and what its document says."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from freehold.base.errors import Code, FreeholdError
from freehold.base.nesting import DEEPEST, is_too_deep
from freehold.gateway.access import Actor
from freehold.gateway.gateway import Gateway
from freehold.gateway.project_service import ProjectService
from freehold.store import audit
from freehold.store.api_keys import Scope

Body = TypeVar("Body")
Handler = Callable[["Asked"], Awaitable[object]]

_logger = logging.getLogger(__name__)

LARGEST_PAGE = 500
LONGEST_VALUE = 500
"""Characters of one value in a query."""


@dataclass(frozen=True)
class Asked:
    """One request, checked: who asks is known and may. `path` and `query` are decoded; header names lower-case."""

    gateway: Gateway
    actor: Actor
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes = b""

    def __post_init__(self) -> None:
        """Raises NOT_FOUND for a name in the path that nothing of ours can have: PostgreSQL takes no zero byte."""
        if any(len(value) > LONGEST_VALUE or "\0" in value for value in self.path.values()):
            raise FreeholdError(Code.NOT_FOUND, "there is nothing at this address")

    @property
    def service(self) -> ProjectService:
        return self.gateway.service

    def body(self, kind: type[Body]) -> Body:
        """The JSON body; an empty one is `{}`. Raises PROTOCOL, saying what is expected."""
        raw = self.raw_body or b"{}"
        try:
            told = msgspec.json.decode(raw)
            too_deep = is_too_deep(told)
            body = msgspec.convert(_whole_numbers(told), kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            fields = ", ".join(getattr(kind, "__struct_fields__", ()))
            raise FreeholdError(
                Code.PROTOCOL, f"the body is not what is expected: {error}", f"JSON with: {fields}"
            ) from None
        if too_deep:
            raise FreeholdError(Code.PROTOCOL, f"the body is nested in more than {DEEPEST} levels", "Make it flatter.")
        return body

    def text(self, name: str) -> str:
        """A value of the query, empty where there is none. Raises USAGE for one that no database takes."""
        value = self.query.get(name, "")
        if len(value) > LONGEST_VALUE or "\0" in value:
            raise FreeholdError(Code.USAGE, f"{name} has at most {LONGEST_VALUE} characters, none of them a zero byte")
        return value

    def number(self, name: str, default: int, most: int = LARGEST_PAGE, least: int = 1) -> int:
        """A number in the query, from `least` to `most`. Raises USAGE."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not least <= int(text[:18]) <= most:
            raise FreeholdError(Code.USAGE, f"{name} is a number from {least} to {most}, not {text[:40]!r}")
        return int(text)

    def moment(self, name: str) -> datetime | None:
        """A moment in the query. Raises USAGE."""
        return self.as_moment(name, self.text(name))

    def as_moment(self, name: str, text: str) -> datetime | None:
        """None for the empty text. Raises USAGE, which names the value `name`."""
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise FreeholdError(Code.USAGE, f"{name} is no moment", "RFC 3339, for example 2026-11-21T09:00:00.000Z")
        return found

    def noted(self, action: str, target: str = "", **detail: Any) -> Callable[[Connection], None]:
        """Writes into the audit that the one who asks did this: for the transaction in which it is done."""
        actor, now = self.actor, self.service.clock.now()
        return lambda connection: audit.note(connection, actor.name, action, now, target, detail, actor.address)

    async def note(self, action: str, target: str = "", **detail: Any) -> None:
        """The same, by itself: before what is not done in the database is asked for."""
        await self.service.database.write(self.noted(action, target, **detail))

    async def note_if_possible(self, action: str, target: str = "", **detail: Any) -> None:
        """The same, for what ends something: that must be heard while the database cannot be written, too. It is in the
        log then."""
        try:
            await self.note(action, target, **detail)
        except FreeholdError as error:
            if error.code not in (Code.DISK, Code.UNREACHABLE):
                raise
            told = {"action": action, "actor": self.actor.name, "target": target, "address": self.actor.address}
            _logger.warning("a change is not in the audit", extra={**told, "why": error.message})


def _whole_numbers(told: Any) -> Any:
    """`3.0` is a whole number to JSON Schema, and so to whoever reads our document."""
    if not isinstance(told, dict):
        return told
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in told.items()
    }


@dataclass(frozen=True)
class Endpoint:
    """`path` is below `/api/v1`. `body` and `answer` are what the document says of them; None: there is none.

    `handle` returns what is sent as JSON, or a Starlette response as it is.
    """

    method: str
    path: str
    scope: Scope
    summary: str
    handle: Handler
    body: Any = None
    answer: Any = None
    query: tuple[str, ...] = ()
    status: int = 200
    tags: tuple[str, ...] = field(default=())
