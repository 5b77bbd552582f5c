"""Talking with an agent over HTTP: the bodies of a chat's endpoints (`docs/chats.md`)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class BeginChat(msgspec.Struct, frozen=True, omit_defaults=True):
    """`prompt` is the first message, if there is one yet. `key` makes the request safe to repeat: of several with the
    same one, one is taken in."""

    prompt: str = ""
    key: str = ""


class SayMore(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. Said again with the same `message_id`, it is the same message: it is not said twice."""

    text: str
    message_id: Annotated[str, msgspec.Meta(max_length=100)] = ""
