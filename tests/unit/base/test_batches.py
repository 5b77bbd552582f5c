"""Doing together what comes together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from freehold.base.batches import Batches


class Work:
    """Doubles numbers once it is let; a batch with a negative number fails."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.rounds.append(list(numbers))
        await self.gate.wait()
        if any(number < 0 for number in numbers):
            raise ValueError(str(list(numbers)))
        return [number * 2 for number in numbers]


async def begun(batches: Batches[int, int], *numbers: int) -> list[asyncio.Future[int]]:
    asked = [batches.do(number) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return asked


async def test_what_comes_while_a_round_is_at_work_is_the_next_round() -> None:
    work = Work()
    batches = Batches(work, 3)
    asked = await begun(batches, 1)
    asked += await begun(batches, 2, 3, 4, 5)
    work.gate.set()
    assert await asyncio.gather(*asked) == [2, 4, 6, 8, 10]
    assert work.rounds == [[1], [2, 3, 4], [5]]


async def test_what_is_wrong_with_one_is_no_others_problem() -> None:
    work = Work()
    work.gate.set()
    batches = Batches(work, 10)
    found = await asyncio.gather(*(batches.do(number) for number in (1, -2, 3)), return_exceptions=True)
    assert (found[0], str(found[1]), found[2]) == (2, "[-2]", 6)
    with pytest.raises(ValueError, match="-4"):
        await batches.do(-4)
    assert await batches.do(5) == 10


async def test_a_caller_that_goes_away_is_no_others_problem() -> None:
    work = Work()
    batches = Batches(work, 10)
    first, second = await begun(batches, 1, 2)
    first.cancel()
    work.gate.set()
    assert await second == 4
    assert await batches.do(3) == 6
