"""A keeper that plays what a test says: one run, whose events come when the test sends them, for real commands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from freehold.keeper.rpc_server import Caller, RpcServer
from freehold.project.state import STATE_DIRECTORY
from freehold.wire.events import AnyEvent, RunFinished
from freehold.wire.keeper import (
    SOCKET_FILE,
    AnswerPermission,
    AttachRun,
    KillRun,
    StopKeeper,
    Stopping,
)
from freehold.wire.runs import Outcome, Result, RunState, RunView, StartRun, Trigger


class ScriptedKeeper:
    """Knows one run, whatever it is asked for. `asked` is what clients wanted of it, in their order."""

    def __init__(self, project: Path, state: RunState = RunState.RUNNING) -> None:
        self._folder = project / STATE_DIRECTORY
        self._state = state
        self._loop = asyncio.new_event_loop()
        self._events: list[AnyEvent] = []
        self._more: asyncio.Condition = asyncio.Condition()
        self.asked: list[Any] = []

    def send(self, event: AnyEvent) -> None:
        """The run's next event; its number and time are set here."""
        asyncio.run_coroutine_threadsafe(self._append(event), self._loop).result(10)

    def finish(self, result: Result = Result.COMPLETED) -> None:
        self.send(RunFinished.of(Outcome(agent="dev", attempt=1, trigger=Trigger(), result=result)))

    async def _append(self, event: AnyEvent) -> None:
        numbered = {"seq": len(self._events) + 1, "ts": "2026-11-21T09:00:00.000Z", "run_id": "dev-1"}
        self._events.append(msgspec.structs.replace(event, **numbered))
        async with self._more:
            self._more.notify_all()

    async def _start(self, _caller: Caller, start: StartRun) -> RunView:
        self.asked.append(start)
        return self._view(start.run_id)

    async def _attach(self, caller: Caller, wanted: AttachRun) -> RunView:
        caller.spawn(self._tell(caller, wanted.after_seq))
        return self._view(wanted.run_id)

    async def _tell(self, caller: Caller, seen: int) -> None:
        while True:
            for event in self._events[seen:]:
                await caller.notify("run/event", event)
                seen = event.seq
            async with self._more:
                while len(self._events) <= seen:
                    await self._more.wait()

    async def _answer(self, _caller: Caller, answer: AnswerPermission) -> None:
        self.asked.append(answer)

    async def _kill(self, _caller: Caller, kill: KillRun) -> RunView:
        self.asked.append(kill)
        return self._view(kill.run_id)

    async def _stop(self, _caller: Caller, _stop: StopKeeper) -> Stopping:
        return Stopping(now=False)

    def _view(self, run_id: str) -> RunView:
        queued_at = "2026-11-21T09:00:00Z"
        return RunView(
            run_id=run_id, agent="dev", attempt=1, trigger=Trigger(), state=self._state, queued_at=queued_at
        )  # fmt: skip

    async def serve(self, ready: threading.Event, end: asyncio.Event) -> None:
        verbs: dict[str, Any] = {
            "run/start": (StartRun, self._start),
            "run/attach": (AttachRun, self._attach),
            "run/answer": (AnswerPermission, self._answer),
            "run/kill": (KillRun, self._kill),
            "keeper/stop": (StopKeeper, self._stop),
        }
        server = RpcServer(self._folder / SOCKET_FILE, verbs)
        await server.open()
        ready.set()
        await end.wait()
        await server.close()
        server.hang_up()

    @contextmanager
    def running(self) -> Iterator[ScriptedKeeper]:
        self._folder.mkdir(exist_ok=True)
        ready, end = threading.Event(), asyncio.Event()
        thread = threading.Thread(target=self._loop.run_until_complete, args=[self.serve(ready, end)])
        thread.start()
        try:
            assert ready.wait(10)
            yield self
        finally:
            self._loop.call_soon_threadsafe(end.set)
            thread.join(10)
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
