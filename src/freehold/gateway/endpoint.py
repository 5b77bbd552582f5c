"""An endpoint of the API as data: what serves it, what may ask it, and what its document says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.access import Actor
from freehold.gateway.project_service import ProjectService
from freehold.store.api_keys import Scope

Body = TypeVar("Body")
Handler = Callable[["Asked"], Awaitable[object]]

LARGEST_PAGE = 500


@dataclass(frozen=True)
class Asked:
    """One request, checked: who asks is known and may. `path` and `query` are decoded."""

    service: ProjectService
    actor: Actor
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes = b""

    def body(self, kind: type[Body]) -> Body:
        """The JSON body; an empty one is `{}`. Raises PROTOCOL, saying what is expected."""
        try:
            return msgspec.json.decode(self.raw_body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            fields = ", ".join(getattr(kind, "__struct_fields__", ()))
            raise FreeholdError(
                Code.PROTOCOL, f"the body is not what is expected: {error}", f"JSON with: {fields}"
            ) from None

    def number(self, name: str, default: int, most: int = LARGEST_PAGE) -> int:
        """A number in the query, at least 1 and at most `most`. Raises USAGE."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
            raise FreeholdError(Code.USAGE, f"{name} is a number from 1 to {most}, not {text[:40]!r}")
        return int(text)


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
