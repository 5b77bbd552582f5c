"""What waits, in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freehold.scheduler.queues import Queues
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import TriggerType

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def stored(name: str, *, agent: str = "dev", priority: int = 0, delay_s: float = 0) -> StoredTrigger:
    return StoredTrigger(
        id=name, agent=agent, type=TriggerType.MANUAL, priority=priority, created_at=NOW,
        not_before=NOW + timedelta(seconds=delay_s),
    )  # fmt: skip


def waiting(queues: Queues) -> dict[str, list[str]]:
    return {agent: [one.trigger_id for one in queue] for agent, queue in queues.by_agent.items()}


def test_each_agent_has_a_queue_in_the_order_in_which_they_begin() -> None:
    queues = Queues([stored("b"), stored("c", priority=1), stored("a"), stored("d", agent="ops")])
    assert waiting(queues) == {"dev": ["c", "a", "b"], "ops": ["d"]}
    assert (len(queues), queues.length("dev"), queues.length("nobody")) == (4, 3, 0)


def test_whatever_is_removed_the_others_stay_in_order() -> None:
    names = [str(number) for number in range(9)]
    for gone in names:
        queues = Queues([stored(name, priority=int(name) % 3) for name in names])
        before = waiting(queues)["dev"]
        queues.remove(gone)
        queues.remove("nothing")
        assert waiting(queues)["dev"] == [name for name in before if name != gone]


def test_the_last_one_takes_the_queue_with_it() -> None:
    queues = Queues([stored("a")])
    queues.remove("a")
    assert (len(queues), waiting(queues)) == (0, {})


def test_those_that_were_told_to_wait_are_known_until_they_wait_no_more() -> None:
    queues = Queues([stored("a"), stored("b", delay_s=30), stored("c", delay_s=60)])
    assert {one.trigger_id for one in queues.delayed} == {"b", "c"}
    queues.add(stored("b"))  # it waits already, and now as it says now
    queues.remove("c")
    assert list(queues.delayed) == []
    assert waiting(queues) == {"dev": ["a", "b"]}
