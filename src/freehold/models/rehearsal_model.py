"""The rehearsal as a `Model`: the script's turns in the wire format of whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from freehold.base.threads import in_thread
from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech
from freehold.models.call import ModelCall
from freehold.models.model import Answer, Ask
from freehold.models.rehearsal import Rehearsal
from freehold.models.routes import Operation
from freehold.project.wire_formats import WireFormat

_COUNTS = {
    WireFormat.ANTHROPIC_MESSAGES: "input_tokens",
    WireFormat.OPENAI_RESPONSES: "input_tokens",
    WireFormat.GOOGLE: "totalTokens",
}


class RehearsalModel:
    """Answers every wire format, whole or as a stream, and asks nobody."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._turn = asyncio.Lock()

    async def ask(self, ask: Ask) -> Answer:
        wire_format = ask.call.route.wire_format
        if ask.call.route.operation is Operation.COUNT:
            count = {_COUNTS.get(wire_format, "input_tokens"): ask.call.size_bytes // 4}
            return SpokenAnswer("application/json", [msgspec.json.encode(count)])
        speech = await self._say(ask.call)
        if ask.call.streaming:
            return SpokenAnswer("text/event-stream", WRITERS[wire_format].events(speech))
        return SpokenAnswer("application/json", [msgspec.json.encode(WRITERS[wire_format].whole(speech))])

    async def _say(self, call: ModelCall) -> Speech:
        async with self._turn:  # one request after the other, also where one leaves meanwhile
            return await in_thread(self._rehearsal.answer, call)


class SpokenAnswer:
    """An answer that is all there already."""

    def __init__(self, content_type: str, chunks: list[bytes]) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {"content-type": content_type}
        self._chunks = list(reversed(chunks))

    async def next_chunk(self) -> bytes:
        return self._chunks.pop() if self._chunks else b""

    async def close(self) -> None:
        self._chunks.clear()
