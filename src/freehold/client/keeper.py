"""How to call the keeper of a project: find it, start it when there is none, speak JSON-RPC with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE
from freehold.base.program import fingerprint
from freehold.base.sockets import connect_unix
from freehold.project.state import is_placed, keeper_directory, state_directory
from freehold.store.state_mark import MARK_FILE, claim_state, is_of_another_home
from freehold.wire import rpc
from freehold.wire.keeper import LOCK_FILE, LOG_FILE, SOCKET_FILE, StopKeeper, Stopping

Answer = TypeVar("Answer")
Handler = Callable[[msgspec.Raw], Awaitable[object]]

_decode = msgspec.json.Decoder(rpc.RpcMessage).decode

START_DEADLINE_S = 20.0
MOST_KEEPERS = 10
"""How many in a row may go away before a command gives up: more than one run may kill (`keeper/adopt.py`)."""
_LOOK_S = 0.05
LARGEST_LOG_BYTES = 8 * 1024 * 1024


class KeeperGoneError(FreeholdError):
    """The keeper went away while it was asked. A new one can be started, which takes over what this one kept."""

    def __init__(self, message: str = "the keeper went away") -> None:
        super().__init__(Code.UNREACHABLE, message, "Run the command again: a new keeper takes over.")


class KeeperConnection:
    """One connection. Several calls may be under way; notifications are queued per connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._calls: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last_id = 0
        self._notices: asyncio.Queue[rpc.RpcMessage | None] = asyncio.Queue(maxsize=1000)
        self._answering: set[asyncio.Task[None]] = set()
        self._handlers: Mapping[str, Handler] = {}
        self._reading = asyncio.create_task(self._read())

    async def call(self, method: str, params: object, answer: type[Answer]) -> Answer:
        """The method's answer. Raises the keeper's `FreeholdError`, or `KeeperGoneError`."""
        self._last_id += 1
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._calls[self._last_id] = future
        await self._send(rpc.request(method, params, self._last_id))
        return msgspec.json.decode(await future, type=answer)

    def answer(self, handlers: Mapping[str, Handler]) -> None:
        """Answer what the keeper asks: a handler gets the raw parameters, and returns the result or raises."""
        self._handlers = handlers

    async def stop_keeper(self, *, when_idle: bool = False) -> bool:
        """Ask the keeper to end; False when it does not now, because runs are under way and `when_idle` is set."""
        return (await self.call("keeper/stop", StopKeeper(when_idle=when_idle), Stopping)).now

    async def notify(self, method: str, params: object) -> None:
        await self._send(rpc.request(method, params))

    async def notices(self) -> AsyncIterator[tuple[str, msgspec.Raw]]:
        """Notifications as they come; ends when the keeper goes away."""
        while (message := await self._notices.get()) is not None:
            yield message.method, message.params

    async def close(self) -> None:
        self._reading.cancel()
        for task in self._answering:
            task.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._reading, return_exceptions=True)
            await self._writer.wait_closed()

    async def _send(self, line: bytes) -> None:
        try:
            self._writer.write(line)
            await self._writer.drain()
        except ConnectionError as error:
            raise KeeperGoneError from error
        if self._reading.done():
            raise KeeperGoneError

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._take(line)
        except ConnectionError:
            pass  # told to every caller below
        finally:
            for future in self._calls.values():
                if not future.done():
                    future.set_exception(KeeperGoneError())
            if self._notices.full():
                self._notices.get_nowait()
            self._notices.put_nowait(None)

    async def _take(self, line: bytes) -> None:
        message = _decode(line)
        if message.method and message.id is None:
            await self._notices.put(message)
        elif message.method:
            task = asyncio.create_task(self._answer(message, message.id or 0))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif (future := self._calls.pop(message.id or 0, None)) and not future.done():
            if message.error:
                future.set_exception(rpc.as_error(message.error))
            else:
                future.set_result(message.result)

    async def _answer(self, message: rpc.RpcMessage, asked_id: int) -> None:
        handler = self._handlers.get(message.method, _unknown_method)
        try:
            line = rpc.response(asked_id, await handler(message.params))
        except FreeholdError as error:
            line = rpc.failure(asked_id, error)
        except Exception as error:  # a defect of ours must be an answer, not a keeper that waits
            defect = FreeholdError(Code.INTERNAL, f"{type(error).__name__}: {error}", "Report this.")
            line = rpc.failure(asked_id, defect)
        with contextlib.suppress(KeeperGoneError):
            await self._send(line)


async def _unknown_method(_params: msgspec.Raw) -> object:
    raise FreeholdError(Code.USAGE, "this client is not asked that")


@contextlib.asynccontextmanager
async def connected(project: Path, home: Path, *, start: bool = True) -> AsyncIterator[KeeperConnection]:
    """A connection to the keeper of `project`; with `start`, one is started when none answers."""
    connection = await connect(project, home, start=start)
    try:
        yield connection
    finally:
        await connection.close()


