"""Locks and calls, which a scheduler answers: the seam, the one that is attached, and what is said without one."""

from __future__ import annotations

import asyncio
from typing import NoReturn, Protocol, TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.rpc_server import Caller
from freehold.wire.keeper import AskCall, AskCalled, AskLock, AskLocks, AttachScheduler
from freehold.wire.run_api import CallRequest, CallStarted, CallView, HeldLock, LockRequest

DEADLINE_S = 15.0
"""How long a scheduler may take for an answer; its database may be away for a moment."""
Answer = TypeVar("Answer")


class Scheduler(Protocol):
    """Answers for one project. `run_id` is who asks.

    Raises `FreeholdError`: CONFLICT (held by another run, a call refused), NOT_FOUND (no such lock, call or agent),
    USAGE (not a URI), NO_SCHEDULER.
    """

    async def acquire(self, run_id: str, request: LockRequest) -> HeldLock: ...

    async def release(self, run_id: str, request: LockRequest) -> None: ...

    async def heartbeat(self, run_id: str, request: LockRequest) -> HeldLock: ...

    async def locks(self, run_id: str) -> list[HeldLock]: ...

    async def call(self, run_id: str, request: CallRequest) -> CallStarted: ...

    async def called(self, run_id: str, call_id: str) -> CallView: ...


class AttachedScheduler:
    """The scheduler that is connected at the moment; while there is none, everything is answered NO_SCHEDULER, and
    nothing is pretended to be locked.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._caller: Caller | None = None
        self._name = ""

    def attach(self, caller: Caller, request: AttachScheduler) -> None:
        """Ask this client from now on, until it leaves. Raises CONFLICT, naming the one that is attached already."""
        if self._caller is not None and not self._caller.gone.is_set():
            raise FreeholdError(
                Code.CONFLICT, f"this project has a scheduler already: {self._name}", "`freehold stop` ends it."
            )
        self._caller, self._name = caller, request.name

    async def acquire(self, run_id: str, request: LockRequest) -> HeldLock:
        return await self._ask("locks", "lock/acquire", AskLock(run_id, request), HeldLock)

    async def release(self, run_id: str, request: LockRequest) -> None:
        await self._ask("locks", "lock/release", AskLock(run_id, request), type(None))

    async def heartbeat(self, run_id: str, request: LockRequest) -> HeldLock:
        return await self._ask("locks", "lock/heartbeat", AskLock(run_id, request), HeldLock)

    async def locks(self, run_id: str) -> list[HeldLock]:
        return await self._ask("locks", "lock/list", AskLocks(run_id), list[HeldLock])

    async def call(self, run_id: str, request: CallRequest) -> CallStarted:
        return await self._ask("calls to other agents", "call/start", AskCall(run_id, request), CallStarted)

    async def called(self, run_id: str, call_id: str) -> CallView:
        return await self._ask("calls to other agents", "call/view", AskCalled(run_id, call_id), CallView)

    async def _ask(self, what: str, method: str, params: object, answer: type[Answer]) -> Answer:
        if self._caller is None or self._caller.gone.is_set():
            _refuse(what)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._caller.ask(method, params, answer)
        except (ConnectionError, TimeoutError):
            message = f"the scheduler does not answer, and {what} need one"
            raise FreeholdError(Code.NO_SCHEDULER, message, "Ask again: it may be on its way back.") from None


def _refuse(what: str) -> NoReturn:
    message = f"no scheduler is running, and {what} need one"
    raise FreeholdError(
        Code.NO_SCHEDULER, message, "Do without them: this agent was started by hand, or `freehold start` was stopped."
    )
