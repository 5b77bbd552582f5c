"""A request understood: what it asks, how large it may become, and how it is written anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.models.call import ModelCall, named_models, parse_call, upstream_body
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
TOOLS = [{"type": "function", "function": {"name": "bash"}}]


def call_of(wire_format: WireFormat, body: dict[str, Any], **route: Any) -> ModelCall:
    if wire_format is GOOGLE:
        route.setdefault("model", "m")
    else:
        body = {"model": "m", **body}
    return parse_call(Route(wire_format, Operation.GENERATE, **route), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "names no model"),
        (b'{"model": 5}', "names no model"),
        (b'{"model": ""}', "names no model"),
        (b'{"model": "' + b"m" * 201 + b'"}', "model of 201 characters"),
        (b'{"model": "m", "stream": 1}', "stream is neither"),
        (b'{"model": "m", "stream": "true"}', "stream is neither"),
        (b'{"model": "m", "n": 3.0}', "n is no whole number"),
        (b'{"model": "m", "n": "3"}', "n is no whole number"),
        (b'{"model": "m", "n": true}', "n is no whole number"),
        (b'{"model": "m", "n": 1000000000000}', "n is no whole number"),
        (b'{"model": "m", "generationConfig": {"candidateCount": "8"}}', "candidateCount is no whole number"),
        (b'{"model": "m", "generation_config": {"candidate_count": 8.0}}', "candidate_count is no whole number"),
    ],
)
def test_what_is_no_request(data: bytes, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as failure:
        parse_call(Route(ANTHROPIC, Operation.GENERATE), data)
    assert failure.value.code is Code.PROTOCOL


def test_two_spellings_of_one_key_are_refused() -> None:
    body = {"generationConfig": {"maxOutputTokens": 1}, "generation_config": {"maxOutputTokens": 99}}
    with pytest.raises(FreeholdError, match="twice"):
        call_of(GOOGLE, body)


@pytest.mark.parametrize(
    ("wire_format", "body", "expected"),
    [
        (CHAT, {}, False),
        (CHAT, {"tools": []}, False),
        (CHAT, {"tools": TOOLS}, True),
        (CHAT, {"tools": TOOLS, "tool_choice": "none"}, False),
        (CHAT, {"functions": [{"name": "f"}]}, True),
        (ANTHROPIC, {"tools": [{"name": "Bash"}], "tool_choice": {"type": "auto"}}, True),
        (ANTHROPIC, {"tools": [{"name": "Bash"}], "tool_choice": {"type": "none"}}, False),
        (GOOGLE, {"tools": [{"functionDeclarations": [{"name": "f"}]}]}, True),
        (GOOGLE, {"tools": [{"function_declarations": [{"name": "f"}]}]}, True),
        (GOOGLE, {"tools": [{"googleSearch": {}}]}, False),
        (GOOGLE, {"tools": {"functionDeclarations": [{"name": "f"}]}}, True),
    ],
)
def test_whether_it_is_a_turn(wire_format: WireFormat, body: dict[str, Any], expected: bool) -> None:
    assert call_of(wire_format, body).turn is expected


@pytest.mark.parametrize(
    ("wire_format", "body", "most"),
    [
        (ANTHROPIC, {"max_tokens": 100}, 100),
        (ANTHROPIC, {}, None),
        (CHAT, {"max_tokens": 5, "max_completion_tokens": 9}, 9),
        (CHAT, {"max_tokens": True}, 1),
        (CHAT, {"max_tokens": -1}, None),
        (CHAT, {"max_tokens": 10**30}, 10_000_000),
        (RESPONSES, {"max_output_tokens": 7}, 7),
        (GOOGLE, {"generationConfig": {"maxOutputTokens": 8}}, 8),
        (GOOGLE, {"generation_config": {"maxOutputTokens": 8, "max_output_tokens": 80}}, 80),
    ],
)
def test_the_longest_answer(wire_format: WireFormat, body: dict[str, Any], most: int | None) -> None:
    assert call_of(wire_format, body).most_output == most


@pytest.mark.parametrize(
    ("wire_format", "body", "answers"),
    [
        (CHAT, {}, 1),
        (CHAT, {"n": 3}, 3),
        (GOOGLE, {"generationConfig": {"candidateCount": 4}}, 4),
        (CHAT, {"n": -2}, 1),
    ],
)
def test_how_many_answers(wire_format: WireFormat, body: dict[str, Any], answers: int) -> None:
    assert call_of(wire_format, body).answers == answers


@pytest.mark.parametrize(("wire_format", "name"), [(CHAT, "\x1b" + "m" * 10**6), (GOOGLE, "m" * 8000)])
def test_a_long_name_is_not_repeated(wire_format: WireFormat, name: str) -> None:
    with pytest.raises(FreeholdError) as failure:
        call_of(wire_format, {"model": name}, **({"model": name} if wire_format is GOOGLE else {}))
    assert len(failure.value.message) < 200
    assert failure.value.message.isprintable()
    assert call_of(CHAT, {"model": "m" * 200}).model == "m" * 200


@pytest.mark.parametrize(
    "data",
    [
        b'{"model": "m", "cache_control": {"type": "ephemeral", "ttl": "1h"}}',
        b'{"model": "m", "system": [{"type": "text", "cache_control" : {"type": "ephemeral"}}]}',
        b'{"model": "m", "system": [{"type": "text", "cache\\u005fcontrol": {"type": "ephemeral"}}]}',
        b'{"model": "m", "tools": [{"input_schema": {}, "\\u0063ache_control": null}]}',
    ],
)
def test_a_cache_is_found_however_it_is_written(data: bytes) -> None:
    assert parse_call(Route(ANTHROPIC, Operation.GENERATE), data).caches


@pytest.mark.parametrize(
    ("body", "context"),
    [
        ({}, {}),
        ({"service_tier": "Priority", "speed": "fast"}, {"service_tier": "priority", "speed": "fast"}),
        ({"serviceTier": 3}, {"service_tier": "3"}),
        ({"service_tier": None, "serviceTier": "PRIORITY"}, {"service_tier": "priority"}),
    ],
)
def test_what_chooses_the_price(body: dict[str, Any], context: dict[str, str]) -> None:
    assert call_of(GOOGLE, body).price_context == context


def test_a_text_about_caches_asks_for_none() -> None:
    assert not call_of(ANTHROPIC, {"messages": [{"role": "user", "content": '{"cache_control": 1}'}]}).caches


def test_the_path_alone_names_googles_model() -> None:
    call = call_of(GOOGLE, {"model": "models/dearer", "contents": []})
    assert json.loads(upstream_body(call, "m")) == {"contents": []}


@pytest.mark.parametrize(
    ("text", "most"),
    [("x" * 100_000, 50_000), ("1" * 100_000, 100_000), ("?A" * 50_000, 100_000), ("\U000e0001" * 25_000, 100_000)],
)
def test_the_worst_case_of_the_input_is_told_by_its_bytes(text: str, most: int) -> None:
    data = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode()
    assert most <= parse_call(Route(CHAT, Operation.GENERATE), data).most_input() <= most + 100


def test_what_an_answer_does_not_say_is_likely_less() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4_000_000}}
    call = call_of(CHAT, {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 40_000}, image]}]})
    assert 114_000 < call.likely_input() < 116_000
    assert call.likely_input() < call.most_input() < 130_000


@pytest.mark.parametrize(
    ("wire_format", "content"),
    [
        (ANTHROPIC, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}}),
        (CHAT, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}),
        (GOOGLE, {"inlineData": {"mimeType": "image/png", "data": "A" * 400_000}}),
    ],
)
def test_an_image_is_not_counted_as_text(wire_format: WireFormat, content: dict[str, Any]) -> None:
    call = call_of(wire_format, {"messages": [{"role": "user", "content": [content]}]})
    assert 5_000 < call.most_input() < 16_000


def test_text_that_claims_to_be_an_attachment_is_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x" * 100_000}
    call = call_of(ANTHROPIC, {"messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]})
    assert call.most_input() >= 50_000


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, []),
        ({"models": ["a", "b"]}, ["a", "b"]),
        ({"fallbacks": [{"model": "c"}]}, ["c"]),
        ({"fallbacks": "default"}, ["default"]),
        ({"fallbacks": [{"model": {"a": "b"}}]}, ["a model that is no text (dict)"]),
    ],
)
def test_further_models_are_found(body: dict[str, Any], named: list[str]) -> None:
    assert named_models(body) == named


def test_a_key_given_twice_goes_upstream_once() -> None:
    """A second reader that keeps the first of two equal keys would otherwise see tools that were never checked."""
    data = b'{"model": "m", "tools": [{"type": "web_search"}], "tools": []}'
    call = parse_call(Route(CHAT, Operation.GENERATE), data)
    assert json.loads(upstream_body(call, "m")) == {"model": "m", "tools": []}
    assert upstream_body(call, "m").count(b"tools") == 1


def test_the_model_is_named_as_its_provider_does() -> None:
    call = call_of(ANTHROPIC, {"messages": [], "temperature": 0.1, "big": 2**70})
    written = json.loads(upstream_body(call, "claude-x"))
    assert written == {"model": "claude-x", "messages": [], "temperature": 0.1, "big": 2**70}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"stream": True}, {"include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": False, "x": 1}}, {"include_usage": True, "x": 1}),
        ({"stream": False}, None),
        ({}, None),
    ],
)
def test_streams_are_asked_for_their_usage(body: dict[str, Any], expected: object) -> None:
    written = json.loads(upstream_body(call_of(CHAT, body), "m", include_usage=True))
    assert written.get("stream_options") == expected


@pytest.mark.parametrize(
    ("wire_format", "body", "key", "expected"),
    [
        (ANTHROPIC, {"max_tokens": 64000}, "", {"max_tokens": 500}),
        (CHAT, {}, "", {"max_completion_tokens": 500}),
        (CHAT, {}, "max_tokens", {"max_tokens": 500}),
        (CHAT, {"max_tokens": 9000}, "", {"max_tokens": 500}),
        (RESPONSES, {}, "", {"max_output_tokens": 500}),
        (GOOGLE, {"generationConfig": {"topK": 1}}, "", {"generationConfig": {"topK": 1, "maxOutputTokens": 500}}),
        (GOOGLE, {"generation_config": {"max_output_tokens": 9}}, "",
         {"generation_config": {"max_output_tokens": 500}}),
        (GOOGLE, {}, "", {"generationConfig": {"maxOutputTokens": 500}}),
    ],
)  # fmt: skip
def test_answers_can_be_bounded(
    wire_format: WireFormat, body: dict[str, Any], key: str, expected: dict[str, Any]
) -> None:
    written = json.loads(upstream_body(call_of(wire_format, body), "m", output_key=key, most_output=500))
    written.pop("model", None)
    assert written == expected
