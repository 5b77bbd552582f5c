"""What a keeper must know of a chat after it died itself: the messages whose turns are not over."""

from __future__ import annotations

import msgspec

from freehold.wire.runs import StartRun

MOST_NUMBERS = 20
"""How many of the last messages' ids are remembered: more than a client can have asked for without an answer."""


class Message(msgspec.Struct, frozen=True):
    turn: int
    text: str
    by: str


class ChatRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`waiting` holds what was said and is not answered, oldest first; the first may be under way.

    `interrupted` is the last turn that a person ended; `numbers` the turn of each of the last messages, by its id.
    """

    waiting: list[Message] = []
    last_turn: int = 0
    interrupted: int = 0
    finishing: bool = False
    numbers: dict[str, int] = {}

    def add(self, message_id: str, text: str, by: str) -> int:
        """The message's number."""
        self.last_turn += 1
        self.waiting.append(Message(self.last_turn, text, by))
        self.numbers[message_id] = self.last_turn
        while len(self.numbers) > MOST_NUMBERS:
            del self.numbers[next(iter(self.numbers))]
        return self.last_turn

    def take_back(self, message_id: str) -> None:
        """The last message could not be kept."""
        del self.numbers[message_id]
        self.waiting.pop()
        self.last_turn -= 1

    def drop_through(self, turn: int) -> None:
        """Every turn up to this one is over."""
        self.waiting = [message for message in self.waiting if message.turn > turn]


def chat_of(start: StartRun) -> ChatRecord | None:
    """The record of a chat that begins, its first message in it if there is one; None for other runs."""
    if not start.is_chat:
        return None
    record = ChatRecord()
    if start.trigger.prompt:
        record.add("", start.trigger.prompt, start.trigger.source or "person")
    return record
