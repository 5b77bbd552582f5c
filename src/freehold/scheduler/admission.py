"""Taking a trigger in: durably, once, and into a queue that has an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural
from freehold.project.triggering import QueueFull, Triggering
from freehold.store import triggers
from freehold.store.triggers import Origin, StoredTrigger
from freehold.wire.runs import TriggerType


class Admitted(msgspec.Struct, frozen=True):
    """`repeated`: the same one from the same source was taken in before, and `trigger` is that one. `buried` made room
    for it.
    """

    trigger: StoredTrigger
    repeated: bool = False
    buried: StoredTrigger | None = None


class Asked(msgspec.Struct, frozen=True):
    """A trigger that wants in, and how its agent takes triggers."""

    trigger: StoredTrigger
    rules: Triggering


def admit(connection: Connection, asked: Sequence[Asked], now: datetime) -> list[Admitted | FreeholdError]:
    """Write triggers down in their order, each as its agent's rules say. One whose queue is full, and whose rule is to
    refuse (calls always are), is BUSY in its place, and not written.
    """
    desk = _Desk(connection, triggers.same_as(connection, (one.trigger for one in asked)), now)
    outcomes = [desk.take(one) for one in asked]
    desk.write()
    return outcomes


class _Desk:
    """Counts instead of asking again: a burst for one agent costs no more than a few statements."""

    def __init__(self, connection: Connection, known: dict[Origin, StoredTrigger], now: datetime) -> None:
        self._connection = connection
        self._known = known
        self._now = now
        self._waiting: dict[str, int] = {}
        self._unwritten: list[StoredTrigger] = []

    def take(self, asked: Asked) -> Admitted | FreeholdError:
        trigger, buried = asked.trigger, None
        if trigger.source_id and (before := self._known.get(trigger.origin)):
            return Admitted(before, repeated=True)
        if self._waiting_of(trigger.agent) < asked.rules.most_waiting:
            self._waiting[trigger.agent] += 1
        else:
            self.write()  # those that have just come may be the ones that make room
            try:
                buried = _make_room(self._connection, trigger, asked.rules, self._now)
            except FreeholdError as error:
                return error
        self._unwritten.append(trigger)
        self._known[trigger.origin] = trigger
        return Admitted(trigger, buried=buried)

    def write(self) -> None:
        triggers.add_all(self._connection, self._unwritten)
        self._unwritten = []

    def _waiting_of(self, agent: str) -> int:
        if agent not in self._waiting:
            self._waiting[agent] = triggers.waiting_of(self._connection, agent)
        return self._waiting[agent]


def _make_room(connection: Connection, trigger: StoredTrigger, rules: Triggering, now: datetime) -> StoredTrigger:
    oldest = triggers.oldest_waiting(connection, trigger.agent)
    # A call makes no room for itself: an agent must not be able to bury what others asked for.
    refuses = rules.when_full is QueueFull.REFUSE or trigger.type is TriggerType.CALL
    if refuses or oldest is None or oldest.priority > trigger.priority:
        raise FreeholdError(
            Code.BUSY,
            f"agent {trigger.agent} is busy, and {plural(rules.most_waiting, 'trigger')} wait for it already",
            "Ask again later, or raise `scale` or `maxWorkQueueSize` of the agent.",
        )
    triggers.bury(connection, oldest.id, "its queue was full, and a newer one came", now)
    return oldest
