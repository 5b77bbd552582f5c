"""Which triggers begin: places, order, waiting times, and what holds them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freehold.scheduler.dispatch import AgentFacts, Decision, Waiting, decide

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def waits(
    name: str, *, agent: str = "dev", priority: int = 0, age_s: float = 0, for_s: float = 0, caller: str = ""
) -> Waiting:  # fmt: skip
    created, not_before = NOW - timedelta(seconds=age_s), NOW + timedelta(seconds=for_s)
    return Waiting.of(name, agent, priority=priority, created_at=created, not_before=not_before, caller=caller)


def begun(decision: Decision) -> list[str]:
    return [one.trigger_id for one in decision.begin]


def test_as_many_begin_as_there_are_places() -> None:
    queue = [waits("a", age_s=3), waits("b", age_s=2), waits("c", age_s=1)]
    assert begun(decide({"dev": queue}, {"dev": AgentFacts(scale=2, active=0)}, NOW)) == ["a", "b"]
    assert begun(decide({"dev": queue}, {"dev": AgentFacts(scale=2, active=2)}, NOW)) == []
    assert begun(decide({"dev": queue}, {"dev": AgentFacts(scale=0, active=1)}, NOW)) == []


def test_order_is_by_priority_and_then_by_age() -> None:
    queue = sorted([waits("old", age_s=9), waits("young", age_s=1), waits("urgent", age_s=2, priority=5)])
    assert begun(decide({"dev": queue}, {"dev": AgentFacts(3, 0)}, NOW)) == ["urgent", "old", "young"]


def test_the_places_of_the_project_go_round_by_the_same_order() -> None:
    queues = {
        "dev": [waits("a", age_s=9), waits("b", age_s=5)],
        "ops": [waits("c", agent="ops", age_s=7), waits("d", agent="ops", age_s=1)],
    }
    agents = {"dev": AgentFacts(5, 0), "ops": AgentFacts(5, 0)}
    assert begun(decide(queues, agents, NOW, free_in_project=3)) == ["a", "c", "b"]
    assert begun(decide(queues, agents, NOW, free_in_project=0)) == []


def test_what_a_run_called_goes_before_what_only_waits() -> None:
    queue = sorted([waits("old", age_s=9), waits("called", caller="ops-1"), waits("urgent", priority=5)])
    assert begun(decide({"dev": queue}, {"dev": AgentFacts(3, 0)}, NOW)) == ["urgent", "called", "old"]


def test_a_caller_lends_its_place_of_the_project_to_one_that_it_called() -> None:
    calls = sorted([waits("a", age_s=3, caller="ops-1"), waits("b", age_s=2, caller="ops-1"), waits("c", age_s=9)])
    facts = {"dev": AgentFacts(scale=5, active=0)}
    assert begun(decide({"dev": calls}, facts, NOW, free_in_project=0, lenders=["ops-1"])) == ["a"]
    assert begun(decide({"dev": calls}, facts, NOW, free_in_project=0, lenders=["ops-2"])) == []
    assert begun(decide({"dev": calls}, facts, NOW, free_in_project=1, lenders=["ops-1"])) == ["a", "b"]
    assert begun(decide({"dev": calls}, {"dev": AgentFacts(0, 0)}, NOW, free_in_project=0, lenders=["ops-1"])) == []


def test_one_that_is_to_wait_lets_others_pass_and_says_when_to_look_again() -> None:
    retry = waits("retry", for_s=30)
    decision = decide({"dev": [retry, waits("next", age_s=0)]}, {"dev": AgentFacts(1, 0)}, NOW, delayed=[retry])
    assert begun(decision) == ["next"]
    assert decision.look_again_at == NOW + timedelta(seconds=30)


def test_what_is_held_waits() -> None:
    queue = {"dev": [waits("a")], "gone": [waits("b", agent="gone")]}
    assert begun(decide(queue, {"dev": AgentFacts(1, 0, held="disabled")}, NOW)) == []
    assert begun(decide(queue, {"dev": AgentFacts(1, 0)}, NOW, held="paused")) == []
