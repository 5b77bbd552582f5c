"""What a run is, told to and by the keeper."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from freehold.base.errors import Code
from freehold.wire.permission import OpenPermission


class TriggerType(StrEnum):
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    MANUAL = "manual"
    CALL = "call"
    CHAT = "chat"


class Phase(StrEnum):
    """The phases of a run, in order (`docs/interfaces.md`, "Events")."""

    QUEUE = "queue"
    IMAGE = "image"
    CREDENTIALS = "credentials"
    CONTAINER = "container"
    PRE_HOOKS = "pre_hooks"
    CONTEXT = "context"
    SESSION = "session"
    POST_HOOKS = "post_hooks"


class Result(StrEnum):
    COMPLETED = "completed"
    ERROR = "error"
    TIMEOUT = "timeout"
    KILLED = "killed"
    BUDGET = "budget"
    RERUN = "rerun"
    LOST = "lost"


class RunState(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a run starts. `prompt` and `context` are what the agent is told; they are not repeated in results."""

    # Factories, so that these three are always written: msgspec leaves out what equals a plain default.
    type: TriggerType = msgspec.field(default_factory=lambda: TriggerType.MANUAL)
    source: str = msgspec.field(default_factory=lambda: "")
    id: str = msgspec.field(default_factory=lambda: "")
    prompt: str = ""
    context: dict[str, Any] | None = None

    def without_payload(self) -> Trigger:
        return Trigger(type=self.type, source=self.source, id=self.id)


class RunOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person may ask for one run beyond the agent's configuration."""

    environment: str = ""
    revision: str = ""
    """The version of the project's files that it is begun from (`.freehold/revisions`), as a scheduler chose it; the
    empty string: the files as they are."""
    rehearse: bool = False
    record: str = ""
    """Where the rehearsal of this run is written; the empty string records nothing."""
    as_caller: bool = False
    """Host-user only: run as the keeper's own user when no second user can be had. The demo sets it, and says so."""
    idle: bool = False
    """The run does nothing but wait: somebody looks around in it (`freehold shell`)."""
    interactive: bool = False
    """Somebody is there to answer permission requests."""


class StartRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """Parameters of `run/start`: idempotent by `run_id`."""

    run_id: str
    agent: str
    trigger: Trigger = Trigger()
    attempt: int = 1
    options: RunOptions = RunOptions()

    @property
    def is_chat(self) -> bool:
        """Whether it is an interactive session; the trigger's prompt is its first message, if there is one yet."""
        return self.trigger.type is TriggerType.CHAT


class Usage(msgspec.Struct, frozen=True):
    """Tokens and requests, counted by the model gateway. `input` excludes what a cache gave or took."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    requests: int = 0
    turns: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(mine + theirs for mine, theirs in zip(self.as_tuple(), other.as_tuple(), strict=True)))

    def as_tuple(self) -> tuple[int, int, int, int, int, int]:
        return (self.input, self.output, self.cache_read, self.cache_write, self.requests, self.turns)

    @property
    def tokens(self) -> int:
        """What counts against `tokens_per_run`: everything that was read or written."""
        return self.input + self.output + self.cache_read + self.cache_write


class ModelUse(msgspec.Struct, frozen=True):
    """What one of a run's models used; the cost is None when its price is not known."""

    usage: Usage = Usage()
    cost_usd: float | None = 0.0


class RunError(msgspec.Struct, frozen=True):
    """Why a run did not complete: the fields of a `FreeholdError`."""

    code: str
    message: str
    hint: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended: the body of `run.finished`, and of `runs --json`."""

    agent: str
    attempt: int
    trigger: Trigger
    result: Result
    exit_code: int | None = None
    return_value: str | None = None
    phases_s: dict[Phase, float] = {}
    usage: Usage = Usage()
    cost_usd: float | None = 0.0
    """None when a model without a known price was used."""
    error: RunError | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as lists show it: `run.json`, the answer of `run/list`, a line of `runs --json`."""

    run_id: str
    agent: str
    attempt: int
    trigger: Trigger
    state: RunState
    queued_at: str
    started_at: str | None = None
    finished_at: str | None = None
    engine: str = ""
    image: str = ""
    result: Result | None = None
    exit_code: int | None = None
    return_value: str | None = None
    status_text: str = ""
    phases_s: dict[Phase, float] = {}
    usage: Usage = Usage()
    cost_usd: float | None = 0.0
    models: dict[str, ModelUse] = {}
    """What each model used, by its name; the name is empty for what was charged without an answer."""
    error: RunError | None = None
    waiting_for: tuple[OpenPermission, ...] = ()
    """What it asks a person for and waits for, at most ten."""

    @property
    def never_began(self) -> bool:
        """Whether it was given up because its engine was away before its agent had said or done anything."""
        unreachable = self.error is not None and self.error.code == Code.UNREACHABLE
        return unreachable and self.result is Result.LOST and self.started_at is None
