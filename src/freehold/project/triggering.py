"""How an agent takes its triggers: what waits, what is repeated, and what a full queue does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from freehold.project.key import Key, Kind


class Overlap(StrEnum):
    """What a moment of the schedule does while the agent has no free place."""

    QUEUE = "queue"
    SKIP = "skip"
    REPLACE = "replace"


class QueueFull(StrEnum):
    """Who gives way when the queue is full: the oldest trigger, which becomes a dead letter, or the new one."""

    DEAD_LETTER = "dead_letter"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Triggering:
    """`most_waiting` triggers wait for the agent. A failed run is repeated `retries` times, `retry_delay_s` seconds
    after the first failure and twice as long after each further one. A higher `priority` begins first.
    """

    most_waiting: int
    overlap: Overlap = Overlap.QUEUE
    when_full: QueueFull = QueueFull.DEAD_LETTER
    priority: int = 0
    retries: int = 0
    retry_delay_s: int = 30


_I, _S = Kind.INTEGER, Kind.STRING

KEYS = (
    Key(
        "overlap",
        _S,
        "What a moment of `schedule` does while the agent is busy: one waits, it is skipped, or the run that the "
        "schedule began is ended and a new one begins.",
        str(Overlap.QUEUE),
        choices=tuple(Overlap),
    ),
    Key(
        "queue_full",
        _S,
        "What a full queue does: the oldest trigger becomes a dead letter, which can be replayed, or the new one is "
        "refused.",
        str(QueueFull.DEAD_LETTER),
        choices=tuple(QueueFull),
    ),
    Key("priority", _I, "Triggers with a higher one begin first.", 0),
    Key("retries", _I, "How often a run that failed is repeated.", 0, minimum=0),
    Key("retry_delay", _I, "Seconds before the first repetition; doubled each time, at most an hour.", 30, minimum=1),
)


def triggering_of(values: Mapping[str, Any], queue_size: int) -> Triggering:
    """From an agent's checked keys; `queue_size` is the project's `workQueueSize`."""
    own = values["maxWorkQueueSize"]
    return Triggering(
        most_waiting=queue_size if own is None else own,
        overlap=Overlap(values["overlap"]),
        when_full=QueueFull(values["queue_full"]),
        priority=values["priority"],
        retries=values["retries"],
        retry_delay_s=values["retry_delay"],
    )
