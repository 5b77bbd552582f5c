"""A Python that is kept open on a host for as long as the connection: programs do not wait for it to start.

Whoever runs a program sees no difference (`host.PROGRAM`): each has a process of its own there
(`interpreter_there.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from freehold.hosts.host import PROGRAM, Command, Outcome
from freehold.hosts.interpreter_there import ASKED, MOST_BYTES, READY, TOLD

if TYPE_CHECKING:
    from freehold.hosts.process_host import Spawned

_PIECE_BYTES = 256 * 1024
_KILLING_S = 1.0
_NO_STATUS = 255


@cache
def interpreter_words() -> tuple[str, ...]:
    """What begins one."""
    return ("python3", "-I", "-c", files(__package__).joinpath("interpreter_there.py").read_text("utf-8"))


def is_program(command: Command) -> bool:
    """Whether a kept Python can run it."""
    return command.argv[:-1] == PROGRAM and bool(command.stdin)


class Interpreter:
    """One that said it is ready. `ended` it takes no further program."""

    def __init__(self, process: Spawned) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._hearing = asyncio.create_task(self._hear())

    @classmethod
    async def on(cls, process: Spawned) -> Interpreter | None:
        """None when what runs there is none: the host has no Python, or a login shell that talks. Raises
        `ConnectionError`."""
        said = b""
        while len(said) < len(READY) and (piece := await process.read(len(READY) - len(said))):
            said += piece
        if said == READY:
            return cls(process)
        await process.end()
        return None

    @property
    def ended(self) -> bool:
        return self._hearing.done()

    async def run(self, command: Command) -> Outcome:
        """Raises `ConnectionError`. The program is killed when nobody waits for it any more."""
        number = next(self._numbers)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        body = command.argv[-1].encode() + b"\0" + command.stdin
        try:
            await self._process.write(ASKED.pack(number, len(body)) + body)
            if self.ended and not future.done():  # and nobody is left who would tell of this one
                raise ConnectionResetError("the interpreter ended")
            return await future
        finally:
            del self._waiting[number]
            if not future.done() or future.cancelled():
                await self._kill(number)
            else:
                future.exception()  # looked at, also where the write failed first

    async def end(self) -> None:
        self._hearing.cancel()
        await asyncio.wait({self._hearing})
        await self._process.end()

    async def _kill(self, number: int) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_KILLING_S):
                await self._process.write(ASKED.pack(number, 0))

    async def _hear(self) -> None:
        """Give each its outcome; at the end those that are left are as the interpreter itself."""
        try:
            while outcome := await self._next():
                number, told = outcome
                future = self._waiting.get(number)
                if future and not future.done():
                    future.set_result(told)
            last = Outcome(await self._process.status() or _NO_STATUS, b"", b"the interpreter ended")
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(last)
        except ConnectionError as error:
            self._give_up(str(error))
        finally:
            self._give_up("the connection was closed")

    def _give_up(self, why: str) -> None:
        """Nobody waits for what will not come."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError(why))

    async def _next(self) -> tuple[int, Outcome] | None:
        head = await self._exactly(TOLD.size)
        if len(head) < TOLD.size:
            return None
        number, status, out, err = TOLD.unpack(head)
        if max(out, err) > MOST_BYTES + 1:  # no interpreter of ours says so
            await self._process.end()
            return None
        said = await self._exactly(out + err)
        return (number, Outcome(status, bytes(said[:out]), bytes(said[out:]))) if len(said) == out + err else None

    async def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size and (piece := await self._process.read(min(size - len(content), _PIECE_BYTES))):
            content += piece
        return bytes(content)
