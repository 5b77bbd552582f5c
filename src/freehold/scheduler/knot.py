"""Whether a call could never be answered: every run that could make way for it waits, through others, for its caller.
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OpenCall:
    """A run waits for an answer: of the run `callee`, or (empty) for a place of `agent` to be free."""

    caller: str
    agent: str
    callee: str = ""


def is_knot(new: OpenCall, calls: Iterable[OpenCall], runs: Mapping[str, str], scales: Mapping[str, int]) -> bool:
    """`runs` are those under way, with their agents; `calls` the open ones. An agent without a scale is no obstacle.

    Every run is taken to wait for all that it called: one that does not is told no only where it could not.
    """
    asked: dict[str, list[OpenCall]] = {}
    for call in (*calls, new):
        asked.setdefault(call.caller, []).append(call)
    taken = Counter(runs.values())
    ending: set[str] = set()

    def is_answered(call: OpenCall) -> bool:
        if call.callee:
            return call.callee in ending or call.callee not in runs
        if taken[call.agent] < scales.get(call.agent, taken[call.agent] + 1):
            return True
        return any(agent == call.agent and run_id in ending for run_id, agent in runs.items())

    while more := {
        run_id for run_id in runs.keys() - ending if all(is_answered(call) for call in asked.get(run_id, ()))
    }:
        ending |= more
    return new.caller in runs and new.caller not in ending
