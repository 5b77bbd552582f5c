"""What follows when an attempt has ended: another attempt, or none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from freehold.wire.runs import Result, TriggerType

LONGEST_DELAY_S = 3600.0


class Next(Enum):
    """The attempt was final, or the trigger waits again: because the agent asked for it, or because it failed."""

    FINAL = "final"
    RERUN = "rerun"
    RETRY = "retry"


@dataclass(frozen=True)
class Retries:
    """How often a failed attempt is repeated, and after how long: doubled each time, at most an hour."""

    most: int = 0
    delay_s: float = 30.0

    def delay(self, failures: int) -> timedelta:
        """Before the attempt that follows so many failed ones (1 or more)."""
        doubled = self.delay_s * 2.0 ** min(failures - 1, 32)
        return timedelta(seconds=min(doubled, max(LONGEST_DELAY_S, self.delay_s)))


@dataclass(frozen=True)
class Ended:
    """An attempt that ended. `attempts` counts it and those before; `reruns` are those that the agent asked for, and
    `unbegun` those whose engine was away before they began. `began` is of this one.
    """

    type: TriggerType
    result: Result
    attempts: int
    reruns: int
    unbegun: int = 0
    began: bool = True


@dataclass(frozen=True)
class Aftermath:
    next: Next
    not_before: datetime
    reason: str = ""


_FAILED = frozenset({Result.ERROR, Result.TIMEOUT, Result.LOST})
"""What may go better the next time. A killed run was not wanted; a spent budget would be spent again."""
_ONCE = frozenset({TriggerType.CHAT})


def decide(ended: Ended, retries: Retries, most_reruns: int, now: datetime) -> Aftermath:
    """A run that asks for a rerun is begun again at once, up to `most_reruns` times; a call's caller gets its answer
    after the first one. What failed is repeated as `retries` says; what its engine kept from beginning, in any case.
    """
    if ended.type in _ONCE:
        return Aftermath(Next.FINAL, now)
    if ended.result is Result.RERUN and ended.type is not TriggerType.CALL:
        if ended.reruns < most_reruns:
            return Aftermath(Next.RERUN, now, "the agent asked to be run again")
        return Aftermath(Next.FINAL, now, f"it asked to be run again more than {most_reruns} times")
    if not ended.began:
        return Aftermath(Next.RETRY, now, f"attempt {ended.attempts} did not begin: its engine was away")
    failures = ended.attempts - ended.reruns - ended.unbegun
    if ended.result in _FAILED and failures <= retries.most:
        return Aftermath(Next.RETRY, now + retries.delay(failures), f"attempt {ended.attempts} ended as {ended.result}")
    return Aftermath(Next.FINAL, now)
