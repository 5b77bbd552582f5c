"""What is to be answered, before it is put into a wire format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from freehold.models.tokens import Tokens

Json = dict[str, Any]


@dataclass(frozen=True)
class SpokenCall:
    """A call of a tool. `kind` as in `toolbox.OfferedTool`; `text` is the input of a `custom` tool."""

    id: str
    name: str
    arguments: Json = field(default_factory=dict)
    kind: str = "function"
    text: str = ""

    @property
    def arguments_json(self) -> str:
        return msgspec.json.encode(self.arguments).decode()


@dataclass(frozen=True)
class Speech:
    """A text, a call, or both. A stream says `pieces` one by one; `id` makes the ids of the answer."""

    id: str
    model: str
    pieces: tuple[str, ...] = ()
    call: SpokenCall | None = None
    tokens: Tokens = field(default_factory=Tokens)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def in_pieces(text: str, words: int = 4) -> tuple[str, ...]:
    """A text cut after every few words, as models send it."""
    parts = text.split(" ")
    groups = [" ".join(parts[start : start + words]) for start in range(0, len(parts), words)]
    return tuple(group if index == 0 else f" {group}" for index, group in enumerate(groups)) if text else ()


def event(payload: Json | str, name: str = "") -> bytes:
    """One server-sent event."""
    data = payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"
