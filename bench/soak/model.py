"""A model that speaks slowly, so that a stream is open whenever something is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from freehold.models.answers.speech import Speech
from freehold.models.fake_upstream import Behaviour, FakeUpstream
from freehold.models.tokens import Tokens

PIECES = 12
INTERVAL_S = 0.4


@dataclass(frozen=True)
class SlowModel:
    upstream: FakeUpstream
    port: int

    @property
    def open_streams(self) -> int:
        return self.upstream.open_streams


@asynccontextmanager
async def slow_model() -> AsyncIterator[SlowModel]:
    """Answers each request within five seconds, a word at a time, at `port` of the loopback."""
    words = tuple(f"word {number} " for number in range(PIECES))
    speech = Speech("slow", "slow", words, None, Tokens(input=100, output=PIECES))
    upstream = FakeUpstream([Behaviour(speech, interval_s=INTERVAL_S)], keep_requests=False)
    runner = web.AppRunner(upstream.app, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield SlowModel(upstream, int(runner.addresses[0][1]))
    finally:
        await asyncio.wait_for(runner.cleanup(), 10)