async def connect(project: Path, home: Path, *, start: bool = True) -> KeeperConnection:
    """Raises UNREACHABLE: without `start` when no keeper runs, else when it did not come up (with its last words);
    NOT_FOUND where none is started, because there is no project; CONFLICT with `start`, when the keeper that runs has
    another home.

    With `start`, an idle keeper of another version of this program is replaced; a busy one is as soon as it is idle.
    On a server a unit of systemd starts and replaces it: it is waited for.
    """
    state = keeper_directory(project)
    connection = await _try(state / SOCKET_FILE)
    if is_placed():
        return connection or await _unit_keeper(state)
    if connection is not None and start and is_of_another_home(state, home):
        await connection.close()
        raise _keeps_another_home(project, home)
    if connection is not None and start and not _is_of_this_program(state / LOCK_FILE):
        connection = await _unless_it_makes_room(connection)
    if connection is None and start:
        connection = await _start(project, home, state)
    if connection is None:
        raise FreeholdError(Code.UNREACHABLE, f"no keeper runs for {project}", "Commands such as `run` start one.")
    return connection


async def _unit_keeper(state: Path) -> KeeperConnection:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if connection := await _try(state / SOCKET_FILE):
            return connection
        await asyncio.sleep(_LOOK_S)
    raise FreeholdError(
        Code.UNREACHABLE, f"nobody listens at {state / SOCKET_FILE}", "systemctl status 'freehold-keeper@*'"
    )


async def ask(project: Path, home: Path, method: str, params: object, answer: type[Answer]) -> Answer:
    """Call `method`, again where a keeper goes away meanwhile: for what has the same effect however often it is asked.

    Raises what `connect` and `KeeperConnection.call` do.
    """
    for _ in range(MOST_KEEPERS - 1):
        with contextlib.suppress(KeeperGoneError):
            async with connected(project, home) as keeper:
                return await keeper.call(method, params, answer)
    async with connected(project, home) as keeper:
        return await keeper.call(method, params, answer)


def _keeps_another_home(project: Path, home: Path) -> FreeholdError:
    return FreeholdError(
        Code.CONFLICT,
        f"the keeper of {project} was started with another home than {home}, and has the credentials of that one",
        "Set FREEHOLD_HOME as it was then. A project's state belongs to one home; to begin anew with this one, end the "
        "keeper and remove the state (its runs and workspaces are lost): "
        f"freehold keeper stop; rm -r {state_directory(project)}",
    )


def _is_of_this_program(lock: Path) -> bool:
    try:
        return lock.read_text().strip() == fingerprint()
    except OSError:
        return False


async def _unless_it_makes_room(connection: KeeperConnection) -> KeeperConnection | None:
    """`connection`, or None when its keeper ends to make room for one of this program."""
    try:
        if not await connection.stop_keeper(when_idle=True):
            return connection
        async for _ in connection.notices():
            pass  # until it hangs up
    except FreeholdError:
        pass  # it went away already, or is too old to be asked: the next call will tell
    await connection.close()
    return None


async def _try(path: Path) -> KeeperConnection | None:
    try:
        sock = _knock(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    except OSError as error:
        raise FreeholdError(
            Code.UNREACHABLE, f"{path}: {error.strerror}", "The keeper belongs to another user."
        ) from error
    sock.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=sock, limit=rpc.LONGEST_LINE)
    return KeeperConnection(reader, writer)


def _knock(path: Path) -> socket.socket:
    if path.is_symlink():  # it came with the project, and leads to somebody else's socket
        raise FileNotFoundError(path)
    return connect_unix(path)


async def _start(project: Path, home: Path, state: Path) -> KeeperConnection | None:
    if not (state / MARK_FILE).exists():  # a project that was broken since then may have runs under way
        from freehold.project.load import require_project  # 30 ms, which commands with a keeper need not wait for

        require_project(project)
    try:
        claim_state(state, home)
        log = _log_file(state)
        log_start = log.stat().st_size if log.exists() else 0
        keeper = _spawn(project, home, log)
    except OSError as error:
        raise FreeholdError(
            Code.UNREACHABLE, f"no keeper can be started: {error}", f"Look at {state} (df -h, ls -l)."
        ) from error
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if connection := await _try(state / SOCKET_FILE):
            return connection
        ended = keeper.poll()
        if ended is not None and ended < 0:
            raise KeeperGoneError(f"the keeper was killed by signal {-ended} as soon as it was started")
        if ended:
            raise _did_not_start(log, log_start)
        await asyncio.sleep(0.01)
    raise _did_not_start(log, log_start)


def _log_file(state: Path) -> Path:
    """The keeper's log; what it grew to in earlier lives is kept once, beside it."""
    log = state / LOG_FILE
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(state / f"{LOG_FILE}.1")
    return log


_started: list[subprocess.Popen[bytes]] = []
"""Keepers outlive whoever started them; a caller that goes on for long must not collect their remains."""


def _spawn(project: Path, home: Path, log: Path) -> subprocess.Popen[bytes]:
    _started[:] = [keeper for keeper in _started if keeper.poll() is None]
    with log.open("ab") as output:
        os.fchmod(output.fileno(), PRIVATE_FILE)
        keeper = subprocess.Popen(
            [sys.executable, "-m", "freehold.keeper", "--project", str(project), "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
    _started.append(keeper)
    return keeper


def _environment() -> dict[str, str]:
    # The keeper outlives this command: what is set for one command only must not stick to it.
    return {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}


def _did_not_start(log: Path, since: int) -> FreeholdError:
    with log.open("rb") as file:
        file.seek(since)
        words = file.read().decode(errors="replace").strip().splitlines()[-5:]
    said = "\n".join(words) or "it wrote nothing"
    return FreeholdError(Code.UNREACHABLE, f"the keeper did not start: {said}", f"Its log is {log}.")
