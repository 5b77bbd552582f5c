"""Google's `generateContent` and `streamGenerateContent?alt=sse`."""

from __future__ import annotations

from freehold.models.answers.speech import Json, Speech, event


def whole(speech: Speech) -> Json:
    parts = ([{"text": speech.text}] if speech.text else []) + _call_parts(speech)
    return _chunk(speech, parts, "STOP") | {"usageMetadata": _usage(speech)}


def events(speech: Speech) -> list[bytes]:
    groups: list[list[Json]] = [[{"text": piece}] for piece in speech.pieces]
    if speech.call:
        groups.append(_call_parts(speech))
    chunks = [_chunk(speech, parts, "") for parts in groups[:-1]]
    chunks.append(_chunk(speech, groups[-1] if groups else [{"text": ""}], "STOP") | {"usageMetadata": _usage(speech)})
    return [event(chunk) for chunk in chunks]


def _chunk(speech: Speech, parts: list[Json], finish: str) -> Json:
    candidate: Json = {"index": 0, "content": {"role": "model", "parts": parts}}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": speech.model, "responseId": speech.id}


def _call_parts(speech: Speech) -> list[Json]:
    if not speech.call:
        return []
    call = {"id": speech.call.id, "name": speech.call.name, "args": speech.call.arguments}
    return [{"functionCall": call}]


def _usage(speech: Speech) -> Json:
    read = speech.tokens.input + speech.tokens.cache_read
    return {
        "promptTokenCount": read, "cachedContentTokenCount": speech.tokens.cache_read,
        "candidatesTokenCount": speech.tokens.output, "totalTokenCount": read + speech.tokens.output,
    }  # fmt: skip
