"""A keeper for one run of the real runner: serves its socket, remembers what it says, and misbehaves on request."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from freehold.base.sockets import listen_unix
from freehold.wire import brief as briefs
from freehold.wire import session
from freehold.wire.brief import Brief, Harness
from freehold.wire.events import AnyTestimony, decode_testimony

HARNESSES = Path(__file__).parents[1] / "harnesses"
SOURCE = Path(__file__).parents[2] / "src"
PATIENCE_S = 30.0


def script(name: str, *arguments: str) -> Harness:
    """One of the harnesses of `tests/harnesses`."""
    command = [sys.executable, str(HARNESSES / f"{name}.py"), *arguments]
    return Harness(name=name, command=command, env={"PYTHONPATH": str(HARNESSES.parents[1])})


@dataclass
class Asked:
    method: str
    path: str
    body: Any


@dataclass
class Ended:
    """How the runner ended, and all it wrote."""

    exit_code: int
    events: list[AnyTestimony]
    stderr: str
    said: list[session.FromRunner]

    @property
    def conclusion(self) -> session.Conclusion:
        found = [message for message in self.said if isinstance(message, session.Conclusion)]
        assert len(found) == 1, found
        return found[0]

    @property
    def error(self) -> str:
        """What the conclusion says went wrong; empty when nothing did."""
        return self.conclusion.error.message if self.conclusion.error else ""

    def texts(self, kind: type[AnyTestimony]) -> list[str]:
        return [str(getattr(event, "text", "")) for event in self.events if type(event) is kind]


@dataclass
class FakeKeeper:
    """`answers` are the run API's by path; `decide` answers permission requests; `routes` adds to the socket."""

    directory: Path
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    decide: Callable[[session.AskPermission], str | None] = lambda _: "allow_once"
    routes: Callable[[web.Application], None] = lambda _: None
    said: list[session.FromRunner] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    hellos: asyncio.Queue[session.Hello] = field(default_factory=asyncio.Queue)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.run_dir = self.directory / "run"
        for name in ("run", "work", "workspace", "home", "credentials"):
            (self.directory / name).mkdir(exist_ok=True)
        self._server: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.process: asyncio.subprocess.Process | None = None

    def brief(self, harness: Harness, **changes: Any) -> Brief:
        """A brief whose places are in this keeper's directory."""
        places = {
            "working_dir": str(self.directory / "work"),
            "workspace_dir": str(self.directory / "workspace"),
            "home_dir": str(self.directory / "home"),
            "credentials_dir": str(self.directory / "credentials"),
        }
        told = {"run_id": "dev-1", "agent": "dev", "skill": "", "prompt": "Do it.", **places, **changes}
        return Brief(harness=harness, **told)

    async def open(self) -> None:
        application = web.Application()
        application.router.add_get("/v1/run/session", self._session)
        application.router.add_route("*", "/v1/run/{tail:.*}", self._run_api)
        self.routes(application)
        self._server = web.AppRunner(application, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._server.setup()
        await web.SockSite(self._server, listen_unix(self.run_dir / "run.sock", 0o600)).start()

    async def close(self) -> None:
        """Go away, as a keeper that is killed does."""
        for socket in list(self._sockets):
            await socket.close()
        if self._server:
            await self._server.cleanup()
        (self.run_dir / "run.sock").unlink(missing_ok=True)

    async def start(self, brief: Brief | None, **env: str) -> asyncio.subprocess.Process:
        """Start the runner; None leaves the brief to the caller."""
        if brief:
            (self.run_dir / "prompt.json").write_bytes(briefs.encode(brief))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "freehold.runner.main",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "FREEHOLD_RUN_DIR": str(self.run_dir), **env},
            stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return self.process

    async def ended(self) -> Ended:
        assert self.process is not None
        try:
            _, stderr = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        except TimeoutError:
            self.process.kill()
            raise
        code = self.process.returncode
        assert code is not None
        return Ended(code, self.events(), stderr.decode(), self.said)

    async def run(self, brief: Brief, **env: str) -> Ended:
        await self.start(brief, **env)
        return await self.ended()

    def events(self) -> list[AnyTestimony]:
        path = self.run_dir / "events.jsonl"
        return [decode_testimony(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def terminate(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    async def send(self, message: session.FromKeeper) -> None:
        for socket in self._sockets:
            await socket.send_bytes(session.encode(message))

    async def wait_for(self, what: Callable[[], bool | Awaitable[bool]]) -> None:
        """Until `what` is true; looked at whenever the runner says something, and twenty times a second."""
        async with asyncio.timeout(PATIENCE_S):
            while not what():
                await asyncio.sleep(0.05)

    async def _session(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for received in socket:
                message = session.decode_from_runner(received.data)
                self.said.append(message)
                if isinstance(message, session.Hello):
                    self.hellos.put_nowait(message)
                elif isinstance(message, session.AskPermission):
                    chosen = self.decide(message)
                    if chosen is not None:
                        answer = session.Answer(permission_id=message.permission_id, option_id=chosen)
                        await socket.send_bytes(session.encode(answer))
        finally:
            self._sockets.discard(socket)
        return socket

    async def _run_api(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, msgspec.json.decode(body) if body else None))
        status, answer = self.answers.get(request.path, (200, {"ok": True}))
        return web.Response(status=status, body=msgspec.json.encode(answer), content_type="application/json")
