"""Whoever watches a keeper hears how each run stands; the scheduler that is attached is asked for locks and calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.rpc_server import Caller
from freehold.keeper.scheduler import AttachedScheduler
from freehold.keeper.watchers import Watchers
from freehold.wire.keeper import AttachScheduler
from freehold.wire.run_api import LockRequest
from freehold.wire.runs import RunState, RunView, Trigger
from tests.support.stage import Stage


def view(run_id: str, state: RunState = RunState.RUNNING) -> RunView:
    return RunView(run_id=run_id, agent="dev", attempt=1, trigger=Trigger(), state=state, queued_at="")


async def test_a_slow_watcher_hears_the_last_word_of_each() -> None:
    watchers = Watchers()
    slow, gone = watchers.add(), watchers.add()
    gone.close()
    for state in (RunState.QUEUED, RunState.STARTING, RunState.FINISHED):
        watchers.tell(view("one", state))
    watchers.tell(view("two"))
    assert [(await slow.next()).state for _ in range(2)] == [RunState.FINISHED, RunState.RUNNING]
    waiting = asyncio.ensure_future(slow.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    watchers.tell(view("three"))
    assert (await waiting).run_id == "three"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "shop", tmp_path / "home")


async def test_every_step_of_a_run_is_told(stage: Stage) -> None:
    watcher = stage.means.watchers.add()
    run_id = await stage.start()
    await stage.finished(run_id)
    seen = await watcher.next()
    assert seen.run_id == run_id
    assert seen.state is RunState.FINISHED


class FakeCaller:
    """A client that is asked, and answers, goes away, or stays silent."""

    def __init__(self, answer: object = None) -> None:
        self.gone = asyncio.Event()
        self.answer = answer
        self.asked: list[str] = []

    async def ask(self, method: str, _params: object, _answer: type) -> object:
        self.asked.append(method)
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer == "silent":
            await asyncio.sleep(60)
        return self.answer


def attached(caller: FakeCaller, scheduler: AttachedScheduler) -> AttachedScheduler:
    scheduler.attach(cast("Caller", caller), AttachScheduler("process 7"))
    return scheduler


async def test_a_second_scheduler_is_told_of_the_first() -> None:
    first = FakeCaller()
    scheduler = attached(first, AttachedScheduler())
    with pytest.raises(FreeholdError, match="process 7") as caught:
        attached(FakeCaller(), scheduler)
    assert caught.value.code is Code.CONFLICT
    first.gone.set()
    attached(FakeCaller(), scheduler)


@pytest.mark.parametrize("answer", [ConnectionResetError(), "silent"])
async def test_a_scheduler_that_does_not_answer_is_none(answer: object) -> None:
    scheduler = attached(FakeCaller(answer), AttachedScheduler(deadline_s=0.01))
    with pytest.raises(FreeholdError) as caught:
        await scheduler.acquire("dev-1", LockRequest("a://b"))
    assert caught.value.code is Code.NO_SCHEDULER


async def test_what_it_says_is_passed_on() -> None:
    refused = FreeholdError(Code.CONFLICT, "a://b is held by dev-2")
    scheduler = attached(FakeCaller(refused), AttachedScheduler())
    with pytest.raises(FreeholdError) as caught:
        await scheduler.release("dev-1", LockRequest("a://b"))
    assert caught.value is refused
