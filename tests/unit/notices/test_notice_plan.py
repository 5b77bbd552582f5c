"""What is sent now, what waits to be told together, and when something is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from freehold.notices.plan import again_at, is_hopeless, plan
from freehold.project.notices import NoticeKind
from freehold.store.notices import StoredNotice
from tests.support.notices import NOW, asked, stored


def failures(number: int) -> list[StoredNotice]:
    return [stored(at) for at in range(number)]


def questions(number: int) -> list[StoredNotice]:
    return [stored(1000 + at, NoticeKind.PERMISSION, permission=asked()) for at in range(number)]


def ago(*seconds: int) -> list[datetime]:
    return [NOW - timedelta(seconds=one) for one in seconds]


CASES: list[tuple[Sequence[StoredNotice], list[datetime], list[int], int]] = [
    (failures(0), [], [], 0),
    (failures(1), [], [1], 0),
    (failures(5), [], [1] * 5, 0),
    (failures(6), [], [6], 0),
    (failures(100), [], [100], 0),
    (failures(2), ago(50, 40, 30), [1, 1], 0),
    (failures(3), ago(50, 40, 30), [3], 0),
    (failures(3), ago(50, 40, 30, 20, 10), [], 3),
    (questions(20), [], [1] * 20, 0),
    (questions(21), [], [21], 0),
    (questions(3), ago(50, 40, 30, 20, 10), [1] * 3, 0),
    ([*failures(1), *questions(2)], ago(50, 40), [1, 1, 1], 0),
    ([*failures(1), *questions(2)], ago(50, 40, 30), [1, 1], 1),
]


@pytest.mark.parametrize(("due", "recent", "sizes", "held"), CASES)
def test_many_are_told_together(
    due: Sequence[StoredNotice], recent: list[datetime], sizes: list[int], held: int
) -> None:
    decided = plan(due, recent, NOW)
    assert [len(batch) for batch in decided.batches] == sizes
    assert len(decided.held) == held
    assert {one.id for batch in decided.batches for one in batch} | {one.id for one in decided.held} == {
        one.id for one in due
    }
    if held:
        assert decided.held_until == min(recent) + timedelta(seconds=60)


def test_what_nobody_can_answer_any_more_is_not_sent() -> None:
    late = stored(1, NoticeKind.PERMISSION, permission=asked(until=NOW))
    decided = plan([late, stored(2)], [], NOW)
    assert decided.over == (late,)
    assert [batch[0].id for batch in decided.batches] == [stored(2).id]


@pytest.mark.parametrize(
    ("attempts", "asked_for", "seconds"),
    [(1, 0, 30), (2, 0, 60), (3, 0, 120), (8, 0, 3600), (500, 0, 3600), (1, 90, 90), (1, 1e9, 3600), (4, 10, 240)],
)
def test_tries_are_further_and_further_apart(attempts: int, asked_for: float, seconds: float) -> None:
    assert again_at(attempts, asked_for, NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("age", "attempts", "refused", "hopeless"),
    [
        (timedelta(0), 0, False, False),
        (timedelta(hours=23, minutes=59), 90, False, False),
        (timedelta(days=1), 1, False, True),
        (timedelta(0), 3, True, False),
        (timedelta(0), 4, True, True),
    ],
)
def test_it_is_not_tried_for_ever(age: timedelta, attempts: int, refused: bool, hopeless: bool) -> None:
    assert is_hopeless(stored(created_at=NOW - age, attempts=attempts), NOW, refused=refused) is hopeless
