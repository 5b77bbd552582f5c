"""`python -m freehold.keeper`: one keeper per project, from its lock to its idle end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from freehold.base import log
from freehold.base.clock import Clock
from freehold.base.errors import FreeholdError
from freehold.keeper.adoption import adopt_all, look_back
from freehold.keeper.ending import Ending
from freehold.keeper.keeper import Keeper
from freehold.keeper.lock import Lock, held
from freehold.keeper.rpc_server import RpcServer
from freehold.keeper.verbs import GATEWAYS, verbs
from freehold.keeper.wiring import Wiring, gateway_user
from freehold.project.state import keeper_directory
from freehold.store.state_mark import claim_state
from freehold.wire.keeper import LOCK_FILE, SOCKET_FILE

IDLE_S = 60.0
"""How long a keeper without runs and clients stays; the next command finds it warm."""
_LOOK_INTERVAL_S = 0.5
_PR_SET_DUMPABLE = 4  # linux/prctl.h


def main(wire: Callable[[Path, Path], Wiring] = Wiring) -> None:
    """Keep the runs of one project. `wire` makes what it works with (tests: with a hook that kills the keeper)."""
    parser = argparse.ArgumentParser(prog="freehold.keeper", description="Keeps the runs of one project.")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=IDLE_S, help="seconds without work before it ends; 0: never")
    arguments = parser.parse_args()
    keep(arguments.project, arguments.home, arguments.idle, wire)


def keep(project: Path, home: Path, idle_s: float = IDLE_S, wire: Callable[[Path, Path], Wiring] = Wiring) -> None:
    """Keep the runs of one project until nobody needs them kept for `idle_s` seconds (0: never), or told to end."""
    log.set_up()
    keep_memory_private()
    _raise_open_files()
    # Whatever this process makes is for this user alone, unless it says otherwise.
    os.umask(0o077)
    state = keeper_directory(project)
    _claim(state, home)
    with held(state / LOCK_FILE) as lock:
        if lock is None:
            sys.exit(0)  # another keeper is there: whoever started this one will find that one
        asyncio.run(serve(wire(project, home), lock, idle_s))


def _claim(state: Path, home: Path) -> None:
    try:
        claim_state(state, home)
    except FreeholdError as error:
        sys.exit(f"{error.message} {error.hint}")


def keep_memory_private() -> None:
    """Model keys and credentials are in it: no core dump, and nothing for other processes of our user to read.

    The limit is for our children too. A program that takes cores through a pipe is not held to it (core(5)), but to
    PR_SET_DUMPABLE, which also closes `/proc/<pid>/mem` and ptrace to everybody but root.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _raise_open_files() -> None:
    """Each connection of a run through a proxy takes two descriptors; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(wiring: Wiring, lock: Lock, idle_s: float) -> None:
    """Adopt what was left, then answer until idle or told to end. Runs outlive this process."""
    async with wiring:
        keeper = Keeper(wiring.means)
        ending = Ending()
        ending.watch_signals()
        server = RpcServer(
            wiring.means.state / SOCKET_FILE, verbs(keeper, wiring, ending), gateway_user(wiring.means.root), GATEWAYS
        )
        adopting = asyncio.create_task(adopt_all(keeper, wiring.means, look_back(keeper, wiring.means)))
        await server.open()
        try:
            await _until_over(keeper, server, adopting, ending, lock, idle_s, wiring.means.clock)
        finally:
            # The socket goes first: a client that comes now starts a new keeper, which waits for our lock.
            await server.close()
            adopting.cancel()
            await asyncio.gather(adopting, return_exceptions=True)
            if lock.lost:
                await keeper.abandon()
            await keeper.let_go()
            server.hang_up()


async def _until_over(
    keeper: Keeper,
    server: RpcServer,
    adopting: asyncio.Task[None],
    ending: Ending,
    lock: Lock,
    idle_s: float,
    clock: Clock,
) -> None:
    idle_since = clock.monotonic()
    while not ending.now.is_set() and not lock.lost:
        if adopting.done() and not adopting.cancelled() and (error := adopting.exception()):
            raise error
        if keeper.active_runs or server.connections or not adopting.done():
            idle_since = clock.monotonic()
        elif ending.when_idle or (idle_s and clock.monotonic() - idle_since >= idle_s):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_INTERVAL_S):
                await ending.now.wait()
