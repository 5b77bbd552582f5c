"""What a running project is asked over HTTP, and what it answers: the bodies of `/api/v1` (`docs/interfaces.md`)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from freehold.wire.runs import RunView

API = "/api/v1"
GATEWAY_SOCKET = "gateway.sock"
"""In the project's state directory (`wire/keeper.py`), for processes of the same user: they need no key there."""
CONSOLE_SOCKET = "console.sock"
"""Beside it, where the console is served: what is forwarded to other machines (`freehold console -E`). Who comes
through it needs a key, as everywhere else."""
SCHEDULER_LOCK = "scheduler.lock"
"""Beside it: held by the process that serves the project, until it is gone."""


class TriggerRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`key` makes the request safe to repeat: of several with the same one, one is taken in."""

    prompt: str = ""
    context: dict[str, Any] | None = None
    key: str = ""


class TriggerAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """It is on the disk. `waiting` is how many wait for the agent, it included; `repeated` says that it was there."""

    trigger_id: str
    agent: str
    waiting: int
    repeated: bool = False
    note: str = ""
    """Why it does not begin yet, where that is known: paused, disabled, the day's budget is spent."""


class TriggerView(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is `waiting`, `running`, `done` or `dead`; `run_id` its latest attempt; times are RFC 3339."""

    id: str
    agent: str
    type: str
    source: str
    state: str
    priority: int
    created_at: str
    not_before: str
    attempts: int
    run_id: str = ""
    result: str = ""
    reason: str = ""
    ended_at: str | None = None


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is `running`, `idle`, `disabled`, `off` (scale 0) or `error`; `error` says what keeps it from running, or
    that an edit of it was not taken over. `scale_configured` differs from `scale` where a person changed it. `held`
    says why it begins nothing now; empty while it does. `goes_on`: `error` is of an edit, and the version before it is
    at work."""

    name: str
    description: str
    state: str
    enabled: bool
    scale: int
    scale_configured: int
    running: int
    waiting: int
    triggers: list[str]
    """In words: `schedule 0 * * * *`, `github issues opened`."""
    models: list[str] = []
    next_run_at: str | None = None
    skipped_at: str | None = None
    status_text: str = ""
    error: str = ""
    hint: str = ""
    goes_on: bool = False
    held: str = ""
    due_at: list[str] = []
    """The next moments of its schedule, the first five; told of one agent, not in lists."""
    last_run: RunView | None = None


class RefusedDeliveries(msgspec.Struct, frozen=True):
    """Deliveries of webhooks that were refused for one reason, since the service began. `source` is empty for all that
    were sent to a name that no source has; `why` is of the last one."""

    source: str
    reason: str
    count: int
    last_at: str
    why: str


class ProjectStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`held` says why nothing begins; empty while it does. `problems` are what `/health` calls degraded. `release` as
    `Health` has it. `refused` are deliveries of webhooks that were not taken, the latest first. `address` is where the
    gateway is reached (`gateway.url`, else the port on its machine), and `console` where a browser finds the console;
    empty where there is none, or only a socket."""

    name: str
    version: str
    started_at: str
    paused: bool
    held: str
    problems: list[str]
    running: int
    waiting: int
    dead_letters: int
    day_usd: float
    month_usd: float
    usd_per_day: float | None
    usd_per_month: float | None
    agents: list[AgentView]
    release: str = ""
    refused: list[RefusedDeliveries] = []
    address: str = ""
    console: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `starting`, `ok` or `degraded`; `problems` say what does not work.

    `release` is the one whose files were looked at last; empty where the project's folder is none, and while it starts.
    `refused` says what of the project's files as they are is not at work: nothing, when all of the release is.
    `accepts` is false while nothing can be taken in, because the database cannot be written: triggers and deliveries of
    webhooks are answered with 503 then.
    """

    status: str
    version: str
    release: str = ""
    refused: list[str] = []
    problems: list[str] = []
    accepts: bool = True


class LockView(msgspec.Struct, frozen=True):
    uri: str
    run_id: str
    held_since: str
    expires_at: str


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `accepted`, `unmatched` (no agent wants it) or `refused`; `reason` says why."""

    id: str
    source: str
    type: str
    received_at: str
    status: str
    event: str
    summary: str
    reason: str = ""
    delivery_id: str = ""
    matched: int = 0
    skipped: int = 0
    replay_of: str = ""


class SetScale(msgspec.Struct, frozen=True):
    """None: as configured again."""

    scale: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None


class KillRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    reason: str = ""


class FollowUp(msgspec.Struct, frozen=True):
    """What is said to the agent of a run that has ended; a new run goes on from there."""

    prompt: str


class PermissionAnswer(msgspec.Struct, frozen=True):
    permission_id: str
    option_id: str


class NewKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """`scopes` are of `read`, `trigger`, `admin`; each includes those before it. `days` says for how long it opens
    anything; null: until it is revoked."""

    name: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]
    scopes: Annotated[
        list[Annotated[str, msgspec.Meta(pattern="^(read|trigger|admin)$")]], msgspec.Meta(min_length=1, max_length=3)
    ]
    days: Annotated[int, msgspec.Meta(ge=1, le=3660)] | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None = None
    revoked_at: str | None = None
    expires_at: str | None = None


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """The only time that the key itself is told."""

    id: str
    key: str
    expires_at: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first; `before` asks for the next page, null on the last one."""

    runs: list[RunView]
    before: str | None = None


class UsageSum(msgspec.Struct, frozen=True, kw_only=True):
    """What runs used together; `name` is a day (ISO date), an agent or a model. A run counts on the UTC day on which it
    ended, and for each of its models. `input` excludes what a cache gave or took. `unpriced` are runs whose cost is not
    known, and is not in `cost_usd`; by model, `failed` and `duration_s` are not known."""

    name: str
    runs: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    requests: int = 0
    cost_usd: float = 0.0
    duration_s: float = 0.0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """From the day `since` to the day `until`, today (UTC). `days` are the oldest first, without those on which nothing
    ran; `agents` and `models` the dearest first, `agent_count` of how many agents. `day_usd` and `month_usd` are what
    budgets count, requests under way included; a limit is null where there is none."""

    since: str
    until: str
    total: UsageSum
    days: list[UsageSum]
    agents: list[UsageSum]
    agent_count: int
    models: list[UsageSum]
    day_usd: float
    month_usd: float
    usd_per_day: float | None
    usd_per_month: float | None


class ReleaseLock(msgspec.Struct, frozen=True):
    uri: str


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What has changed, not how: `run`, `agent` and `queue` by name (a run id, an agent), `project`; or `reset`: it is
    not known what was missed, so everything may have."""

    type: str
    name: str = ""


class Killed(msgspec.Struct, frozen=True):
    """How many runs were asked to end."""

    killed: int


class TriggerDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger with every attempt at it, the first one first, and what its agent is told."""

    trigger: TriggerView
    attempts: list[RunView]
    prompt: str = ""
    context: dict[str, Any] | None = None


class ReceiptDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`body` as text; what is no UTF-8 in it is replaced. `started` is what it started, with the latest run of each;
    `triggers` are the ids of these."""

    receipt: ReceiptView
    headers: dict[str, str]
    body: str
    triggers: list[str] = []
    started: list[TriggerView] = []


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How many agents a delivery started, and how many want it and were not; `duplicate`: it was accepted before."""

    ok: bool = msgspec.field(default_factory=lambda: True)
    matched: int = msgspec.field(default_factory=lambda: 0)
    skipped: int = msgspec.field(default_factory=lambda: 0)
    receipt_id: str = ""
    duplicate: bool = False


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what: `actor` is a key's name, `action` a verb such as `pause` or `agent.scale`, `address` where it
    was asked from. What a proxy says of whom it asks for is told (`203.0.113.7 through 127.0.0.1`), not proved."""

    id: str
    at: str
    actor: str
    action: str
    target: str = ""
    detail: dict[str, Any] = {}
    address: str = ""


class AuditNames(msgspec.Struct, frozen=True):
    """Who and what there is in the audit, to choose from."""

    actors: list[str]
    actions: list[str]


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is `waiting`, `sent` or `given_up`; `problem` says why it did not get through the last time."""

    id: str
    channel: str
    kind: str
    title: str
    state: str
    created_at: str
    next_at: str | None = None
    sent_at: str | None = None
    attempts: int = 0
    problem: str = ""
    agent: str = ""
    run_id: str = ""


class Done(msgspec.Struct, frozen=True):
    """It is done."""

    ok: bool = True


class LogIn(msgspec.Struct, frozen=True):
    key: str


class LoggedIn(msgspec.Struct, frozen=True):
    """The session is in the cookie `fh_session`, by https `__Host-fh_session`; `csrf` goes into the header
    `X-CSRF-Token` of every change."""

    csrf: str
