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


class Hello(SessionMessage, frozen=True, kw_only=True, tag="hello"):
    """Runner: I am here (again); `phase` is where I stand."""

    phase: Phase
    last_container_seq: int = 0


class EnterPhase(SessionMessage, frozen=True, kw_only=True, tag="phase"):
    """Runner: this phase begins, the one before is over. The keeper takes the time."""

    phase: Phase


class AskPermission(SessionMessage, frozen=True, kw_only=True, tag="permission"):
    permission_id: Annotated[str, msgspec.Meta(max_length=LONGEST_PERMISSION_ID)]
    title: str
    options: Annotated[list[PermissionOption], msgspec.Meta(max_length=MOST_OPTIONS)]


class TurnFinished(SessionMessage, frozen=True, kw_only=True, tag="turn"):
    """Runner: the harness ended its turn; `stop_reason` as in ACP."""

    stop_reason: str


class Conclusion(SessionMessage, frozen=True, kw_only=True, tag="conclusion"):
    """Runner: why I shall exit as I do. Words for a person; the exit code alone decides the result."""

    error: RunError | None = None


class Answer(SessionMessage, frozen=True, kw_only=True, tag="answer"):
    """Keeper: what was decided on a permission request; an empty `option_id` cancels it."""

    permission_id: str
    option_id: str


class Prompt(SessionMessage, frozen=True, kw_only=True, tag="prompt"):
    """Keeper: say this to the harness next (chats and tasks; a scheduled run has only its first prompt)."""

    text: str


class Cancel(SessionMessage, frozen=True, kw_only=True, tag="cancel"):
    """Keeper: end the turn; the run ends after it."""

    reason: str


FromRunner = Hello | EnterPhase | AskPermission | TurnFinished | Conclusion
FromKeeper = Answer | Prompt | Cancel

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
