"""The mixed load: what is asked for, how often, and by which way."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable

import aiohttp

from bench.soak.client import AGAIN_S, PATIENCE_S, Client
from bench.soak.ledger import Ledger
from bench.soak.project import SoakProject
from bench.soak.service import Service
from freehold.wire.service import API

EDITED = "edited"
_BROKEN = "timeout = 'soon'\n"
_BROKEN_FOR_S = 3.0
_PAUSED_FOR_S = 3.0
MOST_WAITING = 40
"""Triggers; while more wait, nothing is asked for."""
_LOOK_EVERY_S = 1.0
_REPEATED = 0.25
"""Of the deliveries come once more."""


class Load:
    """Everything that a project's service is asked for, side by side, until told to stop."""

    def __init__(
        self, service: Service, project: SoakProject, client: Client, ledger: Ledger, chance: random.Random
    ) -> None:
        self._service = service
        self._project = project
        self._client = client
        self._ledger = ledger
        self._chance = chance
        self._waiting = 0

    async def go_on(self, until: float) -> None:
        """Until the monotonic time `until`, and then until what was begun is answered."""
        works: tuple[tuple[float, Callable[[], Awaitable[object]]], ...] = (
            (4, lambda: self._client.deliver(twice=self._chance.random() < _REPEATED)),
            (15, self._client.forge),
            (8, lambda: self._client.trigger("talker", "speak")),
            (11, lambda: self._client.trigger("again")),
            (11, lambda: self._client.trigger("flaky")),
            (14, lambda: self._client.trigger("caller")),
            (13, self._contend),
            (19, lambda: self._client.trigger(EDITED)),
            (17, self._edit),
            (41, self._pause),
            (23, self._run_by_command),
            (47, self._retry_by_command),
            (37, self._chat),
            (3, self._look),
        )
        watching = asyncio.create_task(self._watch_changes())
        looking = asyncio.create_task(self._keep_looking(until))
        try:
            await asyncio.gather(*(self._every(seconds, work, until) for seconds, work in works))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await looking

    async def _keep_looking(self, until: float) -> None:
        while time.monotonic() < until:
            await self._look_at_queue()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]], until: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, seconds))
        while time.monotonic() < until:
            if self._waiting < MOST_WAITING:
                await work()
            pause_s = self._chance.uniform(0.5, 1.5) * seconds
            await asyncio.sleep(min(pause_s, max(until - time.monotonic(), 0)))

    async def _contend(self) -> None:
        """Two that want the same lock."""
        await asyncio.gather(self._client.trigger("locker"), self._client.trigger("locker"))

    async def _edit(self) -> None:
        """A new version, sometimes after one that is broken for a while."""
        config = self._project.root / "agents" / EDITED / "config.toml"
        self._ledger.sent["edit"] += 1
        if self._chance.random() < 0.3:
            sound = config.read_text()
            config.write_text(_BROKEN)
            await asyncio.sleep(_BROKEN_FOR_S)
            config.write_text(sound)
        self._ledger.version += 1
        self._project.write_script(EDITED, f"fh return {self._ledger.version}\n")

    async def _pause(self) -> None:
        self._ledger.sent["pause"] += 1
        await self._client.call("POST", "/pause")
        await asyncio.sleep(_PAUSED_FOR_S)
        await self._client.call("POST", "/resume")

    async def _run_by_command(self) -> None:
        """A run that the keeper is asked for, past the service."""
        self._ledger.sent["run by command"] += 1
        code, out, err = await self._service.freehold("--json", "run", "hook", "--detach")
        if code:
            self._ledger.surprise(f"freehold run: exit code {code}: {err[-300:]}")
        else:
            self._ledger.runs[json.loads(out)["run_id"]] = "freehold run"

    async def _retry_by_command(self) -> None:
        """What the command says is not there may be a service that was killed: it is asked for again."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            code, out, _ = await self._service.freehold("--json", "runs", "retry", "flaky")
            if code == 0:
                self._ledger.sent["retry by command"] += 1
                self._ledger.triggers[json.loads(out)["trigger_id"]] = "freehold runs retry"
                return
            await asyncio.sleep(AGAIN_S)

    async def _chat(self) -> None:
        self._ledger.sent["chat"] += 1
        code, out, err = await self._service.freehold("--json", "chat", "talker", said=b"hello\nand again\n")
        if code:
            self._ledger.surprise(f"freehold chat: exit code {code}: {out[-500:]} {err[-300:]}")

    async def _look(self) -> None:
        for path in ("/runs", "/queue", "/locks"):
            await self._client.call("GET", path)

    async def _look_at_queue(self) -> None:
        """Whoever asks for more than a machine can do finds out about its queue, and nothing else."""
        status = await self._client.call("GET", "/status")
        self._waiting = status["waiting"] if status else 0

    async def _watch_changes(self) -> None:
        """As an open page of the console does."""
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    headers = {"authorization": f"Bearer {self._service.key}"}
                    async with session.get(f"{self._service.url}{API}/events", headers=headers) as response:
                        async for _ in response.content:
                            pass
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pass
                await asyncio.sleep(AGAIN_S)
