"""Whose places are taken, and whose are lent."""

from __future__ import annotations

from datetime import UTC, datetime

from freehold.scheduler.dispatch import Waiting
from freehold.scheduler.places import active_by_agent, lent
from freehold.wire.runs import RunState, RunView, Trigger, TriggerType

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def run(run_id: str, caller: str = "") -> RunView:
    trigger = Trigger(TriggerType.CALL, caller, "t") if caller else Trigger(TriggerType.MANUAL, "caller-9", "t")
    agent = run_id.partition("-")[0]
    return RunView(run_id=run_id, agent=agent, attempt=1, trigger=trigger, state=RunState.RUNNING, queued_at="")


def begins(agent: str, caller: str = "") -> Waiting:
    return Waiting.of("t", agent, priority=0, created_at=NOW, not_before=NOW, caller=caller)


def active(*runs: RunView) -> dict[str, RunView]:
    return {view.run_id: view for view in runs}


def test_what_begins_counts_as_well() -> None:
    runs = active(run("dev-1"), run("ops-1"))
    assert active_by_agent(runs, {"dev-2": begins("dev"), "ops-1": begins("ops")}) == {"dev": 2, "ops": 1}


def test_each_caller_lends_its_place_once() -> None:
    chain = active(run("dev-1"), run("ops-1", "dev-1"), run("ops-2", "dev-1"), run("qa-1", "ops-1"))
    assert lent(chain, []) == {"dev-1", "ops-1"}
    assert lent(active(run("dev-1")), [begins("ops", "dev-1")]) == {"dev-1"}


def test_a_caller_that_has_ended_lends_nothing() -> None:
    assert lent(active(run("ops-1", "dev-1")), [begins("qa", "dev-2"), begins("qa")]) == set()
