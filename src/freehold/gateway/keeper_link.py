"""The scheduler's connection to the project's keeper, which is started when there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from freehold.client.keeper import Handler, KeeperConnection, KeeperGoneError, connect
from freehold.scheduler.callbook import Callbook
from freehold.scheduler.locks import Locks
from freehold.scheduler.run_keeper import KeeperAwayError, Watch
from freehold.wire.keeper import (
    AskCall,
    AskCalled,
    AskLock,
    AskLocks,
    AttachScheduler,
    KillRun,
    ListRuns,
    PruneRuns,
    Spent,
)
from freehold.wire.runs import RunView, StartRun

Answer = TypeVar("Answer")
Params = TypeVar("Params", bound=msgspec.Struct)


class KeeperLink:
    """A `RunKeeper`. Two connections: one for calls, on which the keeper also asks for locks and calls; one for how
    runs stand, so that a slow listener keeps nobody waiting. When it breaks, both are given up; `watch` makes new ones.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self._project = project
        self._home = home
        self._calls: KeeperConnection | None = None
        self._handlers: Mapping[str, Handler] = {}

    def serve(self, locks: Locks, calls: Callbook) -> None:
        """What the keeper is answered when a run asks for a lock or a call."""
        self._handlers = handlers(locks, calls)

    async def start(self, request: StartRun) -> RunView:
        return await self._call("run/start", request, RunView)

    async def kill(self, run_id: str, reason: str) -> None:
        await self._call("run/kill", KillRun(run_id, reason), RunView)

    async def spent(self) -> Spent:
        return await self._call("spend/read", {}, Spent)

    async def past(self, before: str, limit: int) -> list[RunView]:
        return await self._call("run/list", ListRuns(before=before, limit=limit), list[RunView])

    async def prune_runs(self, before: str, keep: Collection[str], limit: int) -> int:
        return await self._call("run/prune", PruneRuns(before, sorted(keep), limit), int)

    async def used_revisions(self) -> list[str]:
        return await self._call("revision/used", {}, list[str])

    async def watch(self) -> Watch:
        """Raises CONFLICT when another scheduler is attached to the keeper."""
        await self.close()
        try:
            calls = await connect(self._project, self._home)
            changes = await connect(self._project, self._home)
        except KeeperGoneError as error:
            raise KeeperAwayError(error.message) from error
        calls.answer(self._handlers)
        try:
            await calls.call("scheduler/attach", AttachScheduler(f"process {os.getpid()}"), type(None))
            under_way = await changes.call("run/watch", {}, list[RunView])
        except BaseException as error:
            await asyncio.gather(calls.close(), changes.close())
            if isinstance(error, KeeperGoneError):
                raise KeeperAwayError(error.message) from error
            raise
        self._calls = calls
        return Watch(tuple(under_way), self._changes(changes))

    async def close(self) -> None:
        calls, self._calls = self._calls, None
        if calls:
            await calls.close()

    async def _changes(self, connection: KeeperConnection) -> AsyncIterator[RunView]:
        try:
            async for _, params in connection.notices():
                yield msgspec.json.decode(params, type=RunView)
        finally:
            await connection.close()
            await self.close()

    async def _call(self, method: str, params: object, answer: type[Answer]) -> Answer:
        if self._calls is None:
            raise KeeperAwayError
        try:
            return await self._calls.call(method, params, answer)
        except KeeperGoneError as error:
            raise KeeperAwayError(error.message) from error


def handlers(locks: Locks, calls: Callbook) -> dict[str, Handler]:
    """Each method that the keeper asks for on a run's behalf. Raises what `locks` and `calls` raise."""

    async def call(params: AskCall) -> object:
        return await calls.call(params.run_id, params.request)

    async def called(params: AskCalled) -> object:
        return await calls.called(params.run_id, params.call_id)

    async def held(params: AskLocks) -> object:
        return await locks.of_run(params.run_id)

    def lock(verb: Callable[..., Awaitable[object]]) -> Handler:
        async def ask(params: AskLock) -> object:
            return await verb(params.run_id, params.request)

        return _decoded(AskLock, ask)

    return {
        "lock/acquire": lock(locks.acquire),
        "lock/release": lock(locks.release),
        "lock/heartbeat": lock(locks.heartbeat),
        "lock/list": _decoded(AskLocks, held),
        "call/start": _decoded(AskCall, call),
        "call/view": _decoded(AskCalled, called),
    }


def _decoded(kind: type[Params], handle: Callable[[Params], Awaitable[object]]) -> Handler:
    async def decode_and_handle(raw: msgspec.Raw) -> object:
        return await handle(msgspec.json.decode(raw, type=kind))

    return decode_and_handle
