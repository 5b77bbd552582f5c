"""Answers as providers write them, in every wire format, whole and as a stream: for rehearsals and fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from freehold.models.answers import anthropic, chat, google, responses
from freehold.models.answers.speech import Json, Speech
from freehold.project.wire_formats import WireFormat


@dataclass(frozen=True)
class Writer:
    """`whole` makes the JSON of an answer in one piece, `events` the server-sent events of a stream."""

    whole: Callable[[Speech], Json]
    events: Callable[[Speech], list[bytes]]


WRITERS: dict[WireFormat, Writer] = {
    WireFormat.ANTHROPIC_MESSAGES: Writer(anthropic.whole, anthropic.events),
    WireFormat.OPENAI_CHAT: Writer(chat.whole, chat.events),
    WireFormat.OPENAI_RESPONSES: Writer(responses.whole, responses.events),
    WireFormat.GOOGLE: Writer(google.whole, google.events),
}
