"""A server's unix sockets, for callers that know no event loop: the SSH connection lives in a thread beside them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.hosts.target import Target
from freehold.store.known_hosts import KnownHosts

Result = TypeVar("Result")

_CLOSING_S = 2.0


class Tunnel:
    """One SSH connection, opened when it is first needed and closed at the end of the process. Its sockets work like
    local ones. Several threads may use it."""

    def __init__(self, target: Target, known: KnownHosts) -> None:
        self.target = target
        self.known = known
        self._host: SshHost | None = None
        self._opening = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def connect(self) -> SshHost:
        """Log in, unless that is done. Raises what `open_ssh_host` raises."""
        with self._opening:
            if self._host is None:
                self._host = self.do(open_ssh_host(self.target, self.known))
            return self._host

    def open(self, path: str) -> socket.socket:
        """A connection to the unix socket at `path` there. Raises what `connect` and `Host.forward` raise. Where the
        SSH connection broke since it was last used, it is opened once more."""
        used_before = self._host
        host = self.connect()
        try:
            return self.do(host.forward(path, as_root=True))
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or host is not used_before:
                raise
        self._drop(host)
        return self.do(self.connect().forward(path, as_root=True))

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What `work` returns, done in the thread of the connection. Ctrl-C ends it."""
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        if self._host is not None:
            self._drop(self._host)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None
            atexit.unregister(self.close)

    def _drop(self, host: SshHost) -> None:
        with self._opening:
            if self._host is host:
                self._host = None
        with contextlib.suppress(Exception):  # it is given up: whatever goes wrong with it now concerns nobody
            asyncio.run_coroutine_threadsafe(host.close(), self._running_loop()).result(_CLOSING_S)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._opening:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), name="ssh", daemon=True).start()
                atexit.register(self.close)
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
