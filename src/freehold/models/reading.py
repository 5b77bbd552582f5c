"""Reading an answer as it passes: usage, whether it is whole, and what went wrong; a table of readers by wire format.

The field names are the providers' own (their API references, November 2026). Whatever has another shape than expected
is passed over: an answer is the harness's to judge, ours only to count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from freehold.models.admission import has_too_many_parts
from freehold.models.tokens import Tokens
from freehold.project.wire_formats import WireFormat

Json = dict[str, Any]

_LARGEST_COUNT = 1_000_000_000
"""No answer has so many tokens; a ledger keeps numbers of 64 bits."""
_TIER_KEYS = ("service_tier", "speed")


@dataclass
class Reading:
    """What is known of one answer so far. `tokens` is None until the provider said something."""

    tokens: Tokens | None = None
    finished: bool = False
    error: str = ""
    """In the provider's words, whole: cut them once a key in them was blacked out, or half of it stays."""
    error_kinds: frozenset[str] = frozenset()
    """What the error object calls itself: its type, code and status."""
    text_bytes: int = 0
    """Bytes of everything the model wrote: text, thoughts, arguments of tools. For answers that are cut short."""
    context: dict[str, str] = field(default_factory=dict)
    """What chose the price: `service_tier`, `speed`."""
    unreadable: int = 0

    def take_event(self, wire_format: WireFormat, payload: bytes) -> Json | None:
        """Read one event of a stream; its JSON, or None when it is none."""
        if payload.strip() == b"[DONE]":
            self.finished = True
            return None
        try:
            event = None if has_too_many_parts(payload) else msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.unreadable += 1
            return None
        _STREAM_READERS[wire_format](self, event)
        return event

    def take_tokens(self, told: Tokens) -> None:
        """Keep what a provider says of its usage. Counts grow with the answer: one that is smaller than the one before
        takes nothing back, and one of nothing at all is none."""
        if told.total and (self.tokens is None or told.total >= self.tokens.total):
            self.tokens = told

    def take_error(self, error: object) -> None:
        """Read an error object of any of the formats: its words and its kind."""
        table = _table(error)
        self.error = str(table.get("message") or error or "the provider reported an error")
        self.error_kinds = frozenset(str(table[key]) for key in ("type", "code", "status") if table.get(key))

    def take_body(self, wire_format: WireFormat, body: Json) -> None:
        """Read a whole answer."""
        if wire_format is WireFormat.ANTHROPIC_MESSAGES:
            _anthropic_usage(self, body.get("usage"))
        elif wire_format is WireFormat.GOOGLE:
            _google(self, body)
        elif wire_format is WireFormat.OPENAI_CHAT:
            _chat(self, body)
        else:
            _responses_usage(self, body)
        self.finished = True


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _count(table: Json, *names: str) -> int:
    """The first of `names` that holds a count."""
    for name in names:
        value = table.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return min(value, _LARGEST_COUNT)
    return 0


def _length(value: object) -> int:
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else 0


def _keep_context(reading: Reading, table: Json) -> None:
    for key in _TIER_KEYS:
        if isinstance(table.get(key), str):
            reading.context[key] = table[key]


def _anthropic(reading: Reading, event: Json) -> None:
    kind = event.get("type")
    if kind == "message_start":
        _anthropic_usage(reading, _table(event.get("message")).get("usage"))
    elif kind == "content_block_delta":
        delta = _table(event.get("delta"))
        reading.text_bytes += sum(_length(delta.get(name)) for name in ("text", "partial_json", "thinking"))
    elif kind == "message_delta":
        _anthropic_usage(reading, event.get("usage"))
    elif kind == "message_stop":
        reading.finished = True
    elif kind == "error":
        reading.take_error(event.get("error"))


def _anthropic_usage(reading: Reading, usage: object) -> None:
    """Counts are cumulative, and `message_delta` may leave out what `message_start` said."""
    table = _table(usage)
    if not table:
        return
    _keep_context(reading, table)
    before = reading.tokens or Tokens()
    # With server-side compaction the sums at the top leave the extra iterations out; the list has them all.
    parts = _tables(table.get("iterations")) or [table]

    def total(name: str) -> int:
        return max(_count(table, name), sum(_count(part, name) for part in parts))

    creation = _table(table.get("cache_creation"))
    server_tools = _table(table.get("server_tool_use"))
    told = Tokens(
        input=total("input_tokens") if "input_tokens" in table else before.input,
        output=max(before.output, total("output_tokens")),
        cache_read=max(before.cache_read, total("cache_read_input_tokens")),
        cache_write=max(before.cache_write, total("cache_creation_input_tokens")),
        cache_write_1h=max(before.cache_write_1h, _count(creation, "ephemeral_1h_input_tokens")),
        web_searches=max(before.web_searches, _count(server_tools, "web_search_requests")),
    )
    reading.take_tokens(replace(told, input=before.input) if told.total < before.total else told)


