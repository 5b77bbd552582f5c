"""`python -m freehold.keeper`: one keeper per project, from its lock to its idle end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from freehold.base import log
from freehold.base.clock import Clock
from freehold.base.files import make_private_directory
from freehold.keeper.adoption import adopt_all
from freehold.keeper.keeper import Keeper
from freehold.keeper.rpc_server import RpcServer
from freehold.keeper.verbs import verbs
from freehold.keeper.wiring import Wiring

IDLE_S = 60.0
"""How long a keeper without runs and clients stays; the next command finds it warm."""
_LOCK_WAIT_S = 10.0

_logger = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(prog="freehold.keeper", description="Keeps the runs of one project.")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=IDLE_S, help="seconds without work before it ends; 0: never")
    arguments = parser.parse_args()
    log.set_up()
    _raise_open_files()
    # Whatever this process makes is for this user alone, unless it says otherwise.
    os.umask(0o077)
    state = arguments.project / ".freehold"
    make_private_directory(state)
    with _locked(state / "keeper.lock") as lock:
        if lock is None:
            sys.exit(0)  # another keeper is there: whoever started this one will find that one
        asyncio.run(serve(arguments.project, arguments.home, arguments.idle))


def _raise_open_files() -> None:
    """Each connection of a run through a proxy takes two descriptors; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(project: Path, home: Path, idle_s: float) -> None:
    """Adopt what was left, then answer until idle or told to end. Runs outlive this process."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with Wiring(project, home) as wiring:
        keeper = Keeper(wiring.means)
        server = RpcServer(wiring.means.state / "keeper.sock", verbs(keeper, wiring, ending))
        adopting = asyncio.create_task(adopt_all(keeper, wiring.means))
        await server.open()
        try:
            await _until_idle(keeper, server, adopting, ending, idle_s, wiring.means.clock)
        finally:
            # The socket goes first: a client that comes now starts a new keeper, which waits for our lock.
            await server.close()
            adopting.cancel()
            await asyncio.gather(adopting, return_exceptions=True)
            await keeper.let_go()
            server.hang_up()


async def _until_idle(
    keeper: Keeper, server: RpcServer, adopting: asyncio.Task[None], ending: asyncio.Event, idle_s: float, clock: Clock
) -> None:
    idle_since = clock.monotonic()
    while not ending.is_set():
        if adopting.done() and not adopting.cancelled() and (error := adopting.exception()):
            raise error
        if keeper.active_runs or server.connections or not adopting.done():
            idle_since = clock.monotonic()
        elif idle_s and clock.monotonic() - idle_since >= idle_s:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), 0.5)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[str] | None]:
    """The keeper's lock, held by the kernel as long as this process lives; None when another keeper holds it."""
    with path.open("a") as file:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (path.parent / "keeper.sock").exists() or time.monotonic() >= deadline:
                    yield None
                    return
                time.sleep(0.02)
        yield file
