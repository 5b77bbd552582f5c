"""What was said so far, kept within what a model can read: old tool results go first, with a note in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelRequestPart, ModelResponse, ToolReturnPart

LARGEST_CHARACTERS = 400_000
"""About 100,000 tokens: half of what current models read, since answers and thinking need room too."""
_SMALLEST_CHARACTERS = 20_000
_KEPT = 200
NOTE = "\n[the rest of this result was removed to make room; run the tool again if you need it]"


class History:
    """The messages of a session. `messages` is what is sent; results are shortened in large steps, so that providers'
    caches of the beginning stay useful for long.
    """

    def __init__(self, largest: int = LARGEST_CHARACTERS) -> None:
        self._largest = largest
        self.messages: list[ModelMessage] = []

    def add(self, *messages: ModelMessage) -> None:
        self.messages += messages
        if size_of(self.messages) > self._largest:
            self.messages = shorten(self.messages, self._largest // 2)

    def make_room(self) -> bool:
        """The model says that it was too much: aim lower. False when nothing more can be removed."""
        before = size_of(self.messages)
        self._largest = max(_SMALLEST_CHARACTERS, min(self._largest, before) // 2)
        self.messages = shorten(self.messages, self._largest)
        return size_of(self.messages) < before


def shorten(messages: Sequence[ModelMessage], wanted: int) -> list[ModelMessage]:
    """Shorten tool results, the oldest first, until there are `wanted` characters; the last message stays whole."""
    shortened = list(messages)
    excess = size_of(shortened) - wanted
    for index, message in enumerate(shortened[:-1]):
        if excess <= 0:
            break
        if isinstance(message, ModelRequest):
            smaller = replace(message, parts=[_shorten_part(part) for part in message.parts])
            excess -= size_of([message]) - size_of([smaller])
            shortened[index] = smaller
    return shortened


def size_of(messages: Sequence[ModelMessage]) -> int:
    """Characters, roughly: what a person and a tool said, and what the model answered and called."""
    return sum(_size_of_part(part) for message in messages for part in _parts(message))


def _parts(message: ModelMessage) -> Sequence[object]:
    return message.parts if isinstance(message, ModelRequest | ModelResponse) else ()


def _size_of_part(part: object) -> int:
    size = 0
    for name in ("content", "args"):
        value = getattr(part, name, None)
        size += len(value) if isinstance(value, str) else len(str(value)) if value else 0
    return size


def _shorten_part(part: ModelRequestPart) -> ModelRequestPart:
    if type(part) is not ToolReturnPart or not isinstance(part.content, str):
        return part
    if len(part.content) <= _KEPT + len(NOTE):
        return part
    return ToolReturnPart(part.tool_name, part.content[:_KEPT] + NOTE, part.tool_call_id, outcome=part.outcome)
