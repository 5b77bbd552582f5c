"""Slots: first come, first served; none shared, none lost."""

from __future__ import annotations

import asyncio

import pytest

from freehold.keeper.slots import Slots


async def test_takes_the_lowest_free_slot() -> None:
    slots = Slots()
    assert [await slots.take("dev", 3) for _ in range(3)] == [0, 1, 2]
    slots.release("dev", 1)
    assert await slots.take("dev", 3) == 1
    assert await slots.take("ops", 1) == 0


async def test_waits_in_line() -> None:
    slots = Slots()
    await slots.take("dev", 1)
    first, second = (asyncio.create_task(slots.take("dev", 1)) for _ in range(2))
    await asyncio.sleep(0)
    slots.release("dev", 0)
    assert await first == 0
    assert not second.done()
    slots.release("dev", 0)
    assert await second == 0


@pytest.mark.parametrize("woken_first", [True, False])
async def test_a_waiter_that_gives_up_passes_its_turn_on(woken_first: bool) -> None:
    slots = Slots()
    await slots.take("dev", 1)
    first, second = (asyncio.create_task(slots.take("dev", 1)) for _ in range(2))
    await asyncio.sleep(0)
    if woken_first:
        slots.release("dev", 0)
        first.cancel()
    else:
        first.cancel()
        await asyncio.sleep(0)
        slots.release("dev", 0)
    assert await asyncio.wait_for(second, 1) == 0


async def test_an_adopted_run_keeps_its_slot() -> None:
    slots = Slots()
    slots.hold("dev", 0)
    assert not slots.is_free("dev", 1)
    assert await slots.take("dev", 2) == 1


async def test_a_slot_beyond_a_lowered_scale_does_not_count() -> None:
    slots = Slots()
    slots.hold("dev", 4)
    assert slots.is_free("dev", 1)
