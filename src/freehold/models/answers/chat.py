"""OpenAI Chat Completions (`POST /v1/chat/completions`)."""

from __future__ import annotations

from freehold.models.answers.speech import Json, Speech, event

_CREATED = 1_767_225_600


def whole(speech: Speech) -> Json:
    message: Json = {"role": "assistant", "content": speech.text or None}
    if speech.call:
        message["tool_calls"] = [_call(speech)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(speech), "logprobs": None}
    return _head(speech, "chat.completion") | {"choices": [choice], "usage": _usage(speech)}


def events(speech: Speech) -> list[bytes]:
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in speech.pieces]
    if speech.call:
        deltas.append({"tool_calls": [{"index": 0, **_call(speech)}]})
    head = _head(speech, "chat.completion.chunk")
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(speech)}]})
    chunks.append(head | {"choices": [], "usage": _usage(speech)})
    return [*(event(chunk) for chunk in chunks), event("[DONE]")]


def _head(speech: Speech, kind: str) -> Json:
    return {"id": f"chatcmpl-{speech.id}", "object": kind, "created": _CREATED, "model": speech.model}


def _call(speech: Speech) -> Json:
    assert speech.call is not None
    function = {"name": speech.call.name, "arguments": speech.call.arguments_json}
    return {"id": speech.call.id, "type": "function", "function": function}


def _finish(speech: Speech) -> str:
    return "tool_calls" if speech.call else "stop"


def _usage(speech: Speech) -> Json:
    read = speech.tokens.input + speech.tokens.cache_read
    return {
        "prompt_tokens": read, "completion_tokens": speech.tokens.output, "total_tokens": read + speech.tokens.output,
        "prompt_tokens_details": {"cached_tokens": speech.tokens.cache_read},
    }  # fmt: skip
