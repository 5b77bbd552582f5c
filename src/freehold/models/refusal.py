"""How the gateway says no: a `FreeholdError` in the words of the wire format that the harness understands."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.project.wire_formats import WireFormat


@dataclass(frozen=True)
class Refusal:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Words:
    """What a kind of failure is called: HTTP status, and the `type` or `status` of each family's error object."""

    status: int
    anthropic: str
    openai: str
    google: str
    openai_code: str | None = None


_FAILURE = _Words(500, "api_error", "server_error", "INTERNAL")
_WORDS: dict[Code, _Words] = {
    Code.USAGE: _Words(400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    Code.PROTOCOL: _Words(400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    Code.CONFIG: _Words(400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    Code.REHEARSAL: _Words(400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    # Not 402 or 429, although they would say it better: docs/why/spent-budget-is-400.md.
    Code.BUDGET: _Words(400, "invalid_request_error", "insufficient_quota", "FAILED_PRECONDITION", "budget_spent"),
    Code.DENIED: _Words(403, "permission_error", "invalid_request_error", "PERMISSION_DENIED", "not_allowed"),
    Code.CREDENTIAL: _Words(403, "permission_error", "invalid_request_error", "PERMISSION_DENIED", "no_key"),
    Code.NOT_FOUND: _Words(404, "not_found_error", "invalid_request_error", "NOT_FOUND", "not_found"),
    Code.TOO_LARGE: _Words(413, "request_too_large", "invalid_request_error", "INVALID_ARGUMENT", "too_large"),
    Code.RATE_LIMITED: _Words(429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", "rate_limit_exceeded"),
    Code.UPSTREAM: _Words(502, "api_error", "server_error", "UNAVAILABLE"),
    Code.UNREACHABLE: _Words(502, "api_error", "server_error", "UNAVAILABLE"),
    Code.TIMEOUT: _Words(504, "timeout_error", "server_error", "DEADLINE_EXCEEDED"),
}
_WORTH_ANOTHER_TRY = frozenset({Code.UPSTREAM, Code.UNREACHABLE, Code.TIMEOUT})


def refuse(wire_format: WireFormat, error: FreeholdError) -> Refusal:
    """The whole answer: status, JSON body, and `x-should-retry`, which the SDKs of Anthropic and OpenAI heed."""
    headers = {"content-type": "application/json"}
    if error.code not in _WORTH_ANOTHER_TRY:
        headers["x-should-retry"] = "false"
    return Refusal(_words(error).status, msgspec.json.encode(error_object(wire_format, error)), headers)


def refuse_midway(wire_format: WireFormat, error: FreeholdError) -> bytes:
    """The event that ends a stream whose head has already gone out."""
    body = msgspec.json.encode(error_object(wire_format, error))
    if wire_format is WireFormat.ANTHROPIC_MESSAGES:
        return b"event: error\ndata: " + body + b"\n\n"
    if wire_format is WireFormat.OPENAI_RESPONSES:
        words = _words(error)
        event = {"type": "error", "code": words.openai_code or words.openai, "message": _text(error), "param": None}
        return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
    return b"data: " + body + b"\n\n"


def error_object(wire_format: WireFormat, error: FreeholdError) -> dict[str, object]:
    words, text = _words(error), _text(error)
    if wire_format is WireFormat.ANTHROPIC_MESSAGES:
        return {"type": "error", "error": {"type": words.anthropic, "message": text}}
    if wire_format is WireFormat.GOOGLE:
        return {"error": {"code": words.status, "message": text, "status": words.google}}
    return {"error": {"message": text, "type": words.openai, "param": None, "code": words.openai_code}}


def _words(error: FreeholdError) -> _Words:
    return _WORDS.get(error.code, _FAILURE)


def _text(error: FreeholdError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message
