"""What waits, in memory: an index of the waiting triggers, so that a decision need not read the database."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence

from freehold.scheduler.dispatch import Waiting
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import TriggerType


class Queues:
    """One sorted queue an agent; agents without one are not in `by_agent`."""

    def __init__(self, triggers: Iterable[StoredTrigger] = ()) -> None:
        self._queues: dict[str, list[Waiting]] = {}
        self._known: dict[str, Waiting] = {}
        self._delayed: dict[str, Waiting] = {}
        for trigger in triggers:
            self.add(trigger)

    @property
    def by_agent(self) -> Mapping[str, Sequence[Waiting]]:
        return self._queues

    @property
    def delayed(self) -> Collection[Waiting]:
        """Those that were told to wait before they begin."""
        return self._delayed.values()

    def __len__(self) -> int:
        return len(self._known)

    def length(self, agent: str) -> int:
        return len(self._queues.get(agent, ()))

    def add(self, trigger: StoredTrigger) -> None:
        """Let a trigger wait; one that waits already waits as it says now."""
        self.remove(trigger.id)
        waiting = Waiting.of(
            trigger.id,
            trigger.agent,
            priority=trigger.priority,
            created_at=trigger.created_at,
            not_before=trigger.not_before,
            caller=trigger.source if trigger.type is TriggerType.CALL else "",
        )
        self._known[trigger.id] = waiting
        if waiting.is_delayed:
            self._delayed[trigger.id] = waiting
        insort(self._queues.setdefault(trigger.agent, []), waiting)

    def remove(self, trigger_id: str) -> None:
        """It waits no more; nothing happens when it did not."""
        waiting = self._known.pop(trigger_id, None)
        if waiting is None:
            return
        self._delayed.pop(trigger_id, None)
        queue = self._queues[waiting.agent]
        del queue[bisect_left(queue, waiting)]
        if not queue:
            del self._queues[waiting.agent]
