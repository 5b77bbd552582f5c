"""The keeper's socket: JSON-RPC, one message a line, for this user's own processes only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.sockets import listen_unix, peer_of
from freehold.wire import rpc

Answer = TypeVar("Answer")

_logger = logging.getLogger(__name__)


class Caller:
    """One connected client. Verbs may send it notifications until it leaves. `is_ours` says whether it is the keeper's
    own user, or root, and not the gateway of a server."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        calls: asyncio.TaskGroup,
        connected: Callable[[], int],
        *,
        is_ours: bool = True,
    ) -> None:
        self.is_ours = is_ours
        self._writer = writer
        self._connected = connected
        self.gone = asyncio.Event()
        self._calls = calls
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbox: dict[str, Callable[[msgspec.Raw], Awaitable[None]]] = {}
        self._asked: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last_asked = 0

    @property
    def others(self) -> bool:
        """Whether anybody else is connected."""
        return self._connected() > 1

    async def notify(self, method: str, params: object) -> None:
        """Raises `ConnectionError` when the client is gone; waits while it reads slowly."""
        self._writer.write(rpc.request(method, params))
        await self._writer.drain()

    def post(self, method: str, params: object) -> None:
        """As `notify`, without waiting for a slow reader: for short texts whose number is bounded."""
        self.answer(rpc.request(method, params))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with `work` beside the calls; it ends, at the latest, when the client leaves."""
        task = self._calls.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, method: str, params: object, answer: type[Answer]) -> Answer:
        """Call the client. Raises its `FreeholdError`, and `ConnectionError` when it is gone or goes."""
        if self.gone.is_set():
            raise ConnectionResetError
        self._last_asked += 1
        asked_id = self._last_asked
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._asked[asked_id] = future
        try:
            self._writer.write(rpc.request(method, params, asked_id))
            await self._writer.drain()
            return msgspec.json.decode(await future, type=answer)
        finally:
            self._asked.pop(asked_id, None)

    def answered(self, message: rpc.RpcMessage) -> None:
        """The client answers what it was asked."""
        future = self._asked.get(message.id or 0)
        if future is None or future.done():
            return
        if message.error:
            future.set_exception(rpc.as_error(message.error))
        else:
            future.set_result(message.result)

    def left(self) -> None:
        """The client is gone: end what goes on for it."""
        self.gone.set()
        for task in self._tasks:
            task.cancel()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionResetError())

    def on(self, method: str, receive: Callable[[msgspec.Raw], Awaitable[None]]) -> None:
        """Take in the client's own notifications of this kind."""
        self._inbox[method] = receive

    async def received(self, message: rpc.RpcMessage) -> None:
        if receive := self._inbox.get(message.method):
            await receive(message.params)

    def answer(self, line: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(line)


Verb = Callable[[Caller, Any], Awaitable[object]]


class RpcServer:
    """Serves `verbs` (method → parameter type and function) at `path`, to this user, and those of them that `also_may`
    names to the user `also` when one is given, who has to be of this process's group. The peer's user is checked.

    A verb may run as long as it likes; others are answered meanwhile. When its client leaves, it is cancelled.
    """

    def __init__(
        self,
        path: Path,
        verbs: Mapping[str, tuple[type, Verb]],
        also: int | None = None,
        also_may: Collection[str] = (),
    ) -> None:
        self._path = path
        self._also_may = also_may
        self._trusted = {os.getuid(), 0, *(() if also is None else (also,))}
        self._verbs = verbs
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._decode = msgspec.json.Decoder(rpc.RpcMessage).decode
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def connections(self) -> int:
        return len(self._writers)

    async def open(self) -> None:
        listener = listen_unix(self._path, mode=0o600 if self._trusted == {os.getuid(), 0} else 0o660)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=rpc.LONGEST_LINE)

    async def close(self) -> None:
        """Stop listening; the socket file goes first, so that new clients start a new keeper."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:  # not the one of a keeper that came after this one
                self._path.unlink()
        if self._server:
            self._server.close()

    def hang_up(self) -> None:
        """End the connections that there are; what goes on for them is cancelled."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            user = peer_of(writer.get_extra_info("socket")).uid
            if user in self._trusted:
                is_ours = user in (os.getuid(), 0)
                async with asyncio.TaskGroup() as calls:
                    caller = Caller(writer, calls, lambda: self.connections, is_ours=is_ours)
                    await self._read_messages(reader, caller)
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left; there is nobody to tell
        except* Exception:  # a defect of ours ends this connection, and no other
            _logger.exception("a connection failed")
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _read_messages(self, reader: asyncio.StreamReader, caller: Caller) -> None:
        try:
            while line := await reader.readline():
                message = self._decode(line)
                if not message.method:
                    caller.answered(message)
                elif message.id is None:
                    await caller.received(message)
                else:
                    caller.spawn(self._call(caller, message, message.id))
        except (ValueError, msgspec.DecodeError):
            return  # a line longer than any message of ours, or no message at all: not one of our clients
        finally:
            caller.left()

    def _require_right(self, caller: Caller, method: str) -> None:
        if not caller.is_ours and method not in self._also_may:
            raise FreeholdError(
                Code.DENIED,
                f"{method} is not for the gateway's user",
                "On the server, /opt/freehold/PROJECT/freehold asks as the keeper's user where that is needed.",
            )

    async def _call(self, caller: Caller, message: rpc.RpcMessage, call_id: int) -> None:
        if message.method not in self._verbs:
            unknown = FreeholdError(Code.USAGE, f"the keeper has no method {message.method!r}")
            return caller.answer(rpc.failure(call_id, unknown, rpc.METHOD_NOT_FOUND))
        kind, verb = self._verbs[message.method]
        try:
            self._require_right(caller, message.method)
            result = await verb(caller, msgspec.json.decode(message.params, type=kind))
            answer = rpc.response(call_id, result)
        except FreeholdError as error:
            answer = rpc.failure(call_id, error)
        except msgspec.DecodeError as error:
            wrong = FreeholdError(Code.USAGE, f"{message.method}: {error}")
            answer = rpc.failure(call_id, wrong, rpc.INVALID_PARAMS)
        except Exception as error:  # a defect of ours must be an answer, not a client that waits
            _logger.exception("a call failed", extra={"method": message.method})
            defect = FreeholdError(Code.INTERNAL, f"{type(error).__name__}: {error}", "Report this with keeper.log.")
            answer = rpc.failure(call_id, defect)
        return caller.answer(answer)