def _chat(reading: Reading, chunk: Json) -> None:
    _keep_context(reading, chunk)
    if chunk.get("error"):
        reading.take_error(chunk["error"])
    for choice in _tables(chunk.get("choices")):
        if choice.get("finish_reason"):
            reading.finished = True
        delta = _table(choice.get("delta"))
        reading.text_bytes += sum(_length(delta.get(name)) for name in ("content", "reasoning_content", "reasoning"))
        for call in _tables(delta.get("tool_calls")):
            reading.text_bytes += _length(_table(call.get("function")).get("arguments"))
    usage = _table(chunk.get("usage")) or _table(_table(chunk.get("x_groq")).get("usage"))
    if usage:
        details = _table(usage.get("prompt_tokens_details"))
        read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        reading.take_tokens(_openai_tokens(read, written, details, usage))


def _responses(reading: Reading, event: Json) -> None:
    kind = str(event.get("type"))
    if kind in ("response.completed", "response.incomplete", "response.failed"):
        reading.finished = True
    if kind == "response.failed":
        reading.take_error(_table(event.get("response")).get("error"))
    if kind == "error":
        reading.take_error(event.get("error") or event)
    if kind.endswith(".delta"):
        reading.text_bytes += _length(event.get("delta"))
    _responses_usage(reading, _table(event.get("response")))


def _responses_usage(reading: Reading, response: Json) -> None:
    _keep_context(reading, response)
    usage = _table(response.get("usage"))
    if usage:
        details = _table(usage.get("input_tokens_details"))
        read, written = _count(usage, "input_tokens"), _count(usage, "output_tokens")
        reading.take_tokens(_openai_tokens(read, written, details, usage))


def _openai_tokens(read: int, written: int, details: Json, usage: Json) -> Tokens:
    """OpenAI's count of input includes what the cache gave; ours does not.

    Some (xAI) leave reasoning out of the output and count it in the total only.
    """
    written = max(written, _count(usage, "total_tokens") - read)
    cached = min(read, _count(details, "cached_tokens") or _count(usage, "cached_tokens", "prompt_cache_hit_tokens"))
    stored = min(read - cached, _count(details, "cache_write_tokens"))
    return Tokens(input=read - cached - stored, output=written, cache_read=cached, cache_write=stored)


def _google(reading: Reading, chunk: Json) -> None:
    if chunk.get("error"):
        reading.take_error(chunk["error"])
    for candidate in _tables(chunk.get("candidates")):
        if candidate.get("finishReason"):
            reading.finished = True
        for part in _tables(_table(candidate.get("content")).get("parts")):
            arguments = _table(part.get("functionCall")).get("args")
            reading.text_bytes += _length(part.get("text")) + (len(str(arguments)) if arguments else 0)
    if _table(chunk.get("promptFeedback")).get("blockReason"):
        reading.finished = True
    usage = _table(chunk.get("usageMetadata"))
    if usage:
        cached = _count(usage, "cachedContentTokenCount")
        reading.take_tokens(
            Tokens(
                input=max(0, _count(usage, "promptTokenCount") - cached) + _count(usage, "toolUsePromptTokenCount"),
                output=_count(usage, "candidatesTokenCount") + _count(usage, "thoughtsTokenCount"),
                cache_read=cached,
            )
        )
        if isinstance(usage.get("serviceTier"), str):
            reading.context["service_tier"] = usage["serviceTier"].lower()


_STREAM_READERS: dict[WireFormat, Callable[[Reading, Json], None]] = {
    WireFormat.ANTHROPIC_MESSAGES: _anthropic,
    WireFormat.OPENAI_CHAT: _chat,
    WireFormat.OPENAI_RESPONSES: _responses,
    WireFormat.GOOGLE: _google,
}
