"""Which paths of the model gateway exist: a table per provider family, and nothing beside it.

A path is matched as a whole and never copied: what goes upstream is put together from the table and the model's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.project.wire_formats import WireFormat

PREFIX = "/model/"


class Operation(StrEnum):
    GENERATE = "generate"
    COUNT = "count"
    """Count the tokens of a request: it costs nothing and counts as no turn."""
    LIST = "list"
    SHOW = "show"


@dataclass(frozen=True)
class Route:
    """What a request asks for. `model` and `streaming` are set where the path says them (Google)."""

    wire_format: WireFormat
    operation: Operation
    model: str = ""
    streaming: bool = False


@dataclass(frozen=True)
class _Entry:
    method: str
    path: re.Pattern[str]
    wire_format: WireFormat
    operation: Operation
    streaming: bool = False


_GOOGLE_MODEL = r"(?P<model>[A-Za-z0-9][A-Za-z0-9._-]*)"
_MODEL = r"(?P<model>[A-Za-z0-9][A-Za-z0-9._:@-]*(?:/[A-Za-z0-9][A-Za-z0-9._:@-]*)*)"


def _entry(
    method: str, path: str, wire_format: WireFormat, operation: Operation, *, streaming: bool = False
) -> _Entry:  # fmt: skip
    return _Entry(method, re.compile(path), wire_format, operation, streaming)


_ANTHROPIC, _CHAT, _RESPONSES, _GOOGLE = (
    WireFormat.ANTHROPIC_MESSAGES, WireFormat.OPENAI_CHAT, WireFormat.OPENAI_RESPONSES, WireFormat.GOOGLE,
)  # fmt: skip

TABLE: dict[str, tuple[_Entry, ...]] = {
    "anthropic": (
        _entry("POST", r"/v1/messages", _ANTHROPIC, Operation.GENERATE),
        _entry("POST", r"/v1/messages/count_tokens", _ANTHROPIC, Operation.COUNT),
        _entry("GET", r"/v1/models", _ANTHROPIC, Operation.LIST),
        _entry("GET", rf"/v1/models/{_MODEL}", _ANTHROPIC, Operation.SHOW),
    ),
    "openai": (
        _entry("POST", r"(?:/v1)?/chat/completions", _CHAT, Operation.GENERATE),
        _entry("POST", r"(?:/v1)?/responses", _RESPONSES, Operation.GENERATE),
        _entry("POST", r"(?:/v1)?/responses/input_tokens", _RESPONSES, Operation.COUNT),
        _entry("GET", r"(?:/v1)?/models", _CHAT, Operation.LIST),
        _entry("GET", rf"(?:/v1)?/models/{_MODEL}", _CHAT, Operation.SHOW),
    ),
    "google": (
        _entry("POST", rf"/v1(?:beta|alpha)?/models/{_GOOGLE_MODEL}:generateContent", _GOOGLE, Operation.GENERATE),
        _entry(
            "POST", rf"/v1(?:beta|alpha)?/models/{_GOOGLE_MODEL}:streamGenerateContent", _GOOGLE, Operation.GENERATE,
            streaming=True,
        ),
        _entry("POST", rf"/v1(?:beta|alpha)?/models/{_GOOGLE_MODEL}:countTokens", _GOOGLE, Operation.COUNT),
        _entry("GET", r"/v1(?:beta|alpha)?/models", _GOOGLE, Operation.LIST),
        _entry("GET", rf"/v1(?:beta|alpha)?/models/{_GOOGLE_MODEL}", _GOOGLE, Operation.SHOW),
    ),
}  # fmt: skip

FAMILY_FORMATS: dict[str, WireFormat] = {"anthropic": _ANTHROPIC, "openai": _CHAT, "google": _GOOGLE}
"""In whose words a family's errors are told when no route says it better."""


def family_of(raw_path: str) -> str:
    """`anthropic`, `openai`, `google`, or the empty string."""
    family = raw_path.removeprefix(PREFIX).partition("/")[0]
    return family if raw_path.startswith(PREFIX) and family in TABLE else ""


def find_route(method: str, raw_path: str, query: dict[str, str]) -> Route:
    """The route of a request. `raw_path` is as it was sent, percent signs included: none of ours has any.

    Raises `FreeholdError`: `NOT_FOUND` for a path that is not in the table, `DENIED` for a method that is not.
    """
    family = family_of(raw_path)
    path = raw_path.removeprefix(PREFIX + family)
    found = [(entry, match) for entry in TABLE.get(family, ()) if (match := entry.path.fullmatch(path))]
    if not found:
        raise FreeholdError(
            Code.NOT_FOUND, f"the model gateway does not pass {clipped(method)} {clipped(raw_path, 200)}",
            "it passes messages, chat completions, responses, generateContent, token counts and the list of models",
        )  # fmt: skip
    allowed = [(entry, match) for entry, match in found if entry.method == method]
    if not allowed:
        raise FreeholdError(
            Code.DENIED, f"the model gateway does not pass {clipped(method)} on {clipped(path, 200)}",
            f"use {found[0][0].method}",
        )  # fmt: skip
    entry, match = allowed[0]
    if entry.streaming and query.get("alt") != "sse":
        raise FreeholdError(
            Code.USAGE, "streamGenerateContent is passed as an event stream only", "add ?alt=sse to the request"
        )  # fmt: skip
    model = match.groupdict().get("model") or ""
    return Route(entry.wire_format, entry.operation, model, entry.streaming)
