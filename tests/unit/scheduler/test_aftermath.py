"""What follows an attempt: reruns, retries with back-off, or the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freehold.scheduler.aftermath import Ended, Next, Retries, decide
from freehold.wire.runs import Result, TriggerType

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MANUAL, CALL, CHAT = TriggerType.MANUAL, TriggerType.CALL, TriggerType.CHAT

CASES = [
    ("it went well", Ended(MANUAL, Result.COMPLETED, 1, 0), 3, Next.FINAL, 0),
    ("it asks to be run again", Ended(MANUAL, Result.RERUN, 1, 0), 0, Next.RERUN, 0),
    ("and again", Ended(TriggerType.WEBHOOK, Result.RERUN, 10, 9), 0, Next.RERUN, 0),
    ("too often", Ended(MANUAL, Result.RERUN, 11, 10), 0, Next.FINAL, 0),
    ("a call's caller has its answer", Ended(CALL, Result.RERUN, 1, 0), 0, Next.FINAL, 0),
    ("it failed, and is not repeated", Ended(MANUAL, Result.ERROR, 1, 0), 0, Next.FINAL, 0),
    ("the first retry", Ended(MANUAL, Result.ERROR, 1, 0), 2, Next.RETRY, 30),
    ("the second, after twice as long", Ended(MANUAL, Result.TIMEOUT, 2, 0), 2, Next.RETRY, 60),
    ("that was the last", Ended(MANUAL, Result.LOST, 3, 0), 2, Next.FINAL, 0),
    ("reruns are no failures", Ended(MANUAL, Result.ERROR, 5, 4), 1, Next.RETRY, 30),
    ("its engine was away before it began", Ended(MANUAL, Result.LOST, 1, 0, 1, began=False), 0, Next.RETRY, 0),
    ("and that is no failure later", Ended(MANUAL, Result.ERROR, 3, 0, 2), 1, Next.RETRY, 30),
    ("but only that is none", Ended(MANUAL, Result.ERROR, 4, 0, 2), 1, Next.FINAL, 0),
    ("killed on purpose", Ended(MANUAL, Result.KILLED, 1, 0), 5, Next.FINAL, 0),
    ("its budget is spent", Ended(MANUAL, Result.BUDGET, 1, 0), 5, Next.FINAL, 0),
    ("nobody is there to chat any more", Ended(CHAT, Result.ERROR, 1, 0), 5, Next.FINAL, 0),
]


@pytest.mark.parametrize(
    ("ended", "retries", "following", "delay_s"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_follows(ended: Ended, retries: int, following: Next, delay_s: int) -> None:
    after = decide(ended, Retries(retries, 30.0), 10, NOW)
    assert after.next is following
    assert after.not_before == NOW + timedelta(seconds=delay_s)
    assert after.reason or following is Next.FINAL


def test_a_delay_is_an_hour_at_most() -> None:
    assert Retries(100, 30.0).delay(90) == timedelta(hours=1)
    assert Retries(100, 7200.0).delay(90) == timedelta(hours=2)
