"""What is said on the keeper's socket: JSON-RPC methods and their parameters.

`run/start` StartRun → RunView · `run/attach` AttachRun → RunView, then `run/event` notifications and a last `run/end` ·
`run/kill` KillRun → RunView · `run/list` ListRuns → [RunView] · `run/answer` AnswerPermission → null ·
`run/prune` PruneRuns → how many · `revision/used` → their names ·
`run/say` Say → Said · `run/interrupt` InterruptTurn → null · `run/finish` FinishChat → null (chats) ·
`run/left` ReadLeft → RunLeft · `run/file` ReadLeftFile → LeftContent (`wire/left.py`) ·
`image/build` BuildImage → {agent: image}, with `image/step` notifications · `image/list` → [ImageView] ·
`image/prune` → [ImageView] · `workspace/gone` ListGoneWorkspaces → [WorkspaceView] ·
`workspace/remove` RemoveWorkspace → null · `shell/open` OpenShell → null, then `shell/data` both ways, `shell/resize`,
`shell/closed` · `spend/read` → Spent · `keeper/status` → KeeperStatus · `keeper/stop` StopKeeper → Stopping ·
`run/watch` → [RunView], those under way, then `run/changed` notifications with a RunView ·
`scheduler/attach` AttachScheduler → null; from then on the keeper asks this client: `lock/acquire`, `lock/heartbeat`
AskLock → HeldLock, `lock/release` AskLock → null, `lock/list` AskLocks → [HeldLock], `call/start` AskCall →
CallStarted, `call/view` AskCalled → CallView
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from freehold.wire.run_api import CallRequest, LockRequest
from freehold.wire.runs import RunOptions

SOCKET_FILE = "keeper.sock"
LOCK_FILE = "keeper.lock"
"""Held by the keeper; holds the fingerprint of its program, so that a client sees at once whether it is its own."""
LOG_FILE = "keeper.log"


class AttachRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """Follow a run from the event after `after_seq` on. `follow = False` ends with what there is."""

    run_id: str
    after_seq: int = 0
    follow: bool = True


class KillRun(msgspec.Struct, frozen=True, omit_defaults=True):
    run_id: str
    reason: str = "killed by a person"


class ListRuns(msgspec.Struct, frozen=True, omit_defaults=True):
    """Newest first; the empty string means every agent. `before` is a run id: the last one that was seen."""

    agent: str = ""
    limit: int = 50
    before: str = ""


class PruneRuns(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remove the files of up to `limit` runs that were queued before a moment (RFC 3339), but for those in `keep`."""

    before: str
    keep: list[str] = []
    limit: int = 200


class AnswerPermission(msgspec.Struct, frozen=True):
    run_id: str
    permission_id: str
    option_id: str


LONGEST_SAID = 64 * 1024
"""Characters of one message in a chat, as many as a return value may have: a file is pasted, a log is not."""


class Say(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message in a chat. Said again with the same `message_id`, it is the same message: it is not said twice."""

    run_id: str
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    text: str
    by: Annotated[str, msgspec.Meta(max_length=100)] = "person"


class Said(msgspec.Struct, frozen=True):
    """It is on disk. `turn` is its number, as in `turn.started`; `ahead` how many messages are answered before it."""

    turn: int
    ahead: int


class InterruptTurn(msgspec.Struct, frozen=True):
    """End the turn that is under way; what waits is said next. CONFLICT when none is."""

    run_id: str


class FinishChat(msgspec.Struct, frozen=True):
    """Nothing more is said: when all that was said is answered, the run ends as `completed`."""

    run_id: str


class Spent(msgspec.Struct, frozen=True):
    """What all runs of the project cost today and this month (UTC), in US dollars, requests under way included."""

    day_usd: float = 0.0
    month_usd: float = 0.0


class AttachScheduler(msgspec.Struct, frozen=True):
    """`name` says who it is, for the message that a second one gets."""

    name: str


class AskLock(msgspec.Struct, frozen=True):
    run_id: str
    request: LockRequest


class AskLocks(msgspec.Struct, frozen=True):
    run_id: str


class AskCall(msgspec.Struct, frozen=True):
    run_id: str
    request: CallRequest


class AskCalled(msgspec.Struct, frozen=True):
    run_id: str
    call_id: str


class BuildImage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Build what `agent` needs (the empty string: every agent)."""

    agent: str = ""
    no_cache: bool = False
    pull: bool = False
    base_from: str = ""
    """The base image's own FROM; the empty string chooses as `docs/dockerfiles.md` says."""


class BuildNotice(msgspec.Struct, frozen=True):
    image: str
    text: str


class ImageView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    """`base`, `project`, `agent` or `harness`."""
    size_bytes: int
    created_at: str
    in_use: bool = False
    agent: str = ""


class ListGoneWorkspaces(msgspec.Struct, frozen=True, omit_defaults=True):
    """`environment` as for a run: it may change which agents there are, and how many slots they have."""

    environment: str = ""


class WorkspaceView(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace that no run of this project will ever use again; `why` is a sentence."""

    engine: str
    project: str
    agent: str
    slot: int
    where: str
    why: str
    size_bytes: int | None = None
    """None where it cannot be counted."""
    in_use: bool = False


class RemoveWorkspace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remove one that `workspace/gone` named. CONFLICT when it is in use, or of use again."""

    engine: str
    project: str
    agent: str
    slot: int
    environment: str = ""


class OpenShell(msgspec.Struct, frozen=True, omit_defaults=True):
    """`target` is an agent (a fresh container with its mounts and egress) or a run id (inside that run)."""

    target: str
    columns: int = 80
    rows: int = 24
    command: list[str] = []
    options: RunOptions = RunOptions()


class ShellData(msgspec.Struct, frozen=True):
    data: bytes


class ShellSize(msgspec.Struct, frozen=True):
    columns: int
    rows: int


class ShellClosed(msgspec.Struct, frozen=True):
    exit_code: int


class StopKeeper(msgspec.Struct, frozen=True, omit_defaults=True):
    """End the keeper; runs go on. With `when_idle` it stays while it has runs or other clients, and ends after them."""

    when_idle: bool = False


class Stopping(msgspec.Struct, frozen=True):
    now: bool


class KeeperStatus(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    version: str
    program: str
    """A hash of the keeper's own code, as in its lock."""
    active_runs: int
    started_at: str
    engine: str = ""
    engine_error: str = ""
