"""A terminal in a running container."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiodocker
from aiodocker.execs import Exec
from aiodocker.stream import Stream

from freehold.containers.connection import DockerConnection

_NO_LONGER_THERE = (404, 409)


class Terminal:
    """One command on one terminal; `close` ends the connection and tells the command's exit code."""

    def __init__(self, connection: DockerConnection, execution: Exec, stream: Stream) -> None:
        self._connection = connection
        self._execution = execution
        self._stream = stream

    async def output(self) -> AsyncIterator[bytes]:
        """What the terminal shows, until the command ends."""
        while True:
            with self._connection.doing("read from a terminal"):
                message = await self._stream.read_out()
            if message is None:
                return
            yield message.data

    async def send(self, data: bytes) -> None:
        with self._connection.doing("write to a terminal"):
            await self._stream.write_in(data)

    async def resize(self, columns: int, rows: int) -> None:
        """A command that has ended has no size, and that is no error."""
        with self._connection.doing("resize a terminal"):
            try:
                await self._execution.resize(h=rows, w=columns)
            except aiodocker.DockerError as error:
                if error.status not in _NO_LONGER_THERE:
                    raise

    async def close(self) -> int:
        """Hang up. The exit code, or -1 when the command goes on for now: hanging up does not wait for it."""
        with self._connection.doing("close a terminal"):
            await self._stream.close()
            state = await self._execution.inspect()
        code = state.get("ExitCode")
        return -1 if code is None else int(code)
