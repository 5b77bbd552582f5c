"""The bucket: a burst at once, then a steady rate."""

import pytest

from freehold.base.pace import Pace


def test_the_burst_is_free_and_then_each_waits_its_turn() -> None:
    pace = Pace(per_second=2, burst=3)
    assert [pace.take(10.0) for _ in range(5)] == pytest.approx([0, 0, 0, 0.5, 1.0])


def test_it_fills_up_again_but_not_above_the_burst() -> None:
    pace = Pace(per_second=1, burst=2)
    assert [pace.allows(0.0) for _ in range(3)] == [True, True, False]
    assert [pace.allows(1.0) for _ in range(2)] == [True, False]
    assert [pace.allows(100.0) for _ in range(3)] == [True, True, False]


def test_several_are_taken_whole_or_not_at_all() -> None:
    pace = Pace(per_second=10, burst=100)
    assert [pace.allows(0.0, 60), pace.allows(0.0, 60), pace.allows(0.0, 40)] == [True, False, True]
    assert pace.allows(6.0, 60)
