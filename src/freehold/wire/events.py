"""Events: what happened in a run, one JSON object a line (`docs/interfaces.md`, "Events").

Two kinds share the format and nothing else. Host events come from the keeper and are facts. Testimony comes from inside
the container: the keeper takes it in, numbers it anew, and drops whatever claims to be a host event.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from freehold.base.nesting import DEEPEST, is_too_deep
from freehold.wire.decoding import decode_json
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Outcome, Phase, RunError, Trigger, Usage

VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=False):
    """The head of every event. `seq` counts from 1 without gaps within one file; `ts` is RFC 3339 in UTC."""

    from_host: ClassVar[bool] = False

    v: int = VERSION
    seq: int = 0
    run_id: str = ""
    ts: str = ""


class HostEvent(Event, frozen=True, kw_only=True):
    from_host: ClassVar[bool] = True


class RunQueued(HostEvent, frozen=True, kw_only=True, tag="run.queued"):
    agent: str
    attempt: int
    trigger: Trigger


class RunStarted(HostEvent, frozen=True, kw_only=True, tag="run.started"):
    """The container is up."""

    engine: str
    image: str
    harness: str
    network: str
    models: list[str]
    timeout_s: int


class RunFinished(HostEvent, frozen=True, kw_only=True, tag="run.finished"):
    """The fields of `Outcome`, flat; always the last event of a run, and there is exactly one."""

    agent: str
    attempt: int
    trigger: Trigger
    result: str
    exit_code: int | None
    return_value: str | None
    phases_s: dict[Phase, float]
    usage: Usage
    cost_usd: float | None
    error: Any

    @classmethod
    def of(cls, outcome: Outcome) -> RunFinished:
        fields = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
        return cls(**fields)

    def outcome(self) -> Outcome:
        fields = {name: getattr(self, name) for name in Outcome.__struct_fields__}
        return msgspec.convert(msgspec.to_builtins(fields), Outcome)


class PhaseStarted(HostEvent, frozen=True, kw_only=True, tag="phase.started"):
    phase: Phase


class PhaseFinished(HostEvent, frozen=True, kw_only=True, tag="phase.finished"):
    phase: Phase
    duration_s: float


class BuildStep(HostEvent, frozen=True, kw_only=True, tag="build.step"):
    image: str
    text: str


class ModelRequest(HostEvent, frozen=True, kw_only=True, tag="model.request"):
    """One request to a provider, after its answer ended. `status` 0: no answer came."""

    model: str
    provider: str
    wire_format: str
    status: int
    usage: Usage
    cost_usd: float | None
    first_byte_s: float | None
    duration_s: float
    fallback_from: str = ""
    error: str = ""


class Egress(HostEvent, frozen=True, kw_only=True, tag="egress"):
    """One connection through the egress proxy, after it ended or was refused."""

    host: str
    port: int
    allowed: bool
    reason: str = ""
    bytes_out: int = 0
    bytes_in: int = 0
    duration_s: float = 0.0


class PermissionAsked(HostEvent, frozen=True, kw_only=True, tag="permission.asked"):
    permission_id: str
    title: str
    options: list[PermissionOption]


class PermissionAnswered(HostEvent, frozen=True, kw_only=True, tag="permission.answered"):
    permission_id: str
    option_id: str
    by: str
    """`policy`, `person` or `deadline`."""


class TurnStarted(HostEvent, frozen=True, kw_only=True, tag="turn.started"):
    """In a chat: what a person said is now the harness's to answer. `turn` counts from 1."""

    turn: int
    text: str
    by: str
    """Who said it, as the client that passed it on knows them; `person` where nobody asked."""


class TurnFinished(HostEvent, frozen=True, kw_only=True, tag="turn.finished"):
    """In a chat: the harness is done with it. A run that ends within a turn has none for that turn."""

    turn: int
    stop_reason: str
    """As in ACP (`end_turn`, `cancelled`, …), or `failed`: the harness refused it. As the runner tells it."""
    error: RunError | None = None
    """Why it was not answered as asked; the chat goes on."""


