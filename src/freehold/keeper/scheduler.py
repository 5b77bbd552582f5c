"""Locks and calls, which a scheduler answers: the seam, and what is said while there is none."""

from __future__ import annotations

from typing import NoReturn, Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.wire.run_api import CallRequest, CallStarted, CallView, HeldLock, LockRequest


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


class NoScheduler:
    """There is none: everything is answered NO_SCHEDULER, and nothing is pretended to be locked."""

    async def acquire(self, run_id: str, request: LockRequest) -> HeldLock:
        _refuse("locks", run_id, request)

    async def release(self, run_id: str, request: LockRequest) -> None:
        _refuse("locks", run_id, request)

    async def heartbeat(self, run_id: str, request: LockRequest) -> HeldLock:
        _refuse("locks", run_id, request)

    async def locks(self, run_id: str) -> list[HeldLock]:
        _refuse("locks", run_id)

    async def call(self, run_id: str, request: CallRequest) -> CallStarted:
        _refuse("calls to other agents", run_id, request)

    async def called(self, run_id: str, call_id: str) -> CallView:
        _refuse("calls to other agents", run_id, call_id)


def _refuse(what: str, *asked: object) -> NoReturn:
    del asked
    message = f"no scheduler is running, and {what} need one"
    raise FreeholdError(Code.NO_SCHEDULER, message, "Do without them: this agent was started by hand.")
