"""A terminal beside a host-user run, in its namespaces and as its user."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator, Sequence
from typing import Any

from freehold.runtime.host.supervisor import ENVIRONMENT

_HANG_UP_S = 5.0
_PIECE = 65536


class HostShell:
    """`start` runs the launcher on a new terminal; what it is told is the first line that is typed, without an echo."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process) -> None:
        self._terminal = terminal
        self._process = process
        self._shown: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @classmethod
    async def start(cls, command: Sequence[str], told: dict[str, Any], columns: int, rows: int) -> HostShell:
        ours, theirs = pty.openpty()
        try:
            settings = termios.tcgetattr(theirs)
            settings[3] &= ~(termios.ECHO | termios.ICANON)  # a line of any length, and not shown
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
            process = await asyncio.create_subprocess_exec(
                *command, stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT, cwd="/", start_new_session=True
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        shell = cls(ours, process)
        await shell.resize(columns, rows)
        await shell.send(json.dumps(told).encode() + b"\n")
        return shell

    async def output(self) -> AsyncIterator[bytes]:
        while data := await self._shown.get():
            yield data

    async def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # A terminal takes little at a time, and waits while its program does not read.
            written = await asyncio.to_thread(os.write, self._terminal, view)
            view = view[written:]

    async def resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(OSError):  # a command that has ended has no size
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def close(self) -> int:
        """Hang up; the command's exit code, or -1 when it goes on for now."""
        self._stop_reading()
        with contextlib.suppress(OSError):
            os.close(self._terminal)
        try:
            code = await asyncio.wait_for(self._process.wait(), _HANG_UP_S)
        except TimeoutError:
            return -1
        return code if code >= 0 else 128 - code

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, _PIECE)
        except OSError:  # EIO: the last program on the terminal has ended
            data = b""
        if not data:
            self._stop_reading()
        self._shown.put_nowait(data)

    def _stop_reading(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
