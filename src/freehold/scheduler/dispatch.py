"""Which triggers begin now. Pure: facts in, a decision out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple


class Waiting(NamedTuple):
    """A trigger in the queue. They sort as they begin: higher priority first, of the same one what a run has called,
    then first come, first served.

    A tuple, which compares ten times as fast as a dataclass: a burst puts thousands in their places.
    """

    rank: int
    nobody_waits: bool
    """A caller holds a place until it is answered: what it called goes before what only waits."""
    created_at: datetime
    trigger_id: str
    agent: str
    not_before: datetime
    """Until then it lets others pass."""
    caller: str
    """The run that called it; empty where none did."""

    @classmethod
    def of(
        cls, trigger_id: str, agent: str, *, priority: int, created_at: datetime, not_before: datetime, caller: str = ""
    ) -> Waiting:  # fmt: skip
        return cls(-priority, not caller, created_at, trigger_id, agent, not_before, caller)

    @property
    def is_delayed(self) -> bool:
        """Whether it was told to wait; the others could begin when they came."""
        return self.not_before > self.created_at


@dataclass(frozen=True)
class AgentFacts:
    """`scale` is how many runs it may have at a time, `active` how many it has. `held` says why none begins."""

    scale: int
    active: int
    held: str = ""

    @property
    def free(self) -> int:
        return 0 if self.held else max(self.scale - self.active, 0)


@dataclass(frozen=True)
class Decision:
    """`begin` are the triggers that begin now, in order. `look_again_at` is when time alone may let another begin."""

    begin: tuple[Waiting, ...]
    look_again_at: datetime | None


def decide(
    queues: Mapping[str, Sequence[Waiting]],
    agents: Mapping[str, AgentFacts],
    now: datetime,
    *,
    delayed: Iterable[Waiting] = (),
    free_in_project: int | None = None,
    lenders: Collection[str] = (),
    held: str = "",
) -> Decision:
    """Of each agent's sorted queue as many as it has places; of all together as many as the project has (None: any).
    Each run of `lenders` lends its place to one that it called: those that wait for an answer must not keep it from
    being given.

    `delayed` are those in the queues that were told to wait. `held` says why nothing begins at all: paused, or the
    day's money is spent. A queue without facts waits.
    """
    look_again_at = min((one.not_before for one in delayed if one.not_before > now), default=None)
    if held:
        return Decision((), look_again_at)
    ready = [_ready(queue, agents[agent].free, now) for agent, queue in queues.items() if agent in agents]
    in_order = sorted(chain.from_iterable(ready))  # of runs that are sorted, which takes a fifth of merging them
    return Decision(tuple(_placed(in_order, free_in_project, set(lenders))), look_again_at)


def _placed(ready: Iterable[Waiting], free: int | None, lenders: set[str]) -> Iterator[Waiting]:
    for one in ready:
        if one.caller in lenders:
            lenders.remove(one.caller)
        elif free is not None:
            if free == 0:
                continue
            free -= 1
        yield one


def _ready(queue: Sequence[Waiting], free: int, now: datetime) -> list[Waiting]:
    return list(islice((one for one in queue if one.not_before <= now), free))
