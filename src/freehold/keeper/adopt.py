"""What a new keeper does with the runs of the one before it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from freehold.base.clock import rfc3339
from freehold.keeper.record import BEFORE_CONTAINER, Record, Step
from freehold.runtime.engine import Found

MOST_ADOPTIONS = 5
"""Keepers seldom die soon, and a run seldom sees two do so; one that sees this many is likely the reason."""
KEPT_FOR = timedelta(seconds=10)
"""A keeper that lasted this long with a run did not die of it."""


class Adoption(Enum):
    """What to do next with a run that was found."""

    NOTHING = "it is finished and cleaned"
    CLEAN = "its result stands; remove what it left"
    FINISH = "its container ended while nobody looked: take its exit code and finish"
    WATCH = "its container runs: open its socket again and go on watching"
    STOP = "it was being stopped: kill its container and finish"
    PREPARE = "its container never started: prepare it anew"
    GIVE_UP = "its container is gone, or it was adopted too often: it is lost"


def count(record: Record, now: datetime) -> None:
    """Note that the run is taken over once more. A run that lasts sees keepers come and go, and outlives them."""
    lasted = bool(record.adopted_at) and now - datetime.fromisoformat(record.adopted_at) >= KEPT_FOR
    record.adoptions += 1
    record.hasty_adoptions = 1 if lasted else record.hasty_adoptions + 1
    record.adopted_at = rfc3339(now)


def decide(record: Record, found: Found | None, *, result_logged: bool) -> Adoption:
    """`found` is the run as the engine knows it, None when it does not; this adoption is counted (`count`).

    `result_logged`: `run.finished` is in the event file, so the result is out and must not be told twice.
    """
    if record.step is Step.CLEANED:
        return Adoption.NOTHING
    if result_logged or record.step is Step.FINISHED:
        return Adoption.CLEAN
    if record.hasty_adoptions > MOST_ADOPTIONS:
        return Adoption.GIVE_UP
    if record.stop is not None:
        return Adoption.STOP
    if found is not None and found.started:
        return Adoption.WATCH if found.running else Adoption.FINISH
    if record.step in BEFORE_CONTAINER or record.step is Step.CONTAINER:
        return Adoption.PREPARE
    return Adoption.GIVE_UP
