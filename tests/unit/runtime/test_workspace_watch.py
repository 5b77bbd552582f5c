from __future__ import annotations

import asyncio

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.workspace_watch import ATTEMPTS, WorkspaceWatch


class Volume:
    """Answers measurements from a list, the last one for ever; None is a refusal."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.measured = 0
        self.ended = asyncio.Event()

    async def is_full(self) -> bool:
        self.measured += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)
        if answer is None:
            raise FreeholdError(Code.FAILED, "a disk usage operation is already running")
        return answer

    async def end_run(self) -> None:
        self.ended.set()

    def watch(self, interval_s: float = 60.0) -> WorkspaceWatch:
        return WorkspaceWatch(self.is_full, self.end_run, interval_s=interval_s, pause_s=0.0)


async def test_a_run_that_holds_too_much_is_ended() -> None:
    volume = Volume(False, False, True)
    watch = volume.watch(interval_s=0.0)
    async with watch():
        await asyncio.wait_for(volume.ended.wait(), 10)
    assert watch.full


async def test_a_run_that_is_over_at_once_is_measured_once() -> None:
    volume = Volume(False)
    watch = volume.watch()
    async with watch():
        pass
    assert (watch.full, volume.measured) == (False, 1)


async def test_a_refusal_is_tried_again() -> None:
    volume = Volume(None, None, True)
    watch = volume.watch()
    async with watch():
        await asyncio.wait_for(volume.ended.wait(), 10)
    assert watch.full


async def test_what_cannot_be_measured_is_not_called_full() -> None:
    volume = Volume(None)
    watch = volume.watch()
    async with watch():
        pass
    assert not watch.full
    assert volume.measured == ATTEMPTS
    assert not volume.ended.is_set()


async def test_a_wait_that_is_given_up_ends_the_watch() -> None:
    volume = Volume(False)
    watch = volume.watch()

    async def waiting() -> None:
        async with watch():
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
