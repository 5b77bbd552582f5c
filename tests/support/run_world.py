"""A run's socket with everything behind it, and clients that use it as a run would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from freehold.base.clock import Clock, SystemClock
from freehold.egress.rules import Rules, allow_list
from freehold.keeper.mcp_relay import McpRelay, McpServer, mcp_client
from freehold.keeper.run_api import RunApi
from freehold.keeper.run_control import RecordingControl
from freehold.keeper.run_session import RunSession
from freehold.keeper.run_socket import RunSocket, SocketLimits
from freehold.keeper.scheduler import AttachedScheduler
from freehold.wire.session import FromRunner
from tests.support.outside import Outside

RULES = allow_list("dev", egress=["good.test"])


class ScriptedGateway:
    """Answers `/model/…` as `answer` says."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self._echo

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self.answer(request)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{request.method} {request.raw_path}: {await request.text()}")


class RunWorld:
    """`socket` is open; `outside` is what its egress proxy reaches."""

    def __init__(self, path: Path, outside: Outside, mcp: McpRelay | None, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.outside = outside
        self.control = RecordingControl()
        self.gateway = ScriptedGateway()
        self.said: list[FromRunner] = []
        self.violations: list[str] = []
        self.heard = asyncio.Event()
        self.session = RunSession(self._hear, self._note)
        self._mcp = mcp

    def make(self, only_uid: int | None = None, limits: SocketLimits | None = None) -> RunSocket:
        return RunSocket(
            self.path,
            api=RunApi("dev-1", self.control, AttachedScheduler(), self.clock),
            session=self.session,
            gateway=self.gateway,
            egress=self.outside.proxy,
            mcp=self._mcp,
            only_uid=only_uid,
            limits=limits,
            clock=self.clock,
        )

    async def _hear(self, message: FromRunner) -> None:
        self.said.append(message)
        self.heard.set()

    def _note(self, problem: str) -> None:
        self.violations.append(problem)
        self.heard.set()

    def client(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession("http://run", connector=aiohttp.UnixConnector(str(self.path)))


@contextlib.asynccontextmanager
async def run_world(
    directory: Path,
    *,
    rules: Rules = RULES,
    mcp: list[McpServer] | None = None,
    only_uid: int | None = None,
    limits: SocketLimits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunWorld]:
    async with contextlib.AsyncExitStack() as stack:
        outside = Outside(directory / "run.sock", rules, None, stack)
        http = await stack.enter_async_context(mcp_client())
        relay = McpRelay(mcp, http, outside.tell, clock) if mcp is not None else None
        world = RunWorld(directory / "run.sock", outside, relay, clock or SystemClock())
        socket = world.make(only_uid, limits)
        await socket.open()
        stack.push_async_callback(socket.close)
        yield world