class Limit(HostEvent, frozen=True, kw_only=True, tag="limit"):
    """A bound was met: `budget`, `memory`, `disk`, `events`, `output`, `forged_event` …; told in `message`."""

    limit: str
    message: str
    container_seq: int = 0
    """The line of the run's own event file that this is about; 0 when it is about something else."""


class Testimony(Event, frozen=True, kw_only=True):
    """From inside the container. The keeper sets `container_seq` to the line of the run's own file it came from.

    0 means that it came another way, through the run API. What a line claims to be its number is testimony too.
    """

    container_seq: int = 0


class Message(Testimony, frozen=True, kw_only=True, tag="message"):
    """A piece of what the agent says; consecutive pieces are one text."""

    text: str


class Thought(Testimony, frozen=True, kw_only=True, tag="thought"):
    text: str


class ToolStarted(Testimony, frozen=True, kw_only=True, tag="tool.started"):
    tool_call_id: str
    title: str
    kind: str = "other"
    input: Any = None


class ToolFinished(Testimony, frozen=True, kw_only=True, tag="tool.finished"):
    tool_call_id: str
    status: str
    """`completed` or `failed`, as in ACP."""
    output: str = ""


class HookOutput(Testimony, frozen=True, kw_only=True, tag="hook.output"):
    hook: str
    """`pre 1`, `post 2`, `context 1`, `script`."""
    text: str
    exit_code: int | None = None


class Status(Testimony, frozen=True, kw_only=True, tag="status"):
    text: str


class Return(Testimony, frozen=True, kw_only=True, tag="return"):
    value: str


class Lock(Testimony, frozen=True, kw_only=True, tag="lock"):
    action: str
    uri: str
    ok: bool


class Call(Testimony, frozen=True, kw_only=True, tag="call"):
    agent: str
    call_id: str = ""


class Log(Testimony, frozen=True, kw_only=True, tag="log"):
    level: str
    text: str


AnyHostEvent = (
    RunQueued | RunStarted | RunFinished | PhaseStarted | PhaseFinished | BuildStep | ModelRequest | Egress
    | PermissionAsked | PermissionAnswered | TurnStarted | TurnFinished | Limit
)  # fmt: skip
AnyTestimony = Message | Thought | ToolStarted | ToolFinished | HookOutput | Status | Return | Lock | Call | Log
AnyEvent = AnyHostEvent | AnyTestimony

HOST_TYPES = frozenset({
    "run.queued", "run.started", "run.finished", "phase.started", "phase.finished", "build.step", "model.request",
    "egress", "permission.asked", "permission.answered", "turn.started", "turn.finished", "limit",
})  # fmt: skip
TESTIMONY_TYPES = frozenset({
    "message", "thought", "tool.started", "tool.finished", "hook.output", "status", "return", "lock", "call", "log",
})  # fmt: skip

_encoder = msgspec.json.Encoder()
_any_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_testimony_decoder: msgspec.json.Decoder[AnyTestimony] = msgspec.json.Decoder(AnyTestimony)


def encode(event: Event) -> bytes:
    """One line, newline included."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes) -> AnyEvent:
    """An event of any kind. Raises `msgspec.ValidationError` or `msgspec.DecodeError` (its base class)."""
    return decode_json(line, _any_decoder)


def decode_testimony(line: bytes) -> AnyTestimony:
    """An event from inside; one of a host type raises `msgspec.ValidationError` like any other that is not known.

    So does one that is nested too deep: whoever reads it later could not.
    """
    event = decode_json(line, _testimony_decoder)
    if isinstance(event, ToolStarted) and is_too_deep(event.input):
        raise msgspec.ValidationError(f"more than {DEEPEST} levels in each other - at `$.input`")
    return event
