"""Taking a trigger in: durably, once, and into a queue that has an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural
from freehold.project.triggering import QueueFull, Triggering
from freehold.store import triggers
from freehold.store.triggers import StoredTrigger


@dataclass(frozen=True)
class Admitted:
    """`repeated`: the same one from the same source was taken in before, and `trigger` is that one. `buried` made room
    for it.
    """

    trigger: StoredTrigger
    repeated: bool = False
    buried: StoredTrigger | None = None


def admit(connection: Connection, trigger: StoredTrigger, rules: Triggering, now: datetime) -> Admitted:
    """Write the trigger down, as its agent's `rules` say.

    Raises BUSY when the queue is full and its rule is to refuse; nothing is written then.
    """
    if before := triggers.same_as(connection, trigger):
        return Admitted(before, repeated=True)
    buried = None
    if triggers.waiting_of(connection, trigger.agent) >= rules.most_waiting:
        buried = _make_room(connection, trigger, rules, now)
    triggers.add(connection, trigger)
    return Admitted(trigger, buried=buried)


def _make_room(connection: Connection, trigger: StoredTrigger, rules: Triggering, now: datetime) -> StoredTrigger:
    oldest = triggers.oldest_waiting(connection, trigger.agent)
    if rules.when_full is QueueFull.REFUSE or oldest is None or oldest.priority > trigger.priority:
        raise FreeholdError(
            Code.BUSY,
            f"agent {trigger.agent} is busy, and {plural(rules.most_waiting, 'trigger')} wait for it already",
            "Ask again later, or raise `scale` or `maxWorkQueueSize` of the agent.",
        )
    triggers.bury(connection, oldest.id, "its queue was full, and a newer one came", now)
    return oldest
