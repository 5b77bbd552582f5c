"""What is to be done: triggers, from before they are answered until each has one final attempt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, text, update

from freehold.store.bulk import count_among, insert_all_new, rows_among
from freehold.store.rows import milliseconds, moment, moment_or_none
from freehold.store.tables import triggers
from freehold.wire.runs import Result, RunOptions, TriggerType

Origin = tuple[str, str, str, str]


class TriggerState(StrEnum):
    """`waiting` for a place; `running` since an attempt was written down; then `done`, with the result of the final
    attempt, or `dead`: given up before it had one, and replayed only by a person, or let go by one: `done`, without a
    result.
    """

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the agent is told, and how it is run."""

    prompt: str = ""
    context: dict[str, Any] | None = None
    options: RunOptions = RunOptions()


class StoredTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """`source_id` tells two from the same source apart (a delivery, a due moment): the same one is taken once, when it
    is not empty. `run_id` is the latest attempt; `reruns` counts those of the attempts that the agent asked for itself.
    """

    id: str
    agent: str
    type: TriggerType
    source: str = ""
    source_id: str = ""
    payload: Payload = Payload()
    state: TriggerState = TriggerState.WAITING
    priority: int = 0
    created_at: datetime
    not_before: datetime
    attempts: int = 0
    reruns: int = 0
    run_id: str = ""
    ended_at: datetime | None = None
    result: str = ""
    reason: str = ""

    @property
    def origin(self) -> Origin:
        """What it has in common with its repetitions, where it has a `source_id`."""
        return self.agent, self.type, self.source, self.source_id


_HAS_ORIGIN = "source_id <> ''"
"""Word for word as in the index: SQLite uses a partial one only for what it can see to be in it, and a bound value is
not seen. Without it every trigger would be compared with all that its agent ever had."""


def add(connection: Connection, trigger: StoredTrigger) -> bool:
    """Write a trigger down; False when the same one from the same source is there already."""
    return insert_all_new(connection, triggers.name, _COLUMNS, [_values(trigger)]) == 1


def add_all(connection: Connection, new: Sequence[StoredTrigger]) -> None:
    """Write triggers down, none of which is there already."""
    insert_all_new(connection, triggers.name, _COLUMNS, [_values(one) for one in new])


def same_as(connection: Connection, asked: Iterable[StoredTrigger]) -> dict[Origin, StoredTrigger]:
    """Those from the same sources that are there already."""
    origins = {one.origin for one in asked if one.source_id}
    if not origins:
        return {}
    # Perhaps more than was asked for, where what several have is mixed; a condition for each would cost more.
    columns = ("agent", "type", "source", "source_id")
    mixed = {column: {origin[number] for origin in origins} for number, column in enumerate(columns)}
    found = map(_trigger, rows_among(connection, triggers.name, _COLUMNS, mixed, _HAS_ORIGIN))
    return {one.origin: one for one in found if one.origin in origins}


def take(connection: Connection, trigger_id: str, run_id: str) -> bool:
    """Write the next attempt down before it is begun; False when the trigger does not wait any more."""
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.WAITING)
        .values(state=TriggerState.RUNNING, run_id=run_id, attempts=triggers.c.attempts + 1, reason="")
    )
    return done.rowcount == 1


def put_back(
    connection: Connection, trigger_id: str, run_id: str, not_before: datetime, reason: str, *, rerun: bool = False,
    never_began: bool = False,
) -> bool:  # fmt: skip
    """Let it wait for another attempt; False when `run_id` is not its running attempt."""
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.RUNNING, triggers.c.run_id == run_id)
        .values(
            state=TriggerState.WAITING,
            not_before=milliseconds(not_before),
            reason=reason,
            reruns=triggers.c.reruns + (1 if rerun else 0),
            attempts=triggers.c.attempts - (1 if never_began else 0),
        )
    )
    return done.rowcount == 1


def finish(connection: Connection, trigger_id: str, run_id: str, result: Result, now: datetime) -> bool:
    """`run_id` was the final attempt; False when it is not the running one: nothing is final twice."""
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.RUNNING, triggers.c.run_id == run_id)
        .values(state=TriggerState.DONE, result=result, ended_at=milliseconds(now))
    )
    return done.rowcount == 1


def bury(connection: Connection, trigger_id: str, reason: str, now: datetime) -> bool:
    """Move a waiting trigger to the dead letters; False when it does not wait."""
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.WAITING)
        .values(state=TriggerState.DEAD, reason=reason, ended_at=milliseconds(now))
    )
    return done.rowcount == 1


def revive(connection: Connection, trigger_id: str, now: datetime) -> bool:
    """Let a dead letter wait again, as if it had come now; False when it is none."""
    at = milliseconds(now)
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.DEAD)
        .values(state=TriggerState.WAITING, reason="", ended_at=None, not_before=at, created_at=at)
    )
    return done.rowcount == 1


