"""The session with the keeper: a WebSocket on the run socket that outlives the keeper's restarts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException

from freehold.base.sockets import connect_unix
from freehold.runner.event_file import EventFile
from freehold.wire import session as wire
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Phase, RunError

RETRY_S = 60.0
"""How long the keeper may be away before permissions are answered without it, and a last word is given up."""
_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_LAST_WORD_S = 5.0
_HURRY_S = 1.0
_LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024


class KeeperSession:
    """Says where the run stands, asks for permissions, and hands on what the keeper sends.

    What is said while nobody is connected waits, in order; `Hello` tells a new connection the last phase that was
    sent and how far a chat is, and open permission requests are asked again. `incoming` gives what the keeper says.
    """

    def __init__(self, run_socket: Path, events: EventFile, *, retry_s: float = RETRY_S) -> None:
        self._run_socket = run_socket
        self._events = events
        self._retry_s = retry_s
        self._outgoing: list[wire.FromRunner] = []
        self._something_to_say = asyncio.Event()
        self._all_said = asyncio.Event()
        self._all_said.set()
        self._told_phase = Phase.CONTAINER
        self._asked: dict[str, tuple[wire.AskPermission, asyncio.Future[str]]] = {}
        self._away_since: float | None = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._turn = 0
        self._ended: wire.TurnFinished | None = None
        self.incoming: asyncio.Queue[wire.Prompt | wire.Interrupt | wire.Finish | wire.Cancel] = asyncio.Queue()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    def enter(self, phase: Phase) -> None:
        self._say(wire.EnterPhase(phase=phase))

    def turn_began(self, turn: int) -> None:
        """This message of a chat is taken in; a keeper that comes back is told so."""
        self._turn = turn

    def turn_finished(self, stop_reason: str, turn: int = 0, error: RunError | None = None) -> None:
        ended = wire.TurnFinished(stop_reason=stop_reason, turn=turn, error=error)
        self._ended = ended if turn else None
        self._say(ended)

    def conclude(self, error: RunError | None) -> None:
        self._say(wire.Conclusion(error=error))

    async def ask(self, permission_id: str, title: str, options: list[PermissionOption]) -> str:
        """The id of the option that the keeper chose; empty when it cancels, or stays away for longer than the retry.

        The keeper decides and records, and has its own deadline for people.
        """
        asked = wire.AskPermission(permission_id=permission_id, title=title, options=options)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[permission_id] = (asked, answer)
        self._say(asked)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(answer), 1.0)
                if self._away_for() > self._retry_s:
                    self._events.log("error", f"permission denied, because the keeper does not answer: {title}")
                    return ""
        finally:
            del self._asked[permission_id]

    def stop_asking(self) -> None:
        """Cancel every open permission request."""
        for _, answer in self._asked.values():
            if not answer.done():
                answer.set_result("")

    async def close(self, *, hurry: bool = False) -> None:
        """Wait until everything is said, as long as the keeper may come back (in a hurry: a second); say goodbye."""
        longest = _LAST_WORD_S + max(0.0, self._retry_s - self._away_for() if self._away_since else 0.0)
        longest = _HURRY_S if hurry else longest
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_said.wait(), longest)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _away_for(self) -> float:
        return time.monotonic() - self._away_since if self._away_since is not None else 0.0

    def _say(self, message: wire.FromRunner) -> None:
        self._outgoing.append(message)
        self._all_said.clear()
        self._something_to_say.set()

    async def _keep_connected(self) -> None:
        attempt = 0
        while True:
            try:
                async with await self._connect() as connection:
                    attempt, self._away_since = 0, None
                    await self._converse(connection)
            except (OSError, WebSocketException, InvalidHandshake, InvalidMessage, TimeoutError) as error:
                if attempt == len(_PAUSES_S):
                    self._events.log("warning", f"no session with the keeper: {error}")
            if self._away_since is None:
                self._away_since = time.monotonic()
            await asyncio.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
            attempt += 1

    async def _connect(self) -> ClientConnection:
        socket = connect_unix(self._run_socket, timeout_s=0.5)
        socket.setblocking(False)
        return await connect(
            "ws://run/v1/run/session",
            sock=socket,
            proxy=None,
            compression=None,
            open_timeout=10,
            close_timeout=_LAST_WORD_S,
            ping_interval=None,  # a unix socket ends when its peer does
            max_size=_LARGEST_MESSAGE_BYTES,
        )

    async def _converse(self, connection: ClientConnection) -> None:
        hello = wire.Hello(
            phase=self._told_phase, last_container_seq=self._events.seq, turn=self._turn, ended=self._ended
        )
        await connection.send(wire.encode(hello).decode())
        waiting = [message for message in self._outgoing if isinstance(message, wire.AskPermission)]
        for asked, _ in self._asked.values():
            if asked not in waiting:
                self._say(asked)
        speaking = asyncio.get_running_loop().create_task(self._speak(connection))
        try:
            async for data in connection:
                self._hear(data)
        finally:
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketException):
                await speaking

    async def _speak(self, connection: ClientConnection) -> None:
        while True:
            while self._outgoing:
                message = self._outgoing[0]
                await connection.send(wire.encode(message).decode())
                self._outgoing.pop(0)
                if isinstance(message, wire.EnterPhase):
                    self._told_phase = message.phase
            self._all_said.set()
            self._something_to_say.clear()
            await self._something_to_say.wait()

    def _hear(self, data: str | bytes) -> None:
        try:
            message = wire.decode_from_keeper(data)
        except msgspec.DecodeError as error:
            self._events.log("warning", f"a message of the keeper was not understood: {error}")
            return
        if isinstance(message, wire.Answer):
            _, answer = self._asked.get(message.permission_id, (None, None))
            if answer and not answer.done():
                answer.set_result(message.option_id)
        else:
            self.incoming.put_nowait(message)
