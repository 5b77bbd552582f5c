"""Usage is read from what providers really send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.event_stream import EventStream
from freehold.models.reading import Reading
from freehold.models.tokens import Tokens
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat

CASES: list[tuple[str, WireFormat, list[Any], Tokens]] = [
    (
        "message_delta leaves out what message_start said",
        ANTHROPIC,
        [
            {"type": "message_start", "message": {"usage": {"input_tokens": 25, "cache_read_input_tokens": 900,
             "cache_creation_input_tokens": 70, "cache_creation": {"ephemeral_1h_input_tokens": 60},
             "output_tokens": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}},
            {"type": "message_stop"},
        ],
        Tokens(input=25, output=15, cache_read=900, cache_write=70, cache_write_1h=60),
    ),
    (
        "server-side compaction counts its iterations apart",
        ANTHROPIC,
        [
            {"type": "message_delta", "usage": {"input_tokens": 10, "output_tokens": 5, "iterations": [
                {"type": "compaction", "input_tokens": 180000, "output_tokens": 3500},
                {"type": "message", "input_tokens": 10, "output_tokens": 5}]}},
            {"type": "message_stop"},
        ],
        Tokens(input=180010, output=3505),
    ),
    (
        "searches of the provider are counted",
        ANTHROPIC,
        [{"type": "message_delta", "usage": {"output_tokens": 5, "server_tool_use": {"web_search_requests": 2}}},
         {"type": "message_stop"}],
        Tokens(output=5, web_searches=2),
    ),
    (
        "OpenAI counts cached tokens into the prompt",
        CHAT,
        [{"choices": [{"delta": {}, "finish_reason": "stop"}]},
         {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107,
          "prompt_tokens_details": {"cached_tokens": 60}}}],
        Tokens(input=40, output=7, cache_read=60),
    ),
    (
        "xAI leaves reasoning out of the completion",
        CHAT,
        [{"choices": [{"delta": {}, "finish_reason": "stop"}],
          "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 307}}],
        Tokens(input=100, output=207),
    ),
    (
        "Groq hides it under a name of its own",
        CHAT,
        [{"choices": [{"delta": {}, "finish_reason": "stop"}],
          "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}],
        Tokens(input=3, output=4),
    ),
    (
        "responses tell at the end, cache writes included",
        RESPONSES,
        [{"type": "response.created", "response": {"usage": None}},
         {"type": "response.completed", "response": {"usage": {"input_tokens": 50, "output_tokens": 9,
          "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 10}, "total_tokens": 59}}}],
        Tokens(input=20, output=9, cache_read=20, cache_write=10),
    ),
    (
        "Google counts thoughts apart, and every chunk counts anew",
        GOOGLE,
        [{"candidates": [], "usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": 1}},
         {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 30,
          "cachedContentTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 80}}],
        Tokens(input=20, output=85, cache_read=10),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wire_format", "events", "tokens"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_usage_of_a_stream(wire_format: WireFormat, events: list[Any], tokens: Tokens) -> None:
    reading = Reading()
    for event in events:
        reading.take_event(wire_format, json.dumps(event).encode())
    assert (reading.tokens, reading.finished, reading.error) == (tokens, True, "")


def chat_usage(read: object, written: object) -> dict[str, object]:
    return {"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": written}}


LIES: list[tuple[str, WireFormat, list[Any], Tokens | None]] = [
    ("negative", CHAT, [chat_usage(-100, -5)], None),
    ("nothing at all", CHAT, [chat_usage(0, 0)], None),
    ("no numbers", CHAT, [chat_usage("100", True)], None),
    ("more than there can be", CHAT, [chat_usage(10**40, 5)], Tokens(input=10**9, output=5)),
    ("twice, and less", CHAT, [chat_usage(100, 50), chat_usage(1, 1)], Tokens(input=100, output=50)),
    ("twice, and more", CHAT, [chat_usage(1, 1), chat_usage(100, 50)], Tokens(input=100, output=50)),
    ("taken back", CHAT, [chat_usage(100, 50), chat_usage(0, 0)], Tokens(input=100, output=50)),
    ("a list", RESPONSES, [{"response": {"usage": [{"input_tokens": 5}]}}], None),
    ("taken back", RESPONSES, [{"response": {"usage": {"input_tokens": 9, "output_tokens": 9}}},
                               {"response": {"usage": {"input_tokens": 1}}}], Tokens(input=9, output=9)),
    ("taken back", GOOGLE, [{"usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": 9}},
                            {"usageMetadata": {"promptTokenCount": 1}}], Tokens(input=30, output=9)),
    ("taken back", ANTHROPIC, [
        {"type": "message_start", "message": {"usage": {"input_tokens": 1000, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"input_tokens": 0, "output_tokens": 20}}], Tokens(input=1000, output=20)),
    ("corrected", ANTHROPIC, [
        {"type": "message_start", "message": {"usage": {"input_tokens": 1000, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"input_tokens": 200, "cache_read_input_tokens": 900, "output_tokens": 9}}],
        Tokens(input=200, output=9, cache_read=900)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wire_format", "events", "tokens"), [case[1:] for case in LIES], ids=[f"{case[1]}: {case[0]}" for case in LIES]
)
def test_what_a_provider_may_not_say_of_usage(
    wire_format: WireFormat, events: list[Any], tokens: Tokens | None
) -> None:  # fmt: skip
    reading = Reading()
    for event in events:
        reading.take_event(wire_format, json.dumps(event).encode())
    assert reading.tokens == tokens


def test_an_event_of_too_many_parts_is_not_read() -> None:
    reading = Reading()
    assert reading.take_event(CHAT, b'{"a": [' + b"[]," * 300_000 + b"[]]}") is None
    assert reading.unreadable == 1


@pytest.mark.parametrize("wire_format", list(WireFormat))
@pytest.mark.parametrize("streaming", [True, False])
def test_every_writer_is_read_back(wire_format: WireFormat, streaming: bool) -> None:
    call = SpokenCall("call_1", "bash", {"command": "ls"})
    tokens = Tokens(input=11, output=7, cache_read=5)
    speech = Speech("1", "m", ("Hello", " world"), call, tokens)
    reading, events = Reading(), EventStream()
    if streaming:
        data = b"".join(WRITERS[wire_format].events(speech))
        for payload in events.feed(data).payloads:
            reading.take_event(wire_format, payload)
        assert reading.text_bytes >= len("Hello world")
    else:
        reading.take_body(wire_format, WRITERS[wire_format].whole(speech))
    assert (reading.tokens, reading.finished) == (tokens, True)


@pytest.mark.parametrize(
    ("wire_format", "event", "words", "kind"),
    [
        (ANTHROPIC, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "busy",
         "overloaded_error"),
        (CHAT, {"error": {"message": "no", "type": "requests", "code": "rate_limit_exceeded"}}, "no",
         "rate_limit_exceeded"),
        (RESPONSES, {"type": "error", "code": "server_error", "message": "bad"}, "bad", "server_error"),
        (RESPONSES, {"type": "response.failed", "response": {"error": {"code": "x", "message": "y"}}}, "y", "x"),
        (GOOGLE, {"error": {"code": 429, "message": "much", "status": "RESOURCE_EXHAUSTED"}}, "much",
         "RESOURCE_EXHAUSTED"),
    ],
)  # fmt: skip
def test_errors_inside_a_stream(wire_format: WireFormat, event: Any, words: str, kind: str) -> None:
    reading = Reading()
    reading.take_event(wire_format, json.dumps(event).encode())
    assert reading.error == words
    assert kind in reading.error_kinds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "type", "usage", "message", "delta", "choices", "response", "candidates", "usageMetadata", "error", "parts",
        "content", "input_tokens", "output_tokens", "iterations", "tool_calls", "function", "prompt_tokens",
    ]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(list(WireFormat)), json_values)
def test_no_shape_of_json_breaks_the_reader(wire_format: WireFormat, value: Any) -> None:
    reading = Reading()
    reading.take_event(wire_format, json.dumps(value).encode())
    if isinstance(value, dict):
        reading.take_body(wire_format, value)


@given(st.binary(max_size=30))
def test_garbage_is_counted_not_raised(data: bytes) -> None:
    Reading().take_event(CHAT, data)


def test_what_is_no_json_is_counted() -> None:
    reading = Reading()
    assert reading.take_event(CHAT, b"{nonsense") is None
    assert reading.unreadable == 1
