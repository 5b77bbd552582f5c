"""Messages on `WebSocket /v1/run/session` of a run's socket: between the keeper and the runner.

What the agent says and does travels as events; this channel carries what needs an answer or a fact of the keeper.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from freehold.wire.decoding import decode_json
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Phase, RunError

LONGEST_PERMISSION_ID = 200
MOST_OPTIONS = 20


class SessionMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class TurnFinished(SessionMessage, frozen=True, kw_only=True, tag="turn"):
    """Runner: the harness ended its turn; `stop_reason` as in ACP, `failed` where it refused the prompt (`error`).

    `turn` is the number of the `Prompt`, 0 outside of chats.
    """

    stop_reason: str
    turn: int = 0
    error: RunError | None = None


class Hello(SessionMessage, frozen=True, kw_only=True, tag="hello"):
    """Runner: I am here (again); `phase` is where I stand.

    In a chat, `turn` is the last `Prompt` that was taken in, and `ended` the last turn that is over: a keeper that
    comes back knows from them what it need not say again, and what it was not told.
    """

    phase: Phase
    last_container_seq: int = 0
    turn: int = 0
    ended: TurnFinished | None = None


class EnterPhase(SessionMessage, frozen=True, kw_only=True, tag="phase"):
    """Runner: this phase begins, the one before is over. The keeper takes the time."""

    phase: Phase


class AskPermission(SessionMessage, frozen=True, kw_only=True, tag="permission"):
    permission_id: Annotated[str, msgspec.Meta(max_length=LONGEST_PERMISSION_ID)]
    title: str
    options: Annotated[list[PermissionOption], msgspec.Meta(max_length=MOST_OPTIONS)]


class Conclusion(SessionMessage, frozen=True, kw_only=True, tag="conclusion"):
    """Runner: why I shall exit as I do. Words for a person; the exit code alone decides the result."""

    error: RunError | None = None


class Answer(SessionMessage, frozen=True, kw_only=True, tag="answer"):
    """Keeper: what was decided on a permission request; an empty `option_id` cancels it."""

    permission_id: str
    option_id: str


class Prompt(SessionMessage, frozen=True, kw_only=True, tag="prompt"):
    """Keeper: say this to the harness next (chats and tasks; a scheduled run has only its first prompt).

    In a chat, `turn` counts from 1; a number that the runner has taken in already is not said again.
    """

    text: str
    turn: int = 0


class Interrupt(SessionMessage, frozen=True, kw_only=True, tag="interrupt"):
    """Keeper, in a chat: end this turn, or do not begin it; the chat goes on."""

    turn: int


class Finish(SessionMessage, frozen=True, kw_only=True, tag="finish"):
    """Keeper, in a chat: nothing more is said. After the turn that is under way the run ends as one that is done."""


class Cancel(SessionMessage, frozen=True, kw_only=True, tag="cancel"):
    """Keeper: end the turn; the run ends after it."""

    reason: str


FromRunner = Hello | EnterPhase | AskPermission | TurnFinished | Conclusion
FromKeeper = Answer | Prompt | Interrupt | Finish | Cancel

_encoder = msgspec.json.Encoder()
_runner_decoder: msgspec.json.Decoder[FromRunner] = msgspec.json.Decoder(FromRunner)
_keeper_decoder: msgspec.json.Decoder[FromKeeper] = msgspec.json.Decoder(FromKeeper)


def encode(message: SessionMessage) -> bytes:
    return _encoder.encode(message)


def decode_from_runner(data: bytes | str) -> FromRunner:
    """Raises `msgspec.DecodeError`."""
    return decode_json(data, _runner_decoder)


def decode_from_keeper(data: bytes | str) -> FromKeeper:
    """Raises `msgspec.DecodeError`."""
    return decode_json(data, _keeper_decoder)
