"""One end of an ACP conversation: calls numbered, answers matched, the peer's calls answered. It does no I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw

from freehold.wire import acp_rpc
from freehold.wire.acp_rpc import CallId, Message, RemoteError

Result = TypeVar("Result")
Answerer = Callable[[Raw], Awaitable[object]]


class CallRefusedError(Exception):
    """The peer answered our call with an error."""

    def __init__(self, method: str, error: RemoteError) -> None:
        super().__init__(f"{method}: {error.message}")
        self.method = method
        self.error = error


class RefuseError(Exception):
    """Raised by a handler to answer the peer's call with an error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class AcpPeer:
    """`send` writes a line. `answerers` serve the peer's calls by method, each in a task of its own; `on_notified`
    is given the peer's notifications in order.

    What makes no sense (an answer to no call, a notification that nobody knows) is told to `on_odd`, and ends nothing.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        answerers: dict[str, Answerer],
        on_notified: Callable[[str, Raw], None],
        on_odd: Callable[[str], None],
    ) -> None:
        self._send = send
        self._answerers = answerers
        self._on_notified = on_notified
        self._on_odd = on_odd
        self._next_id = 0
        self._calls: dict[CallId, asyncio.Future[Raw]] = {}
        self._methods: dict[CallId, str] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def call(self, method: str, params: object, result: type[Result], timeout_s: float | None = None) -> Result:
        """The peer's answer. Raises `CallRefusedError`, `TimeoutError`, `msgspec.DecodeError` for one of another shape,
        and whatever `fail` was given.
        """
        self._next_id += 1
        call_id = self._next_id
        future = self._calls[call_id] = asyncio.get_running_loop().create_future()
        self._methods[call_id] = method
        try:
            self._send(acp_rpc.call(call_id, method, params))
            return msgspec.json.decode(await asyncio.wait_for(future, timeout_s), type=result)
        finally:
            del self._calls[call_id], self._methods[call_id]

    def notify(self, method: str, params: object) -> None:
        self._send(acp_rpc.notification(method, params))

    def receive(self, line: bytes) -> None:
        """Take one line of the peer. Raises `msgspec.DecodeError` for a line that is no message."""
        message = acp_rpc.decode(line)
        if isinstance(message.method, str):
            self._receive_call(message, message.method)
        else:
            self._receive_answer(message)

    def fail(self, error: BaseException) -> None:
        """End every call that waits: the peer is gone."""
        for future in self._calls.values():
            if not future.done():
                future.set_exception(error)

    async def close(self) -> None:
        """Cancel the answers that are being worked on."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def _receive_call(self, message: Message, method: str) -> None:
        if message.id is UNSET or isinstance(message.id, msgspec.UnsetType):
            self._on_notified(method, message.params)
            return
        task = asyncio.get_running_loop().create_task(self._answer(message.id, method, message.params))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, call_id: CallId | None, method: str, params: Raw) -> None:
        answerer = self._answerers.get(method)
        if answerer is None:
            self._on_odd(f"a call of {method[:100]}, which is not offered")
            self._send(acp_rpc.refusal(call_id, acp_rpc.METHOD_NOT_FOUND, f"{method} is not offered"))
            return
        try:
            self._send(acp_rpc.answer(call_id, await answerer(params)))
        except RefuseError as refused:
            self._send(acp_rpc.refusal(call_id, refused.code, refused.message, refused.data))
        except msgspec.DecodeError as error:
            self._send(acp_rpc.refusal(call_id, acp_rpc.INVALID_PARAMS, f"{method}: {error}"))

    def _receive_answer(self, message: Message) -> None:
        future = self._calls.get(message.id) if isinstance(message.id, int | str) else None
        if future is None or future.done():
            self._on_odd("an answer to a call that was not made")
        elif isinstance(message.error, RemoteError):
            assert isinstance(message.id, int | str)
            future.set_exception(CallRefusedError(self._methods[message.id], message.error))
        elif isinstance(message.result, Raw):
            future.set_result(message.result)
        else:
            self._on_odd("an answer without result and without error")
