"""One attempt at a trigger, in the database: written before it begins, closed with what follows, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from freehold.scheduler import aftermath
from freehold.scheduler.aftermath import Aftermath, Ended, Next, Retries
from freehold.scheduler.edition import Edition
from freehold.store import calls, locks, run_index, triggers
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.runs import Result, RunView, StartRun, Trigger, TriggerType


@dataclass(frozen=True)
class Closed:
    """What became of a run that ended. `trigger` is as it stands now (None: the run had none of ours, or it is not its
    running attempt). `orphans` are waiting calls that the run made before it died.
    """

    first_time: bool
    trigger: StoredTrigger | None = None
    after: Aftermath | None = None
    orphans: tuple[StoredTrigger, ...] = ()


def start_of(trigger: StoredTrigger, edition: Edition) -> StartRun:
    """What the keeper is asked for. A trigger for another environment than the scheduler's reads the files as they
    are: there is no revision of it."""
    options = trigger.payload.options
    environment = options.environment or edition.project.environment
    if environment == edition.project.environment:
        revision = edition.revision_of(trigger.agent)
        options = msgspec.structs.replace(options, environment=environment, revision=revision)
    told = Trigger(
        type=trigger.type,
        source=trigger.source,
        id=trigger.id,
        prompt=trigger.payload.prompt,
        context=trigger.payload.context,
    )
    return StartRun(
        run_id=trigger.run_id,
        agent=trigger.agent,
        trigger=told,
        attempt=trigger.attempts,
        options=options,
    )


def write(connection: Connection, trigger_id: str, run_id: str) -> StoredTrigger | None:
    """Write the next attempt down; None when the trigger does not wait any more."""
    if not triggers.take(connection, trigger_id, run_id):
        return None
    trigger = triggers.find(connection, trigger_id)
    assert trigger is not None
    if trigger.type is TriggerType.CALL:
        calls.began(connection, trigger_id)
    return trigger


def close(connection: Connection, view: RunView, retries: Retries, most_reruns: int, now: datetime) -> Closed:
    """Take in that a run has ended. May be called again for the same run, and then changes nothing."""
    first_time = run_index.record(connection, view)
    locks.release_all(connection, view.run_id)
    orphans = _orphans(connection, view, now)
    trigger = triggers.find(connection, view.trigger.id) if view.trigger.id else None
    if trigger is None or trigger.state is not TriggerState.RUNNING or trigger.run_id != view.run_id:
        return Closed(first_time, orphans=orphans)
    ended = Ended(
        trigger.type,
        view.result or Result.LOST,
        trigger.attempts,
        trigger.reruns,
        unbegun=run_index.count_unbegun(connection, trigger.id) if trigger.attempts > 1 else 0,
        began=not view.never_began,
    )
    after = aftermath.decide(ended, retries, most_reruns, now)
    if after.next is Next.FINAL:
        triggers.finish(connection, trigger.id, view.run_id, ended.result, now)
        _answer_call(connection, trigger, view, now)
    else:
        again = after.next is Next.RERUN
        triggers.put_back(connection, trigger.id, view.run_id, after.not_before, after.reason, rerun=again)
    return Closed(first_time, triggers.find(connection, trigger.id), after, orphans)


def _answer_call(connection: Connection, trigger: StoredTrigger, view: RunView, now: datetime) -> None:
    if trigger.type is not TriggerType.CALL:
        return
    if view.result in (Result.COMPLETED, Result.RERUN):
        calls.end(connection, trigger.id, now, return_value=view.return_value)
    else:
        why = view.error.message if view.error else f"it ended as {view.result}"
        calls.end(connection, trigger.id, now, error=f"{view.run_id}: {why}")


def _orphans(connection: Connection, view: RunView, now: datetime) -> tuple[StoredTrigger, ...]:
    """Nobody waits for the calls of a run that died: those that have not begun become dead letters. Those of a run
    that completed go on: it may have wanted no answer.
    """
    if view.result in (Result.COMPLETED, Result.RERUN):
        return ()
    buried = []
    for call in calls.open_of(connection, [view.run_id]):
        if triggers.bury(connection, call.id, f"its caller, {view.run_id}, ended as {view.result}", now):
            calls.end(connection, call.id, now, error="its caller ended before it began")
            trigger = triggers.find(connection, call.id)
            assert trigger is not None
            buried.append(trigger)
    return tuple(buried)
