"""Work in a thread, whose end is waited for also by whoever was cancelled."""

from __future__ import annotations

import asyncio
import threading

import pytest

from freehold.base.threads import in_thread


async def test_what_it_returns_and_raises() -> None:
    assert await in_thread(max, 1, 2) == 2
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)


async def test_a_cancellation_comes_after_the_work() -> None:
    begun, gate, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(10)
        done.set()

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()
