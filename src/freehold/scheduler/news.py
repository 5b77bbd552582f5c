"""Which notices follow from what happened. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.project.budget import Budget
from freehold.project.notices import NoticeKind
from freehold.scheduler.aftermath import Next
from freehold.scheduler.attempt import Closed
from freehold.store.triggers import StoredTrigger
from freehold.wire.keeper import Spent
from freehold.wire.notices import Notice
from freehold.wire.permission import OpenPermission
from freehold.wire.runs import Result, RunView, TriggerType

WARN_AT = 0.8
"""The share of the project's money at which somebody is told before it is spent."""
LONGEST_TEXT = 2000
"""Characters that are quoted."""

_HOW = {
    Result.ERROR: "failed",
    Result.TIMEOUT: "took too long",
    Result.LOST: "was lost",
    Result.KILLED: "was shut down at its own wish",
    Result.BUDGET: "spent its budget",
    Result.RERUN: "asked to be run again without end",
    Result.COMPLETED: "is done",
}


@dataclass(frozen=True)
class News:
    """`once` says what it is about: nobody is told twice of the same. `agent` is whose channels are told."""

    kind: NoticeKind
    once: str
    notice: Notice
    agent: str = ""


def of_closed(view: RunView, closed: Closed, now: datetime) -> Iterator[News]:
    """A final attempt that did not go well, or did; and the calls that were given up with it."""
    for orphan in closed.orphans:
        yield of_buried(orphan, now)
    final = closed.trigger is not None and closed.after is not None and closed.after.next is Next.FINAL
    if not final or view.trigger.type is TriggerType.CHAT:
        return
    kind = _kind_of(view)
    if kind is None:
        return
    assert closed.after is not None
    text = view.return_value if kind is NoticeKind.COMPLETED else view.error.message if view.error else None
    notice = Notice(
        kind=kind,
        title=f"{view.agent} {_HOW[view.result or Result.LOST]}",
        at=rfc3339(now),
        text=(text or closed.after.reason)[:LONGEST_TEXT],
        hint=view.error.hint[:LONGEST_TEXT] if view.error else "",
        agent=view.agent,
        run_id=view.run_id,
        trigger_id=view.trigger.id,
        facts=_facts(view),
    )
    yield News(kind, f"ended {view.run_id}", notice, view.agent)


def of_buried(trigger: StoredTrigger, now: datetime) -> News:
    """A trigger that became a dead letter. One that is replayed and buried again is told again."""
    notice = Notice(
        kind=NoticeKind.DEAD_LETTER,
        title=f"a trigger of {trigger.agent} was given up",
        at=rfc3339(now),
        text=trigger.reason,
        hint="It is among the dead letters, where it can be replayed or discarded.",
        agent=trigger.agent,
        trigger_id=trigger.id,
        facts={"trigger": _trigger(trigger.type, trigger.source), "since": rfc3339(trigger.created_at)},
    )
    return News(NoticeKind.DEAD_LETTER, f"buried {trigger.id} {rfc3339(trigger.created_at)}", notice, trigger.agent)


def of_held(trigger: StoredTrigger, error: FreeholdError, now: datetime) -> News:
    """A run that cannot begin; told once a day for the same reason."""
    notice = Notice(
        kind=NoticeKind.FAILED,
        title=f"{trigger.agent} cannot begin",
        at=rfc3339(now),
        text=error.message[:LONGEST_TEXT],
        hint=f"{error.hint} It is tried again until it can.".strip()[:LONGEST_TEXT],
        agent=trigger.agent,
        trigger_id=trigger.id,
    )
    reason = hashlib.sha256(error.message.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return News(NoticeKind.FAILED, f"held {trigger.agent} {rfc3339(now)[:10]} {reason}", notice, trigger.agent)


def of_waiting(view: RunView, now: datetime) -> Iterator[News]:
    """Each question that a run waits for an answer to, where nobody sits before it: not in a chat, and not in a run
    that somebody began by hand, without the scheduler. One that is asked again, by the keeper that took the run over,
    is told again: it has another deadline, and what was answered before did not come through."""
    if not view.trigger.id or view.trigger.type is TriggerType.CHAT:
        return
    for asked in view.waiting_for:
        notice = Notice(
            kind=NoticeKind.PERMISSION,
            title=f"{view.agent} asks for permission",
            at=rfc3339(now),
            text=asked.title,
            hint=f"Without an answer until {asked.until[:16].replace('T', ' ')} UTC, the answer is: {_default(asked)}.",
            agent=view.agent,
            run_id=view.run_id,
            trigger_id=view.trigger.id,
            permission=asked,
        )
        yield News(
            NoticeKind.PERMISSION, f"asked {view.run_id} {asked.permission_id} {asked.until}", notice, view.agent
        )


def of_spending(budget: Budget, spent: Spent, now: datetime) -> Iterator[News]:
    """The project's money of this day and month: at 80 % of it, and when it is spent. Each once, for each limit."""
    day = rfc3339(now)[:10]
    for period, name, limit, used in (
        ("day", day, budget.usd_per_day, spent.day_usd),
        ("month", day[:7], budget.usd_per_month, spent.month_usd),
    ):
        if limit is None or used <= 0 or used < WARN_AT * limit:
            continue
        over = used >= limit
        title = f"the {period}'s budget is spent" if over else f"{WARN_AT:.0%} of the {period}'s budget is spent"
        stopped = f"Nothing begins until the next {period}, or until [budget] usd_per_{period} is raised."
        notice = Notice(
            kind=NoticeKind.BUDGET,
            title=title,
            at=rfc3339(now),
            text=f"${used:.2f} of ${limit:.2f} ({name}, UTC).",
            hint=stopped if over else "",
        )
        yield News(NoticeKind.BUDGET, f"spent {name} {limit:g} {'all' if over else 'most'}", notice)


def _kind_of(view: RunView) -> NoticeKind | None:
    match view.result:
        case Result.COMPLETED:
            return NoticeKind.COMPLETED
        case Result.BUDGET:
            return NoticeKind.BUDGET
        case Result.KILLED if view.error is None or view.error.code != Code.DENIED:
            return None  # a person wanted it
        case _:
            return NoticeKind.FAILED


def _facts(view: RunView) -> dict[str, str]:
    facts = {"trigger": _trigger(view.trigger.type, view.trigger.source)}
    if view.attempt > 1:
        facts["attempt"] = str(view.attempt)
    if view.started_at and view.finished_at:
        took = datetime.fromisoformat(view.finished_at) - datetime.fromisoformat(view.started_at)
        facts["took"] = duration(max(took.total_seconds(), 0.0))
    if view.cost_usd:
        facts["cost"] = f"${view.cost_usd:.2f}"
    return facts


def _trigger(type_: TriggerType, source: str) -> str:
    return f"{type_} {source}".strip()[:200]


def _default(asked: OpenPermission) -> str:
    return next((option.name for option in asked.options if option.id == asked.default), "none; it is cancelled")
