"""`/v1/run/…` on a run's socket: what the commands of `fh` ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.keeper.run_control import RunControl
from freehold.keeper.scheduler import Scheduler
from freehold.wire.decoding import decode_json
from freehold.wire.left import LARGEST_BODY as LARGEST_LEFT
from freehold.wire.left import Left
from freehold.wire.run_api import (
    LONGEST_CONTEXT,
    Accepted,
    CallRequest,
    Exit,
    LockRequest,
    SetReturn,
    SetStatus,
    Shutdown,
)

LARGEST_BODY = 1024 * 1024
"""Bytes: a return value of the longest length with every character escaped is 384 kB."""
BODY_TIMEOUT_S = 10.0
MOST_BODIES = 8
"""Bodies that are taken in at once; further requests wait unread, so that connections cost a run memory, not us."""
REQUESTS_PER_SECOND, REQUEST_BURST = 20.0, 100.0
"""Of those that write each: an event, a file, or the database of the whole project."""

Body = TypeVar("Body")
Handler = Callable[[web.Request], Awaitable[web.Response]]


class RunApi:
    """The handlers of one run. They raise `FreeholdError`; the run socket makes answers of it."""

    def __init__(self, run_id: str, control: RunControl, scheduler: Scheduler, clock: Clock | None = None) -> None:
        self._run_id = run_id
        self._control = control
        self._scheduler = scheduler
        self._clock = clock or SystemClock()
        self._pace = Pace(REQUESTS_PER_SECOND, REQUEST_BURST)
        self._places = asyncio.Semaphore(MOST_BODIES)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/run/status", self._paced(self._set_status)),
            web.post("/v1/run/return", self._paced(self._set_return)),
            web.post("/v1/run/rerun", self._paced(self._rerun)),
            web.post("/v1/run/left", self._paced(self._keep_left)),
            web.post("/v1/run/exit", self._exit),
            web.post("/v1/run/shutdown", self._shutdown),
            web.post("/v1/run/locks/acquire", self._paced(self._acquire)),
            web.post("/v1/run/locks/release", self._paced(self._release)),
            web.post("/v1/run/locks/heartbeat", self._paced(self._heartbeat)),
            web.get("/v1/run/locks", self._locks),
            web.post("/v1/run/calls", self._paced(self._call)),
            web.get("/v1/run/calls/{call_id}", self._called),
        ]

    def _paced(self, handler: Handler) -> Handler:
        """`handler`, as often as a run may write: each request waits its turn."""

        async def wait_and_handle(request: web.Request) -> web.Response:
            await self._clock.sleep(self._pace.take(self._clock.monotonic()))
            return await handler(request)

        return wait_and_handle

    async def _set_status(self, request: web.Request) -> web.Response:
        await self._control.set_status((await self._body(request, SetStatus)).text)
        return _answer(Accepted())

    async def _set_return(self, request: web.Request) -> web.Response:
        await self._control.set_return((await self._body(request, SetReturn)).value)
        return _answer(Accepted())

    async def _rerun(self, _: web.Request) -> web.Response:
        await self._control.request_rerun()
        return _answer(Accepted())

    async def _keep_left(self, request: web.Request) -> web.Response:
        await self._control.keep_left(await self._body(request, Left, LARGEST_LEFT))
        return _answer(Accepted())

    async def _exit(self, request: web.Request) -> web.Response:
        code = (await self._body(request, Exit)).code
        if not 0 <= code <= 255:
            raise FreeholdError(Code.USAGE, f"{code} is no exit code", "give a number from 0 to 255")
        await self._control.request_exit(code)
        return _answer(Accepted(), 202)

    async def _shutdown(self, request: web.Request) -> web.Response:
        await self._control.shutdown((await self._body(request, Shutdown)).reason)
        return _answer(Accepted(), 202)

    async def _acquire(self, request: web.Request) -> web.Response:
        return _answer(await self._scheduler.acquire(self._run_id, await self._body(request, LockRequest)))

    async def _release(self, request: web.Request) -> web.Response:
        await self._scheduler.release(self._run_id, await self._body(request, LockRequest))
        return _answer(Accepted())

    async def _heartbeat(self, request: web.Request) -> web.Response:
        return _answer(await self._scheduler.heartbeat(self._run_id, await self._body(request, LockRequest)))

    async def _locks(self, _: web.Request) -> web.Response:
        return _answer(await self._scheduler.locks(self._run_id))

    async def _call(self, request: web.Request) -> web.Response:
        asked = await self._body(request, CallRequest)
        if len(asked.context) > LONGEST_CONTEXT:
            message = f"the context has {len(asked.context)} characters, and {LONGEST_CONTEXT} are the most"
            raise FreeholdError(Code.TOO_LARGE, message, "say where it is to be found instead")
        return _answer(await self._scheduler.call(self._run_id, asked), 202)

    async def _called(self, request: web.Request) -> web.Response:
        return _answer(await self._scheduler.called(self._run_id, request.match_info["call_id"]))

    async def _body(self, request: web.Request, kind: type[Body], largest: int = LARGEST_BODY) -> Body:
        """The JSON body; an empty one is `{}`. Raises `FreeholdError`: PROTOCOL, TOO_LARGE, TIMEOUT."""
        async with self._places:
            data = await _read(request, largest)
        try:
            return decode_json(data or b"{}", msgspec.json.Decoder(kind))
        except msgspec.DecodeError as error:
            fields = ", ".join(getattr(kind, "__struct_fields__", ()))
            raise FreeholdError(Code.PROTOCOL, f"{request.path}: {error}", f"send JSON with: {fields}") from None


async def _read(request: web.Request, largest: int) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > largest:
                    message = f"the body is larger than {largest >> 20} MB"
                    raise FreeholdError(Code.TOO_LARGE, message, "write it to a file in /workspace and send its path")
    except TimeoutError:
        message = f"the body did not come within {BODY_TIMEOUT_S:.0f} s"
        raise FreeholdError(Code.TIMEOUT, message, "send it at once") from None
    return bytes(data)


def _answer(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value) + b"\n", content_type="application/json")