def let_go(connection: Connection, trigger_id: str, reason: str, now: datetime) -> bool:
    """Nobody will replay a dead letter: it is done, without a result; False when it is none."""
    done = connection.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id, triggers.c.state == TriggerState.DEAD)
        .values(state=TriggerState.DONE, reason=reason, ended_at=milliseconds(now))
    )
    return done.rowcount == 1


def find(connection: Connection, trigger_id: str) -> StoredTrigger | None:
    row = connection.execute(select(triggers).where(triggers.c.id == trigger_id)).first()
    return _trigger(row) if row else None


def of_run(connection: Connection, run_id: str) -> StoredTrigger | None:
    """The trigger whose latest attempt is this run."""
    row = connection.execute(select(triggers).where(triggers.c.run_id == run_id)).first()
    return _trigger(row) if row else None


def in_state(connection: Connection, *states: TriggerState) -> list[StoredTrigger]:
    """Oldest first."""
    wanted = select(triggers).where(triggers.c.state.in_(states)).order_by(triggers.c.created_at, triggers.c.id)
    return [_trigger(row) for row in connection.execute(wanted)]


def waiting_of(connection: Connection, agent: str, kind: TriggerType | None = None) -> int:
    """How many wait for the agent."""
    wanted = {"agent": [agent], "state": [TriggerState.WAITING.value]}
    return count_among(connection, triggers.name, {**wanted, "type": [kind.value]} if kind else wanted)


def count_dead(connection: Connection) -> int:
    """How many dead letters there are."""
    wanted = select(func.count()).where(triggers.c.state == TriggerState.DEAD)
    return connection.execute(wanted).scalar_one()


def of_origin(
    connection: Connection, agents: Sequence[str], kind: TriggerType, source: str, source_id: str
) -> list[StoredTrigger]:
    """What one delivery, for example, started among these agents."""
    mine = (triggers.c.type == kind, triggers.c.source == source, triggers.c.source_id == source_id)
    wanted = select(triggers).where(triggers.c.agent.in_(agents), *mine, text(_HAS_ORIGIN)).order_by(triggers.c.id)
    return [_trigger(row) for row in connection.execute(wanted)]


def oldest_waiting(connection: Connection, agent: str) -> StoredTrigger | None:
    """The one that makes room when the queue is full: the oldest of the lowest priority."""
    wanted = (
        select(triggers)
        .where(triggers.c.agent == agent, triggers.c.state == TriggerState.WAITING)
        .order_by(triggers.c.priority, triggers.c.created_at, triggers.c.id)
        .limit(1)
    )
    row = connection.execute(wanted).first()
    return _trigger(row) if row else None


def page(
    connection: Connection, states: Sequence[TriggerState], *, agent: str = "", before: str = "", limit: int = 50
) -> list[StoredTrigger]:
    """Newest first; `before` is the id of the last one seen."""
    wanted = select(triggers).where(triggers.c.state.in_(states)).order_by(triggers.c.id.desc()).limit(limit)
    if agent:
        wanted = wanted.where(triggers.c.agent == agent)
    if before:
        wanted = wanted.where(triggers.c.id < before)
    return [_trigger(row) for row in connection.execute(wanted)]


_COLUMNS = (
    "id", "agent", "type", "source", "source_id", "payload", "state", "priority", "created_at", "not_before",
    "attempts", "reruns", "run_id", "ended_at", "result", "reason",
)  # fmt: skip


def _values(trigger: StoredTrigger) -> tuple[object, ...]:
    """In the order of `_COLUMNS`."""
    return (
        trigger.id,
        trigger.agent,
        trigger.type.value,
        trigger.source,
        trigger.source_id,
        msgspec.json.encode(trigger.payload).decode(),
        trigger.state.value,
        trigger.priority,
        milliseconds(trigger.created_at),
        milliseconds(trigger.not_before),
        trigger.attempts,
        trigger.reruns,
        trigger.run_id,
        None if trigger.ended_at is None else milliseconds(trigger.ended_at),
        trigger.result,
        trigger.reason,
    )


def _trigger(row: Row[Any]) -> StoredTrigger:
    return StoredTrigger(
        id=row.id,
        agent=row.agent,
        type=TriggerType(row.type),
        source=row.source,
        source_id=row.source_id,
        payload=msgspec.json.decode(row.payload, type=Payload),
        state=TriggerState(row.state),
        priority=row.priority,
        created_at=moment(row.created_at),
        not_before=moment(row.not_before),
        attempts=row.attempts,
        reruns=row.reruns,
        run_id=row.run_id,
        ended_at=moment_or_none(row.ended_at),
        result=row.result,
        reason=row.reason,
    )
