"""How to call the keeper of a project: find it, start it when there is none, speak JSON-RPC with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory
from freehold.base.sockets import connect_unix
from freehold.wire import rpc

Answer = TypeVar("Answer")

START_DEADLINE_S = 20.0
_LOG_FILE = "keeper.log"


class KeeperConnection:
    """One connection. Several calls may be under way; notifications are queued per connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._calls: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last_id = 0
        self._notices: asyncio.Queue[rpc.RpcRequest | None] = asyncio.Queue(maxsize=1000)
        self._reading = asyncio.create_task(self._read())

    async def call(self, method: str, params: object, answer: type[Answer]) -> Answer:
        """The method's answer. Raises the keeper's `FreeholdError`, or UNREACHABLE when it went away meanwhile."""
        self._last_id += 1
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._calls[self._last_id] = future
        await self._send(rpc.request(method, params, self._last_id))
        return msgspec.json.decode(await future, type=answer)

    async def notify(self, method: str, params: object) -> None:
        await self._send(rpc.request(method, params))

    async def notices(self) -> AsyncIterator[tuple[str, msgspec.Raw]]:
        """Notifications as they come; ends when the keeper goes away."""
        while (message := await self._notices.get()) is not None:
            yield message.method, message.params

    async def close(self) -> None:
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._reading, return_exceptions=True)
            await self._writer.wait_closed()

    async def _send(self, line: bytes) -> None:
        try:
            self._writer.write(line)
            await self._writer.drain()
        except ConnectionError as error:
            raise _gone() from error
        if self._reading.done():
            raise _gone()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._take(line)
        except ConnectionError:
            pass  # told to every caller below
        finally:
            for future in self._calls.values():
                if not future.done():
                    future.set_exception(_gone())
            if self._notices.full():
                self._notices.get_nowait()
            self._notices.put_nowait(None)

    async def _take(self, line: bytes) -> None:
        message = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if "method" in message:
            await self._notices.put(msgspec.json.decode(line, type=rpc.RpcRequest))
            return
        answer = msgspec.json.decode(line, type=rpc.RpcResponse)
        future = self._calls.pop(answer.id, None)
        if future is None or future.done():
            return
        if answer.error:
            future.set_exception(rpc.as_error(answer.error))
        else:
            future.set_result(answer.result)


@contextlib.asynccontextmanager
async def connected(project: Path, home: Path, *, start: bool = True) -> AsyncIterator[KeeperConnection]:
    """A connection to the keeper of `project`; with `start`, one is started when none answers."""
    connection = await connect(project, home, start=start)
    try:
        yield connection
    finally:
        await connection.close()


async def connect(project: Path, home: Path, *, start: bool = True) -> KeeperConnection:
    """Raises UNREACHABLE: without `start` when no keeper runs, else when it did not come up (with its last words)."""
    path = project / ".freehold" / "keeper.sock"
    connection = await _try(path)
    if connection is None and start:
        connection = await _start(project, home, path)
    if connection is None:
        raise FreeholdError(Code.UNREACHABLE, f"no keeper runs for {project}", "Commands such as `run` start one.")
    return connection


async def _try(path: Path) -> KeeperConnection | None:
    try:
        sock = connect_unix(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    except OSError as error:
        raise FreeholdError(
            Code.UNREACHABLE, f"{path}: {error.strerror}", "The keeper belongs to another user."
        ) from error
    sock.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=sock, limit=rpc.LONGEST_LINE)
    return KeeperConnection(reader, writer)


async def _start(project: Path, home: Path, path: Path) -> KeeperConnection | None:
    state = path.parent
    make_private_directory(state)
    log = state / _LOG_FILE
    log_start = log.stat().st_size if log.exists() else 0
    keeper = _spawn(project, home, log)
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if connection := await _try(path):
            return connection
        if keeper.poll() not in (None, 0):
            raise _did_not_start(log, log_start)
        await asyncio.sleep(0.01)
    raise _did_not_start(log, log_start)


def _spawn(project: Path, home: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "freehold.keeper", "--project", str(project), "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    # The keeper outlives this command: what is set for one command only must not stick to it.
    return {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}


def _did_not_start(log: Path, since: int) -> FreeholdError:
    with log.open("rb") as file:
        file.seek(since)
        words = file.read().decode(errors="replace").strip().splitlines()[-5:]
    said = "\n".join(words) or "it wrote nothing"
    return FreeholdError(Code.UNREACHABLE, f"the keeper did not start: {said}", f"Its log is {log}.")


def _gone() -> FreeholdError:
    return FreeholdError(Code.UNREACHABLE, "the keeper went away", "Run the command again: a new keeper takes over.")


def decode_params(raw: msgspec.Raw, kind: type[Answer]) -> Answer:
    return msgspec.json.decode(raw, type=kind)
