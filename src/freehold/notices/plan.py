"""What is sent now, what waits to be told together, and when what did not get through is tried again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freehold.project.notices import NoticeKind
from freehold.store.notices import StoredNotice

WINDOW = timedelta(seconds=60)
MOST_ALONE = 5
"""Messages in a minute to one channel; what comes beyond is told together."""
MOST_QUESTIONS = 20
"""The same of messages that ask for something, which cannot wait."""
FIRST_RETRY_S, LONGEST_RETRY_S = 30.0, 3600.0
GIVE_UP_AFTER = timedelta(days=1)
MOST_REFUSALS = 5
"""How often one that is refused, while others are taken, is tried."""


@dataclass(frozen=True)
class Plan:
    """Each of `batches` is one message. `held` waits until `held_until`. `over` is of no use any more."""

    batches: tuple[tuple[StoredNotice, ...], ...]
    held: tuple[StoredNotice, ...] = ()
    held_until: datetime | None = None
    over: tuple[StoredNotice, ...] = ()


def plan(due: Sequence[StoredNotice], recent: Sequence[datetime], now: datetime) -> Plan:
    """`due` is of one channel, the oldest first; `recent` is when messages were sent to it in the last minute."""
    over = tuple(one for one in due if is_over(one, now))
    left = [one for one in due if not is_over(one, now)]
    questions = [one for one in left if one.notice.kind == NoticeKind.PERMISSION]
    others = [one for one in left if one.notice.kind != NoticeKind.PERMISSION]
    asking, waiting_questions = _batches(questions, MOST_QUESTIONS - len(recent))
    telling, waiting_others = _batches(others, MOST_ALONE - len(recent) - len(asking))
    held = (*waiting_questions, *waiting_others)
    # The first of the recent ones makes room; what is just being sent does in a minute.
    until = (min(recent) if recent else now) + WINDOW
    return Plan((*asking, *telling), held, max(until, now + timedelta(seconds=1)) if held else None, over)


def is_over(stored: StoredNotice, now: datetime) -> bool:
    """Whether it asks for what cannot be answered any more."""
    asked = stored.notice.permission
    return asked is not None and datetime.fromisoformat(asked.until) <= now


def again_at(attempts: int, retry_after_s: float, now: datetime) -> datetime:
    """When one that did not get through so many times (1 or more) is tried again."""
    doubled = FIRST_RETRY_S * 2.0 ** min(attempts - 1, 16)
    return now + timedelta(seconds=min(max(doubled, retry_after_s), LONGEST_RETRY_S))


def is_hopeless(stored: StoredNotice, now: datetime, *, refused: bool) -> bool:
    """Whether one that did not get through just now is given up."""
    return now - stored.created_at >= GIVE_UP_AFTER or (refused and stored.attempts + 1 >= MOST_REFUSALS)


def _batches(
    those: Sequence[StoredNotice], free: int
) -> tuple[tuple[tuple[StoredNotice, ...], ...], tuple[StoredNotice, ...]]:
    """As many messages as there is room for, and what must wait for some."""
    if len(those) <= max(free, 0):
        return tuple((one,) for one in those), ()
    if free <= 0:
        return (), tuple(those)
    return (tuple(those),), ()
