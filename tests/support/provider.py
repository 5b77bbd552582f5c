"""A stand-in for a model provider on this machine, asked over HTTP like the real ones."""

from __future__ import annotations

import asyncio
import threading

from aiohttp import web

from freehold.models.fake_upstream import FakeUpstream


class Provider:
    """A `FakeUpstream` served at `port` of the loopback, from a thread of its own, until `close`."""

    def __init__(self) -> None:
        self.upstream = FakeUpstream()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._runner = web.AppRunner(self.upstream.app, shutdown_timeout=0.2, handler_cancellation=True)
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
