"""Who has the places that agents and the project have for runs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from freehold.scheduler.dispatch import Waiting
from freehold.wire.runs import RunView, TriggerType


def active_by_agent(active: Mapping[str, RunView], beginning: Mapping[str, Waiting]) -> Counter[str]:
    """How many runs each agent has, those included that are just being begun; both by run id."""
    return Counter(view.agent for view in active.values()) + Counter(
        one.agent for run_id, one in beginning.items() if run_id not in active
    )


def lent(active: Mapping[str, RunView], beginning: Iterable[Waiting]) -> set[str]:
    """The runs whose place of the project one has that they called."""
    called = {view.trigger.source for view in active.values() if view.trigger.type is TriggerType.CALL}
    called |= {one.caller for one in beginning}
    return called & active.keys()
